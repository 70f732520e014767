"""A progress bar on standard error, for long runs on a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Callable, Optional

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

MANY_FILES = 200
"""From how many files on a run is long enough for a bar."""

OnProgress = Callable[[int, int], None]
"""Called with the number of files that are done and the number of all files."""


@contextlib.contextmanager
def progress_bar(wanted: bool, what: str = "Files") -> Iterator[Optional[OnProgress]]:
    """What a run is to call after each file (or `what` it counts); None where no bar is `wanted` or standard error is no terminal.

    The bar appears with the first call that tells of many files, and is gone at the end. Only then is rich imported.
    """
    if not wanted or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    bar: list[tuple[Progress, TaskID]] = []

    def on_progress(done: int, total: int) -> None:
        if total < MANY_FILES:
            return
        if not bar:
            bar.append(_start(total, what))
        progress, task = bar[0]
        progress.update(task, completed=done, total=total)

    try:
        yield on_progress
    finally:
        for progress, _ in bar:
            progress.stop()


def _start(total: int, what: str) -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = progress.add_task(what, total=total)
    progress.start()
    return progress, task
