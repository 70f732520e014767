"""The format `json`: one array of objects whose field names are ruff's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from migrator.findings import FileReport
from migrator.reports.entries import Entry, Options, entries
from migrator.reports.statistics import counts


def render(reports: Sequence[FileReport], options: Options) -> str:
    """The whole report, in ASCII, so that it does not depend on the encoding of the stream.

    A file that could not be read or parsed is an object as well, of the code `PF000` and without url and fix. With
    `statistics`, the objects have `code`, `name`, `count` and `fixable` (whether any can be fixed).
    """
    items: list[dict[str, Any]]
    if options.statistics:
        items = [
            {"code": row.code, "name": row.name, "count": row.count, "fixable": row.fixable > 0}
            for row in counts(reports, options.unsafe)
        ]
    else:
        items = [_item(entry) for report in reports for entry in entries(report)]
    return json.dumps(items, indent=2) + "\n"


def _item(entry: Entry) -> dict[str, Any]:
    return {
        "filename": entry.path,
        "location": _place((entry.row, entry.column)),
        "end_location": _place((entry.end_row, entry.end_column)),
        "code": entry.code,
        "name": entry.name,
        "severity": str(entry.severity),
        "message": entry.message,
        "url": entry.url or None,
        "fix": entry.fix
        and {
            "applicability": str(entry.fix.applicability),
            "message": entry.fix.message,
            "edits": [
                {
                    "location": _place(entry.index.position(edit.start)),
                    "end_location": _place(entry.index.position(edit.end)),
                    "content": edit.content,
                }
                for edit in sorted(entry.fix.edits)
            ],
        },
    }


def _place(position: tuple[int, int]) -> dict[str, int]:
    row, column = position
    return {"row": row, "column": column}
