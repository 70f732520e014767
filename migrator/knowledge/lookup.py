"""Questions about a dotted name of Prefect, answered from the generated data and the tables written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal, Optional

from migrator.knowledge.api import Api, Entry, api
from migrator.knowledge.families import family
from migrator.knowledge.names import (
    EXPORTS_3_ONLY,
    MOVED_NAMES,
    NEVER_EXISTED,
    MovedName,
    moved,
    replacement,
)

_GUIDE = "https://docs.prefect.io/v3/how-to-guides/migrate/upgrade-to-prefect-3"


@dataclass(frozen=True)
class Instead:
    """What to write instead of a name that is gone."""

    new: Optional[str]
    """The dotted name that does the same, or nearly; None where there is only advice."""
    advice: str
    url: str
    applicability: Literal["safe", "unsafe"] = "safe"
    on_2: bool = False
    """Whether the newest 2.x has `new` too, and it does the same there."""
    requires: Optional[str] = None
    """The distribution to install for `new`."""
    row: Optional[MovedName] = None
    """The row of the table by hand that says so, where one does."""


@lru_cache(maxsize=10_000)
def instead_of(dotted: str) -> Optional[Instead]:
    """What takes the place of a name that a 3.x has no more; None where nothing is known.

    A row for the very name comes first; then the object itself, where it lives on under another name; then what is known
    of its home, of the names above it, and of its family.
    """
    row = moved(dotted)
    if row is not None and (row.old == dotted or _lives(replacement(row, dotted))):
        return _of_row(row, dotted)
    life = api().life(dotted)
    entry = life.entry if life is not None else None
    if entry is not None and entry.successor:
        return Instead(entry.successor, "", _GUIDE, on_2=bool(_releases(entry.successor) & api().last_of_2))
    home = _home(entry)
    if home is not None and home != dotted:
        found = moved(home)
        if found is not None and (found.old == home or _lives(replacement(found, home))):
            return _of_row(found, home)
    if row is not None and row.new is None:
        return _of_row(row, dotted)
    setting = (
        f"prefect.settings.{dotted.rpartition('.')[2]}" if dotted.rpartition(".")[2].startswith("PREFECT_") else None
    )
    for name in (home, dotted, setting):
        known = family(name) if name is not None else None
        if known is not None:
            return Instead(None, known.advice, known.url)
    return None


def _of_row(row: MovedName, dotted: str) -> Instead:
    new = replacement(row, dotted)
    return Instead(new, row.advice, row.url, row.applicability, row.new_since_2 is not None, row.requires, row)


def _home(entry: Optional[Entry]) -> Optional[str]:
    home = entry.home(entry.releases) if entry is not None else None
    return home.replace(":", ".") if home else None


def _releases(dotted: str) -> int:
    life = api().life(dotted)
    return life.releases if life is not None else 0


def _lives(dotted: Optional[str]) -> bool:
    """Whether the newest release may have a name."""
    if dotted is None:
        return False
    life = api().life(dotted)
    return life is None or bool(life.releases & api().newest)


@lru_cache(maxsize=1_000)
def nearest(dotted: str) -> Optional[str]:
    """The dotted name that one which nobody has was probably meant to be: close in spelling, or the same in another module."""
    data = api()
    home, _, name = dotted.rpartition(".")
    while home and data.block(home) is None:
        home, _, name = home.rpartition(".")
    if not home:
        return None
    inner = (module[len(home) + 1 :] for module in data.modules if module.startswith(f"{home}."))
    for here in (data.exports(home, data.newest), (part for part in inner if "." not in part)):
        close = get_close_matches(name, list(here), 1, 0.7)
        if close:
            return f"{home}.{close[0]}"
    return next(iter(_elsewhere(data, name)), None)


def _elsewhere(data: Api, name: str) -> list[str]:
    """The public places outside the server where the newest release has a name, the shortest first."""
    found = []
    for module in data.modules_with(name):
        parts = module.split(".")
        if any(part.startswith("_") for part in parts) or "server" in parts or "cli" in parts:
            continue
        entry = data.entry(module, name)
        if entry is not None and entry.releases & data.newest and not entry.outside:
            found.append(f"{module}.{name}")
    return sorted(found, key=lambda dotted: (dotted.count("."), dotted))


_FOLLOWED = frozenset(
    {
        "prefect.blocks.core.Block",
        "prefect.context.get_run_context",
        "prefect.flow",
        "prefect.flows.flow",
        "prefect.futures.resolve_futures_to_states",
        "prefect.task",
        "prefect.tasks.task",
        "prefect.task_runners",
        "prefect.unmapped",
        "prefect.allow_failure",
        "prefect.get_run_logger",
        "prefect.tags",
        "prefect.tasks.task_input_hash",
        "prefect.tasks.exponential_backoff",
    }
)
"""Names of which rules have something to say although they never changed."""


def star_names(module: str) -> Iterator[str]:
    """The names that `from module import *` may bring and that the rules have something to say of."""
    yield from (name for name in api().names(module) if concerns(f"{module}.{name}"))
    for dotted in (*(row.old for row in MOVED_NAMES), *NEVER_EXISTED):
        home, _, name = dotted.rpartition(".")
        if home == module and api().entry(module, name) is None:
            yield name


def hidden_by_star(module: str, minor: Optional[int]) -> list[str]:
    """The names that `from module import *` brought on some 2.x and brings no more on a 3.x minor: those that it defines itself."""
    data = api()
    if module == "prefect":
        return []  # its `__all__` has lost `Manifest` alone
    entries = (data.entry(module, name) for name in data.names(module))
    return sorted(
        entry.name
        for entry in entries
        if entry is not None
        and entry.releases & data.of_2
        and not entry.releases & data.minor(minor)
        and entry.kind(entry.releases) in ("class", "def")
        and entry.home(entry.releases) == f"{module}:{entry.name}"
    )


@lru_cache(maxsize=1)
def _rows() -> tuple[frozenset[str], frozenset[str]]:
    """The dotted names of the tables written by hand, and all their prefixes."""
    rows = {*(row.old for row in MOVED_NAMES), *NEVER_EXISTED, *EXPORTS_3_ONLY, *_FOLLOWED}
    prefixes = {".".join(row.split(".")[:length]) for row in rows for length in range(1, row.count(".") + 2)}
    return frozenset(rows), frozenset(prefixes)


@lru_cache(maxsize=10_000)
def concerns(dotted: str) -> bool:
    """Whether rules may have something to say of a dotted name of Prefect, of one above it or of one below it.

    A function that never changed and gives nothing of Prefect's need not be followed through the user's code.
    """
    rows, prefixes = _rows()
    if dotted in prefixes:
        return True
    home = dotted.rpartition(".")[0]
    while home:
        if home in rows:
            return True
        home = home.rpartition(".")[0]
    data = api()
    life = data.life(dotted)
    if life is None:
        return False
    if life.releases != data.everything or life.entry is None:
        return True
    return _is_worth_following(data, life.entry)


def _is_worth_following(data: Api, entry: Entry) -> bool:
    """Whether what a name stands for changed: its parameters, or what is inside; or whether it leads to something that did."""
    if entry.outside or entry.kind(data.everything) == "class" or entry.gives or entry.moved:
        return not entry.outside
    home = entry.home(data.last_of_2)
    module, _, name = (home or "").partition(":")
    at_home = data.entry(module, name) if module else None
    call = (at_home or entry).call
    return call is not None and any(parameter.releases != call.releases for parameter in call.parameters)
