"""The biography of a name of Prefect: what it is, which releases have it, what became of it, and what to write instead.

Everything comes from the generated data and the tables of `migrator.knowledge`; nothing of Prefect is imported.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Optional, get_args

from migrator.knowledge.api import Api, Call, Entry, Klass, Life, Parameter, api
from migrator.knowledge.lookalikes import Lookalike, When, lookalike
from migrator.knowledge.lookup import Instead, instead_of
from migrator.knowledge.members import ChangedArgument, ChangedMember, changed_argument, changed_member
from migrator.knowledge.names import only_on_3, phantom
from migrator.reports.text import visible

WIDTH = 80
PLACES = 8
"""How many places of a bare name the text lists."""
MEMBERS = 30
"""How many members that came or went the text lists."""

_GUIDE = "https://docs.prefect.io/v3/how-to-guides/migrate/upgrade-to-prefect-3"
_SPELLED = re.compile(r"@?(?P<name>[^\s()]+?)[.:]?(?:\(\s*(?P<keyword>\w*)\s*(?:=.*)?\))?", re.DOTALL)
_KINDS = {
    "": "attribute",
    "abstractclassmethod": "class method",
    "abstractstaticmethod": "static method",
    "classmethod": "class method",
    "def": "function",
    "static": "static method",
    "var": "value",
}
_MEMBER = "member of a class"
_WHEN = {
    "returned": "returned by a flow or a task",
    "argument": "given to a function, method or class of Prefect",
    "nested": "given to a class of `prefect.client.schemas`",
    "called": "called",
    "subscripted": "written with types in brackets",
    "used": "read and used",
}


class UnknownName(LookupError):
    """No release has the name, or nothing is known of it; the text says which, and what was probably meant."""


@dataclass(frozen=True)
class Part:
    """A name with the mask of the releases in which what is said of it holds."""

    name: str
    releases: int
    kind: str = ""
    home: str = ""
    """Where the object is defined."""


@dataclass(frozen=True)
class Difference:
    """What a name that Prefect 3 still has does otherwise there, and where that matters."""

    when: str
    since: str
    advice: str
    url: str


@dataclass(frozen=True)
class Biography:
    """What is known of one name, or the places that have a name which was not spelled out."""

    name: str
    kind: Optional[str] = None
    """None where the name is in several places, or in no release."""
    releases: int = 0
    homes: tuple[Part, ...] = ()
    """The places where the object is defined, the newest first; that is often not where it is imported from."""
    asynchronous: int = 0
    signature: Optional[str] = None
    """How it is called on the newest release of which that is known, without the parameters that begin with `_`."""
    signature_of: int = 0
    parameters: tuple[Part, ...] = ()
    """Those that not every release of `called` has."""
    called: int = 0
    """The releases of which the parameters are known."""
    members: tuple[Part, ...] = ()
    """For a class or a module: the names that either the newest 2.x or the newest 3.x has, and not both."""
    replacement: Optional[str] = None
    requires: Optional[str] = None
    """The distribution to install for the replacement."""
    applicability: Optional[str] = None
    advice: str = ""
    url: Optional[str] = None
    replacement_on_2: Optional[str] = None
    """The first 2.x release from which on the replacement works there as well."""
    on_both: Optional[str] = None
    """The name of `compat` that does the same on Prefect 2 and 3."""
    warns: tuple[Part, ...] = ()
    """Where Prefect's own deprecation warning sends to."""
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    places: tuple[Part, ...] = ()
    """All places that a name which was not spelled out can stand for, the shortest first."""

    @property
    def root(self) -> str:
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class Scale:
    """The releases of one package: the minors of Prefect, or the two releases of an integration that were looked at."""

    data: Api
    root: str

    @property
    def looked_at(self) -> dict[str, str]:
        """For each label the release that was looked at."""
        words = (word.partition("=") for word in self.data.versions.get(self.root, self.data.versions["prefect"]))
        return {label: release for label, _, release in words}

    @property
    def is_integration(self) -> bool:
        return self.root != "prefect" and self.root in self.data.versions

    def labels(self, releases: int) -> list[str]:
        """The labels of a mask, oldest first."""
        if self.is_integration:
            marks = (("2", self.data.last_of_2), ("3", self.data.newest))
            return [label for label, mask in marks if releases & mask]
        return [label for at, label in enumerate(self.data.labels) if releases >> at & 1]

    def gone(self, releases: int) -> Optional[str]:
        """The label of the first release after the last one of a mask; None where the newest is in it, or none."""
        have = self.labels(releases)
        labels = list(self.looked_at)
        return labels[labels.index(have[-1]) + 1] if have and have[-1] != labels[-1] else None

    def written(self, releases: int) -> str:
        """A mask in words: `2.0 to 2.20`, or the releases of an integration."""
        if not self.is_integration:
            return self.data.written(releases)
        return " and ".join(self.looked_at[label] for label in self.labels(releases)) or "no release"


