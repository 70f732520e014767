"""Runs scenarios as scripts, each in a process of its own, and says with which status each one ends.

The folder is named first, then the scenarios. The processes are forked once Prefect is imported, because importing it takes
longer than most scenarios; the server is one that runs already (`PREFECT_API_URL`).
"""

from __future__ import annotations

import json
import logging
import os
import runpy
import signal
import sys
import traceback
import warnings
from pathlib import Path

PATIENCE = 90
"""Seconds after which a script that goes on is ended by SIGALRM."""


def main(folder: str, names: list[str]) -> None:
    import prefect
    import prefect.engine
    import prefect.futures
    import prefect.task_runners  # noqa: F401

    sys.path[:0] = [folder, str(Path(__file__).parent)]
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    for name in names:
        child = os.fork()
        if not child:
            signal.alarm(PATIENCE)
            os._exit(_status(Path(folder, f"{name}.py")))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print("ENDED " + json.dumps([name, status]), flush=True)
    print("DONE", flush=True)


def _status(path: Path) -> int:
    """The exit status that Python gives a script: 1 where an exception leaves it."""
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
