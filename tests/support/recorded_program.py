"""What one state of the project says about many folders, in one process: run with that state on PYTHONPATH.

`python recorded_program.py ANSWERS < FOLDERS` reads a JSON list of folders, runs the commands of `COMMANDS` in each of them,
and writes to the file ANSWERS an object: `migrator`, where the package was found, `rules`, what `migrator rules` prints, and
`cases`, for each folder and command its status, standard output and standard error. Nothing is written into the folders.

It imports only the command itself, since the state may be an older one.
"""

from __future__ import annotations

import functools
import io
import json
import os
import sys
from pathlib import Path
from unittest import mock

COMMANDS = {"check": ["check", ".", "--output-format", "json"], "fix --diff": ["fix", ".", "--diff"]}


def said(arguments: list[str]) -> list[object]:
    """Runs `migrator` in this process: its status, what it printed, and what it printed as an error."""
    from migrator import cli

    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2)]
    status: object = 0
    with (
        mock.patch.object(sys, "argv", ["migrator", *arguments]),
        mock.patch.object(sys, "stdout", streams[0]),
        mock.patch.object(sys, "stderr", streams[1]),
    ):
        try:
            cli.main()
        except SystemExit as ended:
            status = ended.code or 0
    texts = []
    for stream in streams:
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8", "backslashreplace"))  # type: ignore[attr-defined]
    return [status, *texts]


def build_the_command_once() -> None:
    """Typer builds its commands and their parsers anew for each call, which takes twice as long as what a case needs."""
    import typer.main

    typer.main.get_command = functools.cache(typer.main.get_command)


def main() -> None:
    import migrator

    build_the_command_once()
    folders = json.load(sys.stdin)
    answers = {}
    rules = said(["rules"])[1]
    for folder in folders:
        os.chdir(folder)
        answers[folder] = {name: said(arguments) for name, arguments in COMMANDS.items()}
    found = {"migrator": migrator.__file__, "rules": rules, "cases": answers}
    Path(sys.argv[1]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