# -- what is known of a name


def biography(asked: str) -> Biography:
    """What is known of a name as code spells it: dotted, or its end alone, with `(keyword)` for one argument of a call.

    Raises UnknownName where no release has it, with the nearest names that there are.
    """
    match = _SPELLED.fullmatch(asked.strip().strip("`'\"").strip())
    if match is None:
        raise UnknownName(f"`{visible(asked)}` is no dotted name")
    dotted = match["name"].replace(":", ".")
    data = api()
    root = dotted.partition(".")[0]
    if root.replace("-", "_") in data.roots:
        dotted = root.replace("-", "_") + dotted[len(root) :]
        told = _of_dotted(data, dotted)
        return _of_keyword(data, told, match["keyword"]) if match["keyword"] else told
    return _of_bare(data, dotted, match["keyword"])


def _of_dotted(data: Api, dotted: str) -> Biography:
    life = data.life(dotted)
    row = phantom(dotted)
    if row is not None and (life is None or not life.releases or row.leaks_since is not None):
        notes = ["No Prefect from 2.0 on defines it, although people write it."]
        if row.leaks_since is not None:
            notes.append(f"It can be imported by chance since {row.leaks_since}: Prefect imports it there itself.")
        return Biography(dotted, replacement=row.meant, advice=row.advice, url=row.url, notes=tuple(notes))
    if life is None:
        return _of_the_above(data, dotted)
    if not life.releases:
        if data.of_prefect_1(dotted):
            note = "A name of Prefect 1: no Prefect 2 or 3 has it. The flow has to be written anew."
            return Biography(dotted, url=_GUIDE, notes=(note,))
        raise UnknownName(_unknown(data, dotted, life))
    if data.block(dotted) is not None:
        return _of_module(data, dotted, life)
    if life.entry is None:
        return _of_the_above(data, dotted)
    return _of_member(data, life, life.entry) if life.owners else _of_name(data, life, life.entry)


def _of_the_above(data: Api, dotted: str) -> Biography:
    """The biography of what a name is inside of, where nothing is known of the inside."""
    if dotted.rpartition(".")[2].startswith("_"):
        raise UnknownName(f"`{visible(dotted)}` is private: nothing is known of such names")
    above = dotted.rpartition(".")[0]
    while above:
        life = data.life(above)
        if life is not None and (life.entry is not None or data.block(above) is not None):
            told = _of_dotted(data, above)
            rest = visible(dotted[len(above) + 1 :])
            note = f"Of `{rest}` inside of `{above}` nothing is known; this is about `{above}`."
            return replace(told, notes=(note, *told.notes))
        above = above.rpartition(".")[0]
    raise UnknownName(f"nothing is known of `{visible(dotted)}`")


def _of_module(data: Api, dotted: str, life: Life) -> Biography:
    notes = []
    named = life.entry
    kind = named.kind(data.everything) if named is not None else None
    if named is not None and kind not in (None, "module"):
        above, _, name = dotted.rpartition(".")
        notes.append(f"`from {above} import {name}` brings a {_KINDS.get(kind or '', kind)} of that name.")
    names = (data.entry(dotted, name) for name in data.names(dotted))
    own = [each for each in names if each is not None and not each.outside and _is_at_home(each, dotted)]
    told = Biography(
        dotted,
        "module",
        life.releases,
        members=_came_or_went(data, life.releases, ((each.name, each.releases) for each in own)),
        notes=tuple(notes),
    )
    return _with_advice(data, told)


def _is_at_home(entry: Entry, module: str) -> bool:
    home = entry.home(entry.releases)
    return home is not None and home.startswith(f"{module}:")


