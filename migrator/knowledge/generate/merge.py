"""Brings together what the probes and the sources of all releases say, and lists where the two disagree.

The import wins: a name is there in a release if it could be imported. The source decides only where an import says
nothing: for modules that need another package to be imported, and for attributes that a class gives its instances.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

Looked = dict[str, Any]


@dataclass
class Fact:
    """One name of a module or one member of a class, over all releases. A mask has one bit for each release."""

    mask: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    homes: dict[str, int] = field(default_factory=dict)
    """`module:qualname` of the object."""
    gives: dict[str, int] = field(default_factory=dict)
    """The class of what a call gives back, or of what an attribute holds."""
    parameters: dict[str, int] = field(default_factory=dict)
    """Each parameter as written (`=` after a name that has a default), in the newest release's order."""
    called: int = 0
    """The releases of which the parameters are known."""
    asynchronous: int = 0
    outside: int = 0
    """The releases in which the object is not at home in the packages: it is only imported there."""
    moved: dict[str, int] = field(default_factory=dict)
    """Where Prefect's own warning sends the reader."""

    def add(self, bit: int, record: Looked, roots: Iterable[str]) -> None:
        self.mask |= bit
        _note(self.kinds, record.get("kind"), bit)
        home = record.get("home")
        if home is not None:
            _note(self.homes, home, bit)
            if record["kind"] != "value" and home.replace(":", ".").split(".")[0] not in roots:
                self.outside |= bit
        _note(self.gives, record.get("gives"), bit)
        if record.get("async"):
            self.asynchronous |= bit
        if record.get("parameters") is not None:
            self.called |= bit
            _add_parameters(self.parameters, record["parameters"], bit)


@dataclass
class Klass:
    """A class over all releases."""

    mask: int = 0
    bases: dict[str, int] = field(default_factory=dict)
    members: dict[str, Fact] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    called: int = 0
    extra: dict[str, int] = field(default_factory=dict)
    """What a model does with keyword arguments that it does not know: forbid, ignore or allow."""
    dynamic: int = 0
    """The releases in which it answers for attributes by a function of its own."""


@dataclass
class Api:
    """Everything that is known of some packages over their releases."""

    releases: tuple[str, ...]
    modules: dict[str, int] = field(default_factory=dict)
    names: dict[str, dict[str, Fact]] = field(default_factory=dict)
    classes: dict[str, Klass] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)


def _note(where: dict[str, int], key: Optional[str], bit: int) -> None:
    if key is not None:
        where[key] = where.get(key, 0) | bit


def _add_parameters(known: dict[str, int], parameters: Sequence[Sequence[Any]], bit: int) -> None:
    """Releases are added newest first, so the newest one's order and marks stand; older parameters come after."""
    by_name = {key.strip("*=/!"): key for key in known if not key.startswith("*")}
    for star, name, how, has_default in parameters:
        key = (
            f"{star}{name}"
            if star
            else f"{name}{'/' if how == 'P' else '!' if how == 'K' else ''}{'=' if has_default else ''}"
        )
        if not star:
            key = by_name.get(name, key)
        known[key] = known.get(key, 0) | bit


def merge(releases: Sequence[str], looked: Sequence[Looked], read: Sequence[Looked], roots: frozenset[str]) -> Api:
    """What was found in each release, oldest first; `looked` is the import's word, `read` the source's."""
    api = Api(tuple(releases))
    for at in reversed(range(len(releases))):
        bit, found, source = 1 << at, looked[at], read[at]
        wanting = {module for module, error in found["failed"].items() if _wants_another_package(error, roots)}
        for module in found["modules"]:
            _note(api.modules, module, bit)
        for module in sorted(wanting & set(source["modules"])):
            _note(api.modules, module, bit)
            api.disagreements.append(
                f"{releases[at]} {module} cannot be imported here, its source was read: {found['failed'][module]}"
            )
        for module, error in found["failed"].items():
            if module not in wanting:
                api.disagreements.append(f"{releases[at]} {module} fails to import and counts as absent: {error}")
        for module, names in found["modules"].items():
            for name, record in names.items():
                if f"{module}.{name}" not in found["modules"]:
                    fact = api.names.setdefault(module, {}).setdefault(name, Fact())
                    fact.add(bit, record, roots)
                    _note(fact.moved, _moved_to(record, f"{module}:{name}"), bit)
        for module in sorted(wanting & set(source["modules"])):
            for name, record in source["modules"][module].items():
                api.names.setdefault(module, {}).setdefault(name, Fact()).add(bit, _plain(record, roots), roots)
        for home, record in found["classes"].items():
            _add_class(api.classes.setdefault(home, Klass()), bit, record, source["classes"].get(home, {}), roots)
        api.disagreements.extend(f"{releases[at]} {line}" for line in _compared(found, source))
    return api


def _moved_to(record: Looked, name: str) -> Optional[str]:
    """Where an object lives whose name warns that it has moved; None where the name does not warn, or is the object's home."""
    home = record.get("home") if "moved" in record.get("warns", "") else None
    return home if home != name else None


def _plain(record: Looked, roots: frozenset[str]) -> Looked:
    if record["kind"] != "alias":
        return record
    inside = record["home"].replace(":", ".").split(".")[0] in roots
    return {"kind": "value", "home": record["home"]} if inside else {"kind": "function", "home": record["home"]}


