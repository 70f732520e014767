"""One file per output format, and what they share. Reports know results, never rules.

A format takes file reports and `Options` and returns text; nothing here writes to a stream.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Callable

from migrator.findings import FileReport
from migrator.reports.entries import Options

__all__ = ["AVAILABLE", "LATER", "Options", "Renderer", "UnavailableFormat", "render", "renderer"]

AVAILABLE = ("full", "concise", "json")
"""The output formats of this version."""

LATER = ("sarif", "github", "junit", "markdown", "html")
"""Names that are reserved for output formats, without one in this version."""

Renderer = Callable[[Sequence[FileReport], Options], str]

_CHOICE = ", ".join(AVAILABLE[:-1]) + f" or {AVAILABLE[-1]}"


class UnavailableFormat(ValueError):
    """The output format is not one of this version; the message is for the user."""


def renderer(output_format: str) -> Renderer:
    """The function that renders a format. Raises UnavailableFormat."""
    if output_format in LATER:
        raise UnavailableFormat(f"the output format `{output_format}` is not available in this version; use {_CHOICE}")
    if output_format not in AVAILABLE:
        raise UnavailableFormat(f"there is no output format `{output_format}`; use {_CHOICE}")
    module = importlib.import_module(f"migrator.reports.{output_format}")
    render: Renderer = module.render
    return render


def render(output_format: str, reports: Sequence[FileReport], options: Options) -> str:
    """The report in a format, with its final newline; empty where there is nothing to say. Raises UnavailableFormat."""
    return renderer(output_format)(reports, options)