def _of_name(data: Api, life: Life, entry: Entry) -> Biography:
    kind = entry.kind(life.releases) or ""
    if not kind and entry.outside:
        kind = "import from elsewhere"
    told = Biography(
        life.dotted,
        _KINDS.get(kind, kind),
        life.releases,
        homes=_homes((home, mask & life.releases) for home, mask in entry.homes),
        asynchronous=entry.asynchronous,
        members=_of_class(data, entry) if kind == "class" else (),
        warns=_homes(entry.moved),
        notes=("It is there only because the module imports it: not Prefect's own.",) if entry.outside else (),
    )
    return _with_advice(data, _with_call(data, told, _merged(_calls(data, entry))))


def _of_member(data: Api, life: Life, entry: Entry) -> Biography:
    owner, _, name = life.dotted.rpartition(".")
    klass = data.entry(life.module, owner.rpartition(".")[2])
    found = list(_inherited(data, klass, name)) if klass is not None else []
    kind = entry.kind(entry.releases) or ""
    extra = any(each.extra and not entry.kinds and entry.call is None for each, _, _ in found)
    kind = "method" if not kind and entry.call is not None else "field" if extra else kind
    asynchronous = 0
    for _, each, mask in found:
        asynchronous |= each.asynchronous & mask
    told = Biography(
        life.dotted,
        _KINDS.get(kind, kind),
        life.releases,
        homes=_homes((f"{each.home}.{name}", mask) for each, _, mask in found),
        asynchronous=asynchronous,
    )
    calls = ((each.call, mask) for _, each, mask in found if each.call is not None)
    return _with_advice(data, _with_call(data, told, _merged(calls)), _member_row(found, name))


def _inherited(data: Api, klass: Entry, name: str) -> Iterator[tuple[Klass, Entry, int]]:
    """The classes from which the one at an entry has a member, and in which releases; the nearest in each release."""
    left = data.everything
    for home, mask in klass.homes:
        for each, releases in data.lineage(home):
            entry = each.members.get(name)
            here = entry.releases & releases & mask & klass.releases & left if entry is not None else 0
            if entry is not None and here:
                left &= ~here
                yield each, entry, here


def _member_row(found: Sequence[tuple[Klass, Entry, int]], name: str) -> Optional[ChangedMember]:
    rows = (changed_member(each.home.replace(":", "."), name) for each, _, _ in found)
    return next(filter(None, rows), None)


def _of_class(data: Api, entry: Entry) -> tuple[Part, ...]:
    """The members of a class that came or went; empty where the inside is unknown on either side."""
    sides = (entry.home(data.last_of_2), entry.home(data.newest))
    if any(home is None or data.klass(home) is None for home in sides):
        return ()
    members: dict[str, int] = {}
    for home, mask in entry.homes:
        for klass, releases in data.lineage(home):
            if klass.dynamic & releases & mask & (data.last_of_2 | data.newest):
                return ()
            for name, each in klass.members.items():
                members[name] = members.get(name, 0) | each.releases & releases & mask
    return _came_or_went(data, entry.releases, members.items())


def _came_or_went(data: Api, around: int, names: Iterable[tuple[str, int]]) -> tuple[Part, ...]:
    """What only one of the newest 2.x and the newest 3.x has, where both have what it is in."""
    ends = data.last_of_2 | data.newest
    if around & ends != ends:
        return ()
    return tuple(
        Part(name, mask) for name, mask in sorted(names) if not name.startswith("_") and mask & ends not in (0, ends)
    )


def _homes(homes: Iterable[tuple[str, int]]) -> tuple[Part, ...]:
    found: dict[str, int] = {}
    for home, mask in homes:
        if mask:
            found[home.replace(":", ".")] = found.get(home.replace(":", "."), 0) | mask
    return tuple(Part(home, mask) for home, mask in sorted(found.items(), key=lambda item: -item[1].bit_length()))


# -- how it is called


def _calls(data: Api, entry: Entry) -> Iterator[tuple[Call, int]]:
    """How the object of an entry is called, as far as its homes tell."""
    if entry.call is not None:
        yield entry.call, entry.releases
    for home, mask in sorted(entry.homes, key=lambda item: -item[1].bit_length()):
        module, _, qualified = home.partition(":")
        owner, _, name = qualified.rpartition(".")
        klass = data.klass(home)
        if klass is not None:
            if klass.call is not None:
                yield klass.call, mask & entry.releases
            continue
        if owner:
            member = data.member(f"{module}:{owner}", name)
            there = member[1] if member is not None else None
        else:
            there = data.entry(module, name)
        if there is not None and there is not entry and there.call is not None:
            yield there.call, mask & entry.releases


