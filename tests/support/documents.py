"""The parts of the documents that are made from the code: `python -m tests.support.documents` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

from migrator.reports.pages import explained, markdown_pages, markdown_table
from migrator.rules import catalogue
from tests.support.compat_programs import MEASURED
from tests.support.fixtures import all_fixtures, table
from tests.support.scenarios import MEASURED as SCENARIOS

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
PAGES = ROOT / "docs" / "rules.md"
SILENCE = ROOT / "docs" / "silence.md"


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
    SILENCE.write_text(silence(SILENCE.read_text(encoding="utf-8")), encoding="utf-8")
