"""Writes what was found as text: a line for each name, so that a difference between two runs can be read.

The form is described in `migrator.knowledge.api`, which reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Optional

from migrator.knowledge.generate.merge import Api, Fact, Klass

_INTERNAL = re.compile(
    r"prefect\.(_|cli\b|(server|orion)\.(?!schemas\.(filters|sorting|states|schedules|core|actions)\b))|.*\._"
)
"""Modules of which the names are written down, but not what is inside their classes: no flow calls it."""


_At = Callable[[int, int], str]
"""Writes the releases of a mask where they are not those of the line around."""
_WORDS = {"function": "def", "value": "var", "staticmethod": "static"}


def lines(api: Api, labels: Sequence[str], successors: Mapping[str, str]) -> Iterator[str]:
    """The lines of some packages. `labels` has a label for each release (`2.0`); `successors` says of a dotted name that
    is gone under which other one the same object lives on."""
    everything = (1 << len(labels)) - 1
    lives = sum(1 << at for at, label in enumerate(labels) if label[0] == "3")
    wanted = _reached(api, lives)

    def at(mask: int, around: int) -> str:
        return "" if mask == around else f"@{written(mask, labels)}"

    roots = {module.partition(".")[0] for module in api.modules}
    homes: dict[str, list[str]] = {}
    for home in api.classes:
        if home.partition(":")[0].partition(".")[0] in roots:
            homes.setdefault(home.partition(":")[0], []).append(home)
    for module in sorted({*api.modules, *homes}):
        mask = api.modules.get(module, 0)
        if mask:
            yield f"@{module} {written(mask, labels)}"
            outside: dict[int, list[str]] = {}
            for name, fact in sorted(api.names.get(module, {}).items()):
                if fact.outside == fact.mask:
                    outside.setdefault(fact.mask, []).append(name)
                else:
                    yield _line(
                        name, fact, mask, f"{module}:{name}", at, successors.get(f"{module}.{name}"), lives, module
                    )
            for each, names in sorted(outside.items(), key=lambda item: (item[0] != mask, item[1])):
                yield " ".join([f"~{at(each, mask)}", *names])
        for home in sorted(homes.get(module, ())):
            if home not in wanted:
                continue
            yield from _class(home, api.classes[home], everything, at, api.classes)


def _reached(api: Api, lives: int) -> set[str]:
    """The classes that a name which lives on today stands for, or stood for, and what they inherit or give back: nobody has
    to know what was inside a class that is gone altogether."""
    waiting = [
        home
        for module, names in api.names.items()
        if not _INTERNAL.match(module)
        for fact in names.values()
        if fact.mask & lives
        for home in (*fact.homes, *fact.gives)
    ]
    reached: set[str] = set()
    while waiting:
        home = waiting.pop()
        if home in reached or home not in api.classes:
            continue
        reached.add(home)
        klass = api.classes[home]
        waiting += klass.bases
        waiting += [gives for fact in klass.members.values() for gives in fact.gives if not _INTERNAL.match(gives)]
    return reached


def _class(home: str, klass: Klass, everything: int, at: _At, known: Container[str]) -> Iterator[str]:
    mask = klass.mask
    head = [f"!{home}{at(mask, everything)}"]
    module = home.partition(":")[0]
    head += [
        f"<{_near(base, module)}{at(each, mask)}"
        for base, each in klass.bases.items()
        if base in known or base.startswith("prefect.")
    ]
    head += [f"+{extra}{at(each, mask)}" for extra, each in klass.extra.items()]
    if klass.dynamic:
        head.append(f"*{at(klass.dynamic, mask)}")
    if klass.called:
        head.append(_call(klass.parameters, klass.called, mask, at))
    yield " ".join(head)
    for name, fact in sorted(klass.members.items()):
        if name.startswith("model_"):
            continue
        if (
            klass.extra
            and fact.mask == (klass.parameters.get(f"{name}!=") or klass.parameters.get(f"{name}!"))
            and not fact.gives
        ):
            continue
        yield "." + _line(name, fact, mask, None, at, None, ~0, module)


def _line(
    name: str, fact: Fact, around: int, home: Optional[str], at: _At, successor: Optional[str], lives: int, module: str
) -> str:
    mask = fact.mask
    parts = [f"{name}{at(mask, around)}"]
    kinds = {
        kind: each for kind, each in fact.kinds.items() if not (home is None and kind in ("method", "field", "value"))
    }
    parts += [f"{_WORDS.get(kind, kind)}{at(each, mask)}" for kind, each in kinds.items()]
    if home is not None and set(fact.homes) - {home}:
        parts += [f"={_short(where, name)}{at(each, mask)}" for where, each in fact.homes.items()]
    parts += [f">{_near(gives, module)}{at(each, mask)}" for gives, each in fact.gives.items()]
    if fact.asynchronous:
        parts.append(f"async{at(fact.asynchronous, mask)}")
    if fact.outside:
        parts.append(f"~{at(fact.outside, mask)}")
    parts += [f"^{where}{at(each, mask)}" for where, each in fact.moved.items()]
    if successor:
        parts.append(f"-> {successor}".replace(" ", ""))
    defined_here = home is None or ((home in fact.homes or not fact.homes) and not _INTERNAL.match(home))
    if fact.called and defined_here and mask & lives:
        parts.append(_call(fact.parameters, fact.called, mask, at))
    return " ".join(parts)


def _short(home: str, name: str) -> str:
    """A home without the object's name where that is the name it goes by."""
    module, _, qualname = home.partition(":")
    return f"{module}:" if qualname == name else home


def _near(home: str, module: str) -> str:
    """A home without its module where that is the module at hand."""
    return home[len(module) :] if home.startswith(f"{module}:") else home


def _call(parameters: Mapping[str, int], called: int, around: int, at: _At) -> str:
    fields = parameters and all(name.endswith("!=") for name in parameters)
    inner = ",".join(
        f"{name.strip('!=') if fields else name}{at(mask, called)}".replace(",", "|")
        for name, mask in parameters.items()
    )
    return f"{{{inner}}}{at(called, around)}" if fields else f"({inner}){at(called, around)}"


def written(mask: int, labels: Sequence[str]) -> str:
    """The releases of a mask, as ranges: `2.0-2.7,2.9`, and `3.1-` where it reaches the newest."""
    parts = []
    at = 0
    while at < len(labels):
        if not mask >> at & 1:
            at += 1
            continue
        first = at
        while at < len(labels) and mask >> at & 1:
            at += 1
        if at == len(labels):
            parts.append(f"{labels[first]}-")
        else:
            parts.append(labels[first] if at == first + 1 else f"{labels[first]}-{labels[at - 1]}")
    return ",".join(parts)