def _merged(calls: Iterable[tuple[Call, int]]) -> Optional[Call]:
    """Several calls of the same thing as one, in the order of the newest; where two know a release, the first counts."""
    known = 0
    told = []
    for call, releases in calls:
        here = call.releases & releases & ~known
        known |= here
        if here:
            told.append((call, here))
    parameters: dict[tuple[str, str], Parameter] = {}
    for call, here in sorted(told, key=lambda item: -item[1].bit_length()):
        for each in call.parameters:
            mask = each.releases & here
            if mask:
                before = parameters.get((each.name, each.star))
                both = replace(before, releases=before.releases | mask) if before else replace(each, releases=mask)
                parameters[each.name, each.star] = both
    return Call(known, tuple(parameters.values())) if known else None


def _with_call(data: Api, told: Biography, call: Optional[Call]) -> Biography:
    if call is None:
        return told
    call = _told(call)
    newest = 1 << (call.releases.bit_length() - 1)
    public = [parameter for parameter in call.parameters if not parameter.name.startswith("_")]
    return replace(
        told,
        signature=_signature(told.name.rpartition(".")[2], [each for each in public if each.releases & newest]),
        signature_of=newest,
        parameters=tuple(
            Part(each.star + each.name, each.releases) for each in public if each.releases != call.releases
        ),
        called=call.releases,
    )


def _told(call: Call) -> Call:
    """The call without the releases in which `*args, **kwargs` hides what is taken, unless that is all there is."""
    told = args = kwargs = 0
    for parameter in call.parameters:
        if parameter.star:
            args |= parameter.releases if parameter.star == "*" else 0
            kwargs |= parameter.releases if parameter.star == "**" else 0
        else:
            told |= parameter.releases
    known = call.releases & ~(args & kwargs & ~told)
    if not known:
        return call
    parameters = (replace(each, releases=each.releases & known) for each in call.parameters)
    return Call(known, tuple(each for each in parameters if each.releases))


def _signature(name: str, parameters: Sequence[Parameter]) -> str:
    """`name(a, b=..., *, c=...)`."""
    by_position = [each for each in parameters if each.by_position and not each.star]
    only = [each for each in by_position if not each.by_keyword]
    rest = [each for each in by_position if each.by_keyword]
    others = [each for each in parameters if each.star == "*"]
    by_keyword = [each for each in parameters if not each.by_position and not each.star]
    words = [*map(_parameter, only), *(["/"] if only else []), *map(_parameter, rest)]
    words += [f"*{each.name}" for each in others] or (["*"] if by_keyword else [])
    words += map(_parameter, by_keyword)
    words += [f"**{each.name}" for each in parameters if each.star == "**"]
    return f"{name}({', '.join(words)})"


def _parameter(parameter: Parameter) -> str:
    return f"{parameter.name}=..." if parameter.has_default else parameter.name


def _of_keyword(data: Api, told: Biography, keyword: str) -> Biography:
    """The biography of one keyword argument of what a biography is about."""
    if not told.releases:
        return told
    life = data.life(told.name)
    entry = life.entry if life is not None else None
    if life is None or entry is None or not told.called:
        raise UnknownName(f"it is not known what arguments `{visible(told.name)}` takes")
    calls: Iterable[tuple[Call, int]] = _calls(data, entry)
    owners = [told.name, *(home.name for home in told.homes)]
    if life.owners:
        owner, _, name = life.dotted.rpartition(".")
        klass = data.entry(life.module, owner.rpartition(".")[2])
        found = list(_inherited(data, klass, name)) if klass is not None else []
        calls = ((each.call, mask) for _, each, mask in found if each.call is not None)
    call = _merged(calls)
    assert call is not None
    parameters = {each.name: each for each in call.parameters if not each.star}
    parameter = parameters.get(keyword)
    open_in = call.open & ~(parameter.releases if parameter is not None else 0)
    if parameter is None and not open_in:
        close = get_close_matches(keyword, [name for name in parameters if not name.startswith("_")], 3, 0.6)
        raise UnknownName(_did_you_mean(f"`{visible(told.name)}` takes no `{keyword}` in any release", close))
    notes = []
    scale = Scale(data, told.root)
    if open_in:
        notes.append(f"In {scale.written(open_in)} any keyword is taken (`**kwargs`): what becomes of it is not known.")
    if parameter is not None and not parameter.by_keyword:
        notes.append("It is given by position only.")
    if told.releases & data.newest == 0:
        gone = scale.gone(told.releases)
        notes.append(f"`{told.name}` itself is gone{f' in {gone}' if gone else ''}: see `migrator api {told.name}`.")
    row = next(filter(None, (changed_argument(owner, keyword) for owner in owners)), None)
    releases = parameter.releases if parameter is not None else 0
    result = Biography(f"{told.name}({keyword})", "parameter", releases, called=call.releases, notes=tuple(notes))
    living = told.releases & data.of_3
    return _with_argument(data, result, row) if row is not None and releases & living != living else result


