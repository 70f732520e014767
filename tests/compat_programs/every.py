"""Runs the programs that are named, or all: one process, because starting Prefect takes longer than most cases.

`naming` is imported first: it looks at what importing the package does.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

present = {path.stem for path in Path(__file__).parent.glob("[!_]*.py")} - {"every", "naming"}
for program in sys.argv[1:] or ("naming", *sorted(present)):
    importlib.import_module(program)

importlib.import_module("_cases").main()