def _wants_another_package(error: str, roots: frozenset[str]) -> bool:
    """Whether a failed import says that another package is missing, not that Prefect lacks something."""
    missing = (
        "No module named '" in error
        and error.partition("No module named '")[2].split("'")[0].split(".")[0] not in roots
    )
    return missing or "must be installed" in error or "pip install" in error


def _add_class(known: Klass, bit: int, record: Looked, source: Looked, roots: frozenset[str]) -> None:
    known.mask |= bit
    for base in record["bases"]:
        if base:
            _note(known.bases, base, bit)
    for name, member in record["members"].items():
        known.members.setdefault(name, Fact()).add(bit, _without_self(member), roots)
    for name, member in source.get("members", {}).items():
        if name not in record["members"] and member["kind"] in ("instance", "field"):
            known.members.setdefault(name, Fact()).add(bit, {"kind": "field"}, roots)
    parameters = record.get("init")
    if parameters is not None and record.get("fields") is not None:
        parameters = [each for each in parameters if each[1] != "self"]
    if record.get("fields") is not None and (parameters is None or any(star == "**" for star, *_ in parameters)):
        own = [each for each in parameters or () if each[0] != "**"]
        names = {each[1] for each in own}
        parameters = [*own, *(["", name, "K", True] for name in record["fields"] if name not in names)]
        _note(known.extra, record["extra"], bit)
    if parameters is not None:
        known.called |= bit
        _add_parameters(known.parameters, parameters, bit)
    if record["dynamic"]:
        known.dynamic |= bit


def _without_self(member: Looked) -> Looked:
    if member.get("parameters") and member["kind"] in ("method", "classmethod"):
        first, *rest = member["parameters"]
        return {**member, "parameters": rest if not first[0] else member["parameters"]}
    return member


def _compared(found: Looked, source: Looked) -> Iterator[str]:
    """Names of Prefect's own that one of the two has and the other has not."""
    for module, names in sorted(source["modules"].items()):
        seen = found["modules"].get(module)
        if seen is None:
            if module not in found["failed"]:
                yield f"{module}: read in the source, not importable"
            continue
        for name, record in sorted(names.items()):
            if name not in seen and record["kind"] in ("class", "function"):
                yield f"{module}.{name}: defined in the source, not importable"
        for name, record in sorted(seen.items()):
            if (
                name not in names
                and record["kind"] in ("class", "function")
                and f"{module}.{name}" not in found["modules"]
            ):
                yield f"{module}.{name}: importable, not defined in the source"


# -- the second round: what an import answers when it is asked by name


def questions(api: Api, at: int, looked: Looked) -> dict[str, Any]:
    """What to ask the release at an index: every name that another release has, modules that have no file of their own
    here included (2.20 gives `prefect.packaging` another module's place), and every member that a class of the same name has anywhere. Answers bring new members, so ask until they bring no more."""
    bit = 1 << at
    here = looked["modules"]
    names = {
        module: missing
        for module, known in api.names.items()
        if module not in looked["failed"]
        and (
            missing := sorted(
                name for name, fact in known.items() if not fact.mask & bit and f"{module}.{name}" not in here
            )
        )
    }
    names.update({module: [] for module in api.modules if module not in {**names, **here, **looked["failed"]}})
    by_tail: dict[str, set[str]] = {}
    for home in api.classes:
        for name in _all_members(api, home, set()):
            by_tail.setdefault(home.rpartition(":")[2], set()).add(name)
    members = {
        home: sorted(by_tail[home.rpartition(":")[2]])
        for home, klass in api.classes.items()
        if klass.mask & bit and by_tail.get(home.rpartition(":")[2])
    }
    return {"names": names, "members": members}


def _all_members(api: Api, home: str, seen: set[str]) -> set[str]:
    if home in seen or home not in api.classes:
        return set()
    seen.add(home)
    found = set(api.classes[home].members)
    for base in api.classes[home].bases:
        found |= _all_members(api, base, seen)
    return found


def add_answers(api: Api, at: int, answers: Looked, roots: frozenset[str]) -> None:
    """Adds what `probe.ask` said of the release at an index."""
    bit = 1 << at
    for module, answer in answers["names"].items():
        if "error" not in answer:
            _note(api.modules, module, bit)
        for name, said in answer.get("names", {}).items():
            if "error" in said:
                continue
            fact = api.names[module][name]
            kind = next(iter(fact.kinds), "value")
            fact.add(bit, {"kind": kind, "home": said.get("home")}, roots)
            _note(fact.moved, _moved_to(said, f"{module}:{name}"), bit)
    for home, said in answers["members"].items():
        for name, there in (said or {}).items():
            if there and not _inherits(api, home, name, bit, set()):
                api.classes[home].members.setdefault(name, Fact()).add(bit, {"kind": "value"}, roots)


def _inherits(api: Api, home: str, name: str, bit: int, seen: set[str]) -> bool:
    klass = api.classes.get(home)
    if klass is None or home in seen:
        return False
    seen.add(home)
    fact = klass.members.get(name)
    if fact is not None and fact.mask & bit:
        return True
    return any(mask & bit and _inherits(api, base, name, bit, seen) for base, mask in klass.bases.items())