def _with_argument(data: Api, told: Biography, row: ChangedArgument) -> Biography:
    advice = row.advice
    if row.drop:
        advice = " ".join(filter(None, ("Leave it out: on Prefect 3 the call says the same without it.", advice)))
    return replace(
        told,
        replacement=row.new,
        applicability=row.applicability if row.new is not None or row.drop else None,
        advice=advice,
        url=row.url,
        replacement_on_2=row.new_since_2 if row.new is not None else None,
    )


# -- what to write instead


def _with_advice(data: Api, told: Biography, member: Optional[ChangedMember] = None) -> Biography:
    """The biography with what takes the place of the name, where it is gone, warns, or is not the same thing any more."""
    if member is not None and told.releases & data.of_3 != data.of_3:
        owner = told.name.rpartition(".")[0]
        advice = member.advice
        if member.called is not None:
            how = "It is an attribute, not called." if member.called else "It is a method: call it."
            advice = " ".join(filter(None, (how, advice)))
        return replace(
            told,
            replacement=f"{owner}.{member.new}" if member.new is not None else None,
            applicability=member.applicability if member.new is not None else None,
            advice=advice,
            url=member.url,
            replacement_on_2=member.new_since_2,
        )
    found = instead_of(told.name)
    living = bool(told.releases & data.newest)
    if found is not None and (not living or (found.row is not None and found.row.old == told.name)):
        told = replace(
            told,
            replacement=found.new,
            requires=found.requires,
            applicability=found.applicability if found.new is not None else None,
            advice=found.advice,
            url=found.url,
            replacement_on_2=_works_on_2(data, found),
        )
    elif not living:
        told = replace(told, url=_GUIDE)
    if not told.releases & data.of_2:
        row = only_on_3(told.name)
        if row is not None:
            both = f"compat.{row.compat}" if row.compat is not None else None
            advice = " ".join(filter(None, (told.advice, f"For Prefect 2: {row.advice}" if row.advice else "")))
            told = replace(told, on_both=both, advice=advice)
    return replace(told, differences=tuple(_differences(data, told)))


def _works_on_2(data: Api, found: Instead) -> Optional[str]:
    """The first 2.x release that has the replacement, up to the newest."""
    if found.row is not None:
        return found.row.new_since_2
    life = data.life(found.new) if found.new is not None else None
    mask = life.releases & data.of_2 if life is not None else 0
    if not mask & data.last_of_2:
        return None
    at = data.of_2.bit_length() - 1
    while at > 0 and mask >> (at - 1) & 1:
        at -= 1
    return data.labels[at]


def _differences(data: Api, told: Biography) -> Iterator[Difference]:
    if not told.releases & data.newest:
        return
    seen: set[Lookalike] = set()
    for dotted in (told.name, *(home.name for home in told.homes if home.releases & data.newest)):
        for when in get_args(When):
            row = lookalike(dotted, when)
            if row is not None and row not in seen and not any(row.when == each.when for each in seen):
                seen.add(row)
                where = {"sync": " in sync code", "async": " in async code"}.get(row.inside or "", "")
                yield Difference(_WHEN[when] + where, row.since, row.advice, row.url)


# -- names that are not spelled out, and names that nobody has


