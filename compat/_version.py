"""Which Prefect this is."""

from __future__ import annotations

import prefect

_MAJOR = prefect.__version__.split(".")[0]

if _MAJOR not in {"2", "3"}:
    raise ImportError(f"{__package__} works with Prefect 2 and 3; Prefect {prefect.__version__} is installed")

PREFECT_3: bool = _MAJOR == "3"
"""Whether the installed Prefect is Prefect 3."""
