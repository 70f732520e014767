"""Adds the dependency on prefect-migrator-compat to what pyproject.toml lists, as this build can meet it.

A release asks for the same version from the index. A clone asks for its own `compat/`, because no index may have that
version. An editable install asks for a distribution without files, so that `import compat` finds the tree's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

NAME = "prefect-migrator-compat"
RELEASE = "PREFECT_MIGRATOR_RELEASE"
"""The environment variable that makes a build in a clone a release."""


class CompatDependency(MetadataHookInterface):
    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Sets the dependencies: those of the hook's own table in pyproject.toml, and the one on compat."""
        wanted = requirement(Path(self.root), metadata["version"], editable=is_editable())
        metadata["dependencies"] = sorted([*self.config["dependencies"], wanted])


def requirement(root: Path, version: str, *, editable: bool) -> str:
    """How the distribution that is built from `root` asks for compat. An unpacked sdist has a PKG-INFO."""
    if editable:
        return f"{NAME} @ {(root / '.ci' / 'compat_in_tree').as_uri()}"
    if os.environ.get(RELEASE) or (root / "PKG-INFO").exists():
        return f"{NAME}=={version}"
    return f"{NAME} @ {(root / 'compat').as_uri()}"


def is_editable() -> bool:
    """Whether a hook of PEP 660 is running. Hatchling does not tell its metadata hooks; the names are the standard's."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name in ("build_editable", "prepare_metadata_for_build_editable"):
            return True
        frame = frame.f_back
    return False