def _of_bare(data: Api, name: str, keyword: Optional[str]) -> Biography:
    """The places of a name given by its end; and the biography, where it is clear which of them is meant.

    That is what `prefect` itself exports, else the only thing of that name in a module, else in a class.
    """
    places = tuple(sorted(_places(data, name), key=_by_length))
    if not places:
        if data.of_prefect_1(f"prefect.{name}"):
            return _of_dotted(data, f"prefect.{name}")
        raise UnknownName(_unknown_end(data, name))
    exported = [part for part in places if part.name == f"prefect.{name}" and part.kind != "module"]
    candidates = exported or [part for part in places if part.kind != _MEMBER] or places
    if len({part.home for part in candidates}) > 1:
        return Biography(name, places=places)
    meant = next((part for part in candidates if part.name == part.home), candidates[0])
    told = _of_dotted(data, meant.name)
    return replace(_of_keyword(data, told, keyword) if keyword else told, places=places)


def _by_length(part: Part) -> tuple[object, ...]:
    return not part.name.startswith("prefect."), part.name.count("."), len(part.name), part.name


def _places(data: Api, name: str) -> Iterator[Part]:
    """The public places of a name given by its end."""
    first, _, rest = name.partition(".")
    for dotted in _named(data, first, bool(rest)):
        whole = f"{dotted}.{rest}" if rest else dotted
        if any(part.startswith("_") for part in whole.split(".")):
            continue
        life = data.life(whole)
        if life is None or not life.releases:
            continue
        if life.owners:
            home, kind = f"{life.owners[0]}.{whole.rpartition('.')[2]}".replace(":", "."), _MEMBER
        elif life.entry is not None and data.block(whole) is None:
            if life.entry.outside == life.entry.releases:
                continue
            home = (life.entry.home(life.entry.releases) or whole).replace(":", ".")
            word = life.entry.kind(life.releases) or ""
            kind = _KINDS.get(word, word)
        elif data.block(whole) is not None:
            home, kind = whole, "module"
        else:
            continue
        yield Part(whole, life.releases, kind, home)


def _named(data: Api, name: str, is_above: bool) -> list[str]:
    """The dotted names whose last part is a name: modules, names of modules and, unless more follows, members of classes."""
    text = data.text
    found: dict[str, None] = {}
    at = text.find(name)
    while at >= 0:
        after = text[at + len(name) : at + len(name) + 1]
        start = text.rfind("\n", 0, at)
        before = text[start + 1 : at]
        if after in (" ", "\n", "@") and before in ("", ".") and not (before and is_above):
            place = _word(text, text.rfind("\n!" if before else "\n@", 0, start + 1))
            found[f"{place.replace(':', '.')}.{name}"] = None
        elif after in (" ", "\n") and before[:1] == "@" and (before == "@" or before[-1] == ".") and " " not in before:
            found[before[1:] + name] = None
        elif before[:1] == "!" and before[-1] in "({," and after in tuple("@=!/,)}") and not is_above:
            found[f"{_word(text, start).replace(':', '.')}.{name}"] = None
        at = text.find(name, at + len(name))
    return list(found)


def _word(text: str, start: int) -> str:
    """The place that a line of the data names."""
    match = re.compile(r"\n[@!]([^\s@]+)").match(text, start) if start >= 0 else None
    return match[1] if match is not None else ""


def _unknown(data: Api, dotted: str, life: Life) -> str:
    """What is said of a dotted name that no release has."""
    name = dotted.rpartition(".")[2]
    near: list[str] = []
    above = dotted.rpartition(".")[0]
    if life.owners:
        members = {each for owner in life.owners for klass, _ in data.lineage(owner) for each in klass.members}
        near = [f"{above}.{each}" for each in get_close_matches(name, sorted(members), 3, 0.7)]
    elif life.module:
        first = dotted[len(life.module) + 1 :].partition(".")[0]
        names = [each for each in data.names(life.module) if not each.startswith("_")]
        prefix = f"{life.module}."
        inner = {module[len(prefix) :].partition(".")[0] for module in data.modules if module.startswith(prefix)}
        close = get_close_matches(first, [*names, *sorted(inner - set(names))], 3, 0.7)
        near = [f"{life.module}.{each}" for each in close]
    if not near:
        there = (part for part in _places(data, name) if part.kind != _MEMBER and part.releases & data.newest)
        near = [part.name for part in sorted(there, key=_by_length)[:1]] or _ends(data, name)
    return _did_you_mean(f"no Prefect 2 or 3 has `{visible(dotted)}`", near)


