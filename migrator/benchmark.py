"""What `check` costs on your own code: `python -m migrator.benchmark PATH...`.

Prints CPU times of one process, medians of several runs, and two ratios: of `check` to `ast.parse` over the files that `check` parses, and of `check` to
reading the bytes of all files. The first is what matters where most files use Prefect, the second where few do.
"""

from __future__ import annotations

import argparse
import ast
import os
import statistics
import time
import warnings
from collections.abc import Callable, Sequence

from migrator.config import Settings
from migrator.discovery import discover
from migrator.run import Workspace, check

_SETTINGS = Settings(jobs=1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m migrator.benchmark", description=__doc__)
    parser.add_argument("paths", nargs="+", metavar="PATH")
    parser.add_argument(
        "--runs", type=int, default=5, help="counted runs of each measurement, after one that is not counted"
    )
    options = parser.parse_args(arguments)
    files = [os.path.abspath(path) for path in discover(options.paths)]
    candidates = Workspace.at(options.paths, _SETTINGS).candidates()
    texts = [text for text in map(Workspace(candidates).text, candidates) if text is not None]
    read, parse, checked = _medians(
        [lambda: _read(files), lambda: _parse(texts), lambda: check(options.paths, _SETTINGS)], options.runs
    )
    print(f"{len(files)} files, {sum(map(os.path.getsize, files)) / 1e6:.1f} MB; {len(candidates)} of them are parsed")
    print(f"read the bytes of all files   {read:8.3f} s")
    print(f"ast.parse of the parsed files {parse:8.3f} s")
    print(
        f"check                         {checked:8.3f} s = {checked / parse:.2f} x ast.parse = {checked / read:.2f} x reading"
    )


def _medians(measured: Sequence[Callable[[], object]], runs: int) -> list[float]:
    """The median CPU time of each, measured in turn so that a drift of the machine meets all alike."""
    times: list[list[float]] = [[] for _ in measured]
    for run in range(runs + 1):
        for series, function in zip(times, measured):
            started = time.process_time()
            function()
            if run:
                series.append(time.process_time() - started)
    return [statistics.median(series) for series in times]


def _read(files: Sequence[str]) -> None:
    for path in files:
        with open(path, "rb") as stream:
            stream.read()


def _parse(texts: Sequence[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in texts:
            try:
                ast.parse(text)
            except (SyntaxError, ValueError):
                continue


if __name__ == "__main__":
    main()
