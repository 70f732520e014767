"""Where the object that a name stood for lives on, once the name is gone: found by identity, never by resemblance.

In the newest release that has the name, the same object may go by other names as well. One of them that every later
release still has is a new home of which nothing has to be believed: on that release the two are one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from migrator.knowledge.generate.merge import Api, Fact


def successors(api: Api) -> dict[str, str]:
    """For each dotted name that the newest release lacks, the dotted name under which the same object is still there."""
    newest = 1 << (len(api.releases) - 1)
    found: dict[str, str] = {}
    known = {f"{module}.{name}": fact for module, names in api.names.items() for name, fact in names.items()}
    aliases: dict[tuple[str, int], list[str]] = defaultdict(list)
    for dotted, fact in known.items():
        if fact.mask & newest and not fact.outside & newest and not _is_private(dotted):
            for home, mask in fact.homes.items():
                for at in _bits(mask):
                    aliases[home, at].append(dotted)
    for dotted, fact in known.items():
        if fact.mask & newest or fact.outside == fact.mask or "module" in fact.kinds:
            continue
        last = max(_bits(fact.mask))
        last_home = next((home for home, mask in fact.homes.items() if mask >> last & 1), None)
        candidates = [
            other for other in aliases.get((last_home or "", last), ()) if _lasts(known[other], last, len(api.releases))
        ]
        if candidates:
            found[dotted] = min(candidates, key=lambda other: _rank(other, dotted, known, newest))
    return found


def _is_private(dotted: str) -> bool:
    return any(part.startswith("_") for part in dotted.split("."))


def _bits(mask: int) -> Iterable[int]:
    return (at for at in range(mask.bit_length()) if mask >> at & 1)


def _lasts(fact: Fact, since: int, releases: int) -> bool:
    """Whether a name is there in every release from an index on, of the same kind and of Prefect's own, and never warns."""
    later = ((1 << releases) - 1) & ~((1 << since) - 1)
    kinds = {kind for kind, mask in fact.kinds.items() if mask & later}
    return fact.mask & later == later and not fact.outside & later and len(kinds) == 1 and not fact.moved


_INTERNAL = frozenset({"server", "cli", "orion", "testing"})


def _rank(other: str, dotted: str, known: Mapping[str, Fact], newest: int) -> tuple[object, ...]:
    """The best new home first: of the client, the place where the newest release defines the object, its old name, the shortest."""
    module, _, name = other.rpartition(".")
    parts = module.split(".")
    internal = len(parts) > 1 and parts[1] in _INTERNAL
    is_home = known[other].homes.get(f"{module}:{name}", 0) & newest
    return (internal, not is_home, name != dotted.rpartition(".")[2], len(parts), other)