def _unknown_end(data: Api, name: str) -> str:
    return _did_you_mean(
        f"no public name of Prefect 2 or 3, or of its integrations, is called `{visible(name)}`", _ends(data, name)
    )


def _ends(data: Api, name: str) -> list[str]:
    """The names of all modules and classes that are nearest to a name, whatever they are in."""
    if not 2 < len(name) < 60:
        return []
    size = len(name)
    words = set(re.findall(rf"\n\.?([A-Za-z]\w{{{max(size - 4, 1)},{size + 2}}})(?=[@ \n])", data.text))
    return get_close_matches(name, sorted(words), 3, 0.8)


def _did_you_mean(told: str, near: Sequence[str]) -> str:
    return f"{told}; did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else told


# -- the page


def page(told: Biography) -> str:
    """The biography in Markdown, in lines of 80 columns."""
    data = api()
    scale = Scale(data, told.root)
    blocks = [f"# {told.name}"]
    if told.places and told.kind is None:
        things = len({part.home for part in told.places})
        heading = f"{things} things in {len(told.places)} places have that name; ask for one of them:"
        blocks += [heading, _listed(told)]
        return "\n\n".join(blocks) + "\n"
    if told.kind is not None:
        blocks.append(_filled(_standing(scale, told)))
    blocks += [_filled(note) for note in told.notes]
    facts = [*_instead_facts(told), *_object_facts(scale, told)]
    if facts:
        blocks.append("\n".join(_filled(fact, "- ") for fact in facts))
    blocks += [_group(heading, parts) for heading, parts in _lists(scale, told) if parts]
    others = _listed(told) if told.kind != "parameter" else ""
    if others:
        blocks += ["The name is also in:", others]
    return "\n\n".join(blocks) + "\n"


def _standing(scale: Scale, told: Biography) -> str:
    """What it is, and which releases have it."""
    kind = told.kind or ""
    what = kind[:1].upper() + kind[1:]
    if not told.releases:
        return f"{what}: no release has one of that name."
    if scale.is_integration:
        return f"{what}; {_of_integration(scale, told.releases)}."
    written = scale.written(told.releases)
    gone = scale.gone(told.releases)
    end = f", gone in {gone}" if gone is not None else ", the newest that is known here"
    return f"{what}; in Prefect {written}{end}."


def _of_integration(scale: Scale, releases: int) -> str:
    distribution = scale.root.replace("_", "-")
    have = scale.labels(releases)
    words = []
    for label, release in scale.looked_at.items():
        has = "in" if label in have else "not in"
        words.append(f"{has} {distribution} {release} (the release looked at for Prefect {label})")
    return ", ".join(words)


def _instead_facts(told: Biography) -> Iterator[str]:
    if told.replacement is not None:
        needs = f", which needs `{told.requires}`" if told.requires is not None else ""
        safety = {"safe": " (safe)", "unsafe": " (unsafe: not quite the same)"}.get(told.applicability or "", "")
        yield f"Instead: `{told.replacement}`{needs}{safety}"
    if told.advice:
        yield told.advice
    if told.replacement is not None and told.applicability is not None:
        since = told.replacement_on_2
        yield (
            f"On Prefect 2, for code that runs on both: the replacement works from {since} on"
            if since is not None
            else "The replacement does not work on Prefect 2"
        )
    if told.on_both is not None:
        yield f"For code that runs on both: `{told.on_both}`"
    if told.releases and told.replacement is None and not told.advice and told.url is not None:
        yield "Nothing is known to take its place"
    if told.url is not None:
        yield f"See: {told.url}"


def _object_facts(scale: Scale, told: Biography) -> Iterator[str]:
    for part in told.warns:
        yield f"Prefect's own warning in {scale.written(part.releases)} sends to `{part.name}`"
    if [home.name for home in told.homes] not in ([], [told.name]):
        homes = (
            f"`{home.name}`" + (f" ({scale.written(home.releases)})" if len(told.homes) > 1 else "")
            for home in told.homes
        )
        yield f"Defined in: {', '.join(homes)}"
    if told.asynchronous:
        every = scale.labels(told.asynchronous) == scale.labels(told.releases)
        yield "Async" if every else f"Async in {scale.written(told.asynchronous)}"
    if told.signature is not None:
        yield f"Called on {scale.written(told.signature_of)} as: `{told.signature}`"
    for each in told.differences:
        see = f" See: {each.url}" if each.url != told.url else ""
        yield f"From {each.since} on it is not the same where it is {each.when}. {each.advice}{see}"


