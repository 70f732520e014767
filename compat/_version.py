"""Which Prefect this is."""

from __future__ import annotations

from typing import Any

import prefect

_RELEASE = prefect.__version__.split(".")

if _RELEASE[0] not in {"2", "3"}:
    raise ImportError(f"{__package__} works with Prefect 2 and 3; Prefect {prefect.__version__} is installed")

PREFECT_3: bool = _RELEASE[0] == "3"
"""Whether the installed Prefect is Prefect 3."""

MINOR = (int(_RELEASE[0]), int(_RELEASE[1]))
"""The installed Prefect's major and minor."""


def require(since: tuple[int, int], what: str) -> None:
    """Raises NotImplementedError where the installed Prefect is older than the minor that brought `what`."""
    if since > MINOR:
        raise NotImplementedError(
            f"{what} needs Prefect {since[0]}.{since[1]} or later; Prefect {prefect.__version__} is installed"
        )


def __getattr__(name: str) -> Any:
    """`PREFECT_VERSION`: the installed version as `packaging.version.Version`, made when it is first asked for."""
    if name != "PREFECT_VERSION":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from packaging.version import Version

    return Version(prefect.__version__)
