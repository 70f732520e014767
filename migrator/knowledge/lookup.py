"""Questions about a whole module of Prefect that the tables of names answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Optional

from migrator.knowledge.names import EXPORTS_3_ONLY, MOVED_NAMES, NEVER_EXISTED

_USUAL = {
    "prefect": (
        "flow",
        "task",
        "Flow",
        "Task",
        "get_client",
        "get_run_logger",
        "unmapped",
        "allow_failure",
        "State",
        "tags",
    ),
    "prefect.flows": ("flow", "Flow"),
    "prefect.tasks": ("task", "Task", "task_input_hash", "exponential_backoff"),
    "prefect.task_runners": (
        "BaseTaskRunner",
        "ConcurrentTaskRunner",
        "SequentialTaskRunner",
        "TaskConcurrencyType",
        "TaskRunner",
        "ThreadPoolTaskRunner",
    ),
    "prefect.deployments": ("Deployment", "run_deployment"),
    "prefect.futures": ("PrefectFuture", "as_completed", "wait"),
    "prefect.states": ("State", "Completed", "Failed", "Cancelled", "Crashed"),
}
_RUNNERS_OF_2 = ("BaseTaskRunner", "SequentialTaskRunner", "TaskConcurrencyType")


def star_names(module: str) -> Iterator[str]:
    """The names that `from module import *` may bring and that the rules have something to say of."""
    yield from _USUAL.get(module, ())
    for dotted in (*(row.old for row in MOVED_NAMES), *NEVER_EXISTED):
        home, _, name = dotted.rpartition(".")
        if home == module and name not in _USUAL.get(module, ()):
            yield name


def hidden_by_star(module: str, reaches: Callable[[Optional[str]], bool]) -> list[str]:
    """The names that `from module import *` brought on 2.x and brings no more; `reaches` tells whether a release is the target or before it."""
    if module == "prefect.task_runners":
        return list(_RUNNERS_OF_2)
    gone = (row.old for row in MOVED_NAMES if reaches(row.fails_from))
    return sorted(dotted.rpartition(".")[2] for dotted in gone if dotted.rpartition(".")[0] == module)


@lru_cache(maxsize=1)
def _rows() -> tuple[frozenset[str], frozenset[str]]:
    """The dotted names that something is known of, and all their prefixes."""
    rows = {
        *(row.old for row in MOVED_NAMES),
        *NEVER_EXISTED,
        *EXPORTS_3_ONLY,
        *(f"{module}.{name}" for module, names in _USUAL.items() for name in names),
        "prefect.blocks.core.Block",
        "prefect.futures.resolve_futures_to_results",
        "prefect.task_runners",
    }
    prefixes = {".".join(row.split(".")[:length]) for row in rows for length in range(1, row.count(".") + 2)}
    return frozenset(rows), frozenset(prefixes)


@lru_cache(maxsize=10_000)
def concerns(dotted: str) -> bool:
    """Whether something is known of a dotted name of Prefect, of one above it or of one below it: a name of which nothing is known need not be followed."""
    rows, prefixes = _rows()
    if dotted in prefixes:
        return True
    home = dotted.rpartition(".")[0]
    return bool(home) and (home in rows or any(_above(home, rows)))


def _above(dotted: str, rows: frozenset[str]) -> Iterator[bool]:
    while dotted:
        yield dotted in rows
        dotted = dotted.rpartition(".")[0]
