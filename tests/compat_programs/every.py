"""Runs the programs that are named, or all: one process, because starting Prefect takes longer than most cases.

`naming` is imported first: it looks at what importing the package does.
"""

from __future__ import annotations

import importlib
import sys

for program in sys.argv[1:] or ("naming", "waiting", "fanning_out", "running"):
    importlib.import_module(program)

importlib.import_module("_cases").main()