def _lists(scale: Scale, told: Biography) -> Iterator[tuple[str, list[str]]]:
    by_releases: dict[str, list[str]] = {}
    for part in told.parameters:
        name = f"`{part.name}`" if part.name.startswith("*") else part.name
        by_releases.setdefault(scale.written(part.releases), []).append(name)
    every = scale.written(told.called)
    rows = [f"{releases}: {', '.join(names)}" for releases, names in by_releases.items()]
    yield f"Parameters that not each of {every} has:", rows
    last, newest = _ends_of(scale)
    gone = [part for part in told.members if part.releases & scale.data.last_of_2]
    come = [part for part in told.members if part.releases & scale.data.newest]
    yield f"Had by {last}, not by {newest}:", _capped(gone)
    yield f"Had by {newest}, not by {last}:", _capped(come)


def _ends_of(scale: Scale) -> tuple[str, str]:
    return scale.written(scale.data.last_of_2), scale.written(scale.data.newest)


def _capped(parts: Sequence[Part]) -> list[str]:
    if not parts:
        return []
    more = f" and {len(parts) - MEMBERS} more" if len(parts) > MEMBERS else ""
    return [", ".join(part.name for part in parts[:MEMBERS]) + more]


def _group(heading: str, rows: Sequence[str]) -> str:
    return "\n".join([heading, "", *(_filled(row, "- ") for row in rows)])


def _listed(told: Biography) -> str:
    """The places of a name, one for each thing: without what the page itself is about."""
    things: dict[str, Part] = {}
    for part in told.places:
        things.setdefault(part.home, part)
    about = {part.home for part in told.places if part.name == told.name.partition("(")[0]}
    shown = [part for home, part in things.items() if home not in about]
    rows = []
    for part in shown[:PLACES]:
        scale = Scale(api(), part.name.partition(".")[0])
        distribution = scale.root.replace("_", "-") + " " if scale.is_integration else ""
        rows.append(_filled(f"`{part.name}` ({part.kind}, {distribution}{scale.written(part.releases)})", "- "))
    more = len(shown) - PLACES
    return "\n".join([*rows, *([f"- and {more} more (all of them with `--output-format json`)"] if more > 0 else [])])


def _filled(text: str, mark: str = "") -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )


# -- for programs


def as_json(told: Biography) -> str:
    """The biography as one object.

    `releases` are labels of `looked_at`: minors of Prefect, or `2` and `3` for the two releases of an integration;
    `removed_in` is the first label without the name. A name in several places has only `name` and `places`.
    """
    data = api()
    scale = Scale(data, told.root)

    def parts(each: Sequence[Part]) -> list[dict[str, Any]]:
        return [{"name": part.name, "releases": scale.labels(part.releases)} for part in each]

    value = {
        "name": told.name,
        "kind": told.kind,
        "releases": scale.labels(told.releases),
        "removed_in": scale.gone(told.releases),
        "replacement": told.replacement,
        "replacement_on_2": told.replacement_on_2,
        "requires": told.requires,
        "applicability": told.applicability,
        "on_both": told.on_both,
        "advice": told.advice,
        "url": told.url,
        "warns": parts(told.warns),
        "homes": parts(told.homes),
        "async": scale.labels(told.asynchronous),
        "signature": told.signature,
        "signature_of": next(iter(scale.labels(told.signature_of)), None),
        "parameters": parts(told.parameters),
        "members": parts(told.members),
        "differences": [
            {"when": each.when, "since": each.since, "advice": each.advice, "url": each.url}
            for each in told.differences
        ],
        "notes": list(told.notes),
        "places": [
            {
                "name": part.name,
                "kind": part.kind,
                "home": part.home,
                "releases": Scale(data, part.name.partition(".")[0]).labels(part.releases),
            }
            for part in told.places
        ],
        "looked_at": scale.looked_at,
    }
    return json.dumps(value, indent=2) + "\n"
