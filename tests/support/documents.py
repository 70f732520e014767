"""The parts of the documents that are made from the code: `python -m tests.support.documents` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

from migrator.reports.pages import explained, markdown_pages, markdown_table
from migrator.rules import catalogue
from tests.support.compat_programs import MEASURED
from tests.support.fixtures import all_fixtures, table

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
PAGES = ROOT / "docs" / "rules.md"


def readme(text: str) -> str:
    """The README with its tables as the code has them now."""
    made = {
        "rules": markdown_table(explained(catalogue())),
        "fixtures": table(all_fixtures()),
        "compat": MEASURED.read_text(encoding="utf-8"),
    }
    for name, content in made.items():
        block = f"<!-- {name} -->\n{content.rstrip()}\n<!-- end -->"
        text = re.sub(rf"<!-- {name} -->\n.*?<!-- end -->", lambda match, block=block: block, text, flags=re.S)
    return text


def pages() -> str:
    """The document with all pages."""
    return markdown_pages(explained(catalogue()))


if __name__ == "__main__":
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    PAGES.write_text(pages(), encoding="utf-8")
