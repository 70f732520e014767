"""Runs the scenarios that are named, of the folder that is named first: one process, because starting Prefect takes longer than most."""

from __future__ import annotations

import faulthandler
import importlib
import json
import logging
import re
import sys
import warnings
from pathlib import Path

PATIENCE = 90
"""Seconds after which a scenario that goes on is given up, with the process."""


def main(folder: str, names: list[str]) -> None:
    sys.path[:0] = [folder, str(Path(__file__).parent)]
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    for name in names:
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        print("BEGUN " + name, flush=True)
        try:
            saw = str(importlib.import_module(name).observe())
        except Exception as error:
            told = re.sub(r" \(/.*?\)", "", str(error).partition("\n")[0])
            saw = f"raises {type(error).__name__}: {told}"
        faulthandler.cancel_dump_traceback_later()
        print("OBSERVED " + json.dumps([name, saw]), flush=True)
    print("DONE", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
