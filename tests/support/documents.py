"""The parts of the documents that are made from the code: `python -m tests.support.documents` writes them anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from migrator.deployments import infrastructure, options, storage
from migrator.reports.pages import explained, markdown_pages, markdown_table
from migrator.rules import catalogue
from tests.support.compat_programs import MEASURED
from tests.support.fixtures import all_fixtures, table
from tests.support.scenarios import MEASURED as SCENARIOS

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
PAGES = ROOT / "docs" / "rules.md"
SILENCE = ROOT / "docs" / "silence.md"
DEPLOYMENTS = ROOT / "docs" / "deployments.md"


def readme(text: str) -> str:
    """The README with its tables as the code has them now."""
    made = {
        "rules": markdown_table(explained(catalogue())),
        "fixtures": table(all_fixtures()),
        "compat": MEASURED.read_text(encoding="utf-8"),
    }
    for name, content in made.items():
        text = _with(text, name, content)
    return text


def silence(text: str) -> str:
    """The document on what changes in silence with its table as it was measured."""
    return _with(text, "scenarios", SCENARIOS.read_text(encoding="utf-8"))


def deployments(text: str) -> str:
    """The document on deployments with its tables as the code has them now."""
    text = _with(text, "infrastructure", "\n".join(_infrastructure()))
    text = _with(text, "storage", "\n".join(_storage()))
    return _with(text, "commands", options.table())


_HOW = {
    "none": "nothing",
    "template": "the base job template",
    "type": "the pool's type",
    "with": "part of another variable",
    "joined": "one string, as a shell reads it",
    "bytes": "bytes, as text",
    "milli": "in thousandths of a CPU",
    "memory": "with the unit of `memory_unit`",
    "hours": "whole hours, rounded up",
    **dict.fromkeys(("registry", "aws", "gcp", "azure", "cluster"), "a reference to a block"),
}
"""What is done to a value, where it is not what anybody would expect."""


def _infrastructure() -> Iterator[str]:
    for block in infrastructure.BLOCKS.values():
        package = f", with `{block.package}` where the worker runs" if block.package else ""
        yield f"### `{block.classes[0].rpartition('.')[2]}` → work pool of type `{block.pool_type}`{package}\n"
        yield "| field | job variable | |\n|---|---|---|"
        for row in block.rows:
            told = "; ".join(part for part in (_HOW.get(row.how), row.note) if part)
            yield f"| `{row.field}` | {f'`{row.variable}`' if row.variable else '-'} | {_cell(told)} |"
        yield ""


def _storage() -> Iterator[str]:
    yield "| block | on Prefect 3 | fields | |\n|---|---|---|---|"
    for block in storage.BLOCKS.values():
        fields = ", ".join(
            f"`{row.field}`" + (f" → `{row.becomes}`" if row.becomes else " → nothing") for row in block.rows
        )
        successor = "the same block" if block.remains else f"`{block.successor}` (`{block.package}`)"
        yield f"| `{block.classes[0].rpartition('.')[2]}` | {successor} | {fields} | {_cell(block.told)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _with(text: str, name: str, content: str) -> str:
    """The text with this content between the marks of a name."""
    block = f"<!-- {name} -->\n{content.rstrip()}\n<!-- end -->"
    return re.sub(rf"<!-- {name} -->\n.*?<!-- end -->", lambda match: block, text, flags=re.S)


def pages() -> str:
    """The document with all pages."""
    return markdown_pages(explained(catalogue()))


if __name__ == "__main__":
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    PAGES.write_text(pages(), encoding="utf-8")
    DEPLOYMENTS.write_text(deployments(DEPLOYMENTS.read_text(encoding="utf-8")), encoding="utf-8")
    SILENCE.write_text(silence(SILENCE.read_text(encoding="utf-8")), encoding="utf-8")
