"""The output formats: what each prints for the findings, failures and fixes of a run."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from migrator.findings import Applicability, Edit, Failure, FileReport, Finding, Fix, LineIndex, Severity
from migrator.reports import LATER, Options, UnavailableFormat, diff, render, renderer
from migrator.reports.entries import display_path, entries
from migrator.reports.excerpt import excerpt
from migrator.reports.interactive import QUESTION, chooser
from migrator.reports.output import encode, write_bytes, write_file
from migrator.reports.pages import BuiltIn, page, table
from migrator.reports.text import glyphs, use_colour, visible

ETL = """\
import os

from prefect.task_runners import ConcurrentTaskRunner

import prefect
"""
RENAME = "Rename it"


def finding(
    text: str,
    marked: str,
    severity: Severity = Severity.ERROR,
    applicability: Optional[Applicability] = None,
    content: str = "ThreadPoolTaskRunner",
    code: str = "PF201",
) -> Finding:
    """A finding at the first place where `marked` stands in the text, with a fix that replaces it."""
    start = text.index(marked)
    end = start + len(marked)
    fix = None if applicability is None else Fix(applicability, RENAME, (Edit(start, end, content),))
    return Finding(
        start, end, code, "renamed-runner", severity, f"`{marked}` has another name", "https://prefect.example/up", fix
    )


def report(text: str, *findings: Finding, path: str = "flows/etl.py") -> FileReport:
    return FileReport(path, text, findings)


SAFE = report(ETL, finding(ETL, "ConcurrentTaskRunner", applicability=Applicability.SAFE))
UNSAFE = report(ETL, finding(ETL, "ConcurrentTaskRunner", Severity.INFO, Applicability.UNSAFE), path="flows/b.py")
UNFIXABLE = report(ETL, finding(ETL, "ConcurrentTaskRunner", Severity.WARNING), path="flows/c.py")
CLEAN = report(ETL, path="flows/clean.py")
BROKEN = FileReport("flows/bad.py", "def f(:\n    pass\n", failure=Failure("invalid syntax", 1, 7))
GONE = FileReport("flows/gone.py", failure=Failure("cannot be read: No such file or directory"))


# -- full


def test_full_shows_the_place_its_context_and_the_fix() -> None:
    assert (
        render("full", [SAFE], Options(quiet=True))
        == """\
PF201 [*] error: `ConcurrentTaskRunner` has another name
 --> flows/etl.py:3:34
  |
1 | import os
2 |
3 | from prefect.task_runners import ConcurrentTaskRunner
  |                                  ^^^^^^^^^^^^^^^^^^^^
4 |
5 | import prefect
  |
  = help: Rename it (safe fix)
  = see: https://prefect.example/up
"""
    )


def test_full_separates_findings_by_a_blank_line_and_ends_with_a_summary() -> None:
    text = render("full", [SAFE, UNSAFE, CLEAN], Options())
    assert text.count("\n\nPF201") == 1
    assert text.endswith(
        "\n\nFound 1 error and 1 note in 2 of 3 files.\n"
        "1 can be fixed with `migrator fix`, 1 more with `--unsafe-fixes`.\n"
    )


def test_no_star_where_the_fix_is_unsafe_and_unsafe_fixes_are_off() -> None:
    assert render("full", [UNSAFE], Options()).startswith("PF201 info: ")
    assert render("full", [UNSAFE], Options(unsafe=True)).startswith("PF201 [*] info: ")


def test_a_file_that_cannot_be_parsed_is_shown_at_its_place() -> None:
    assert (
        render("full", [BROKEN], Options())
        == """\
PF000 error: invalid syntax
 --> flows/bad.py:1:7
  |
1 | def f(:
  |       ^
2 |     pass
  |

1 file could not be checked.
"""
    )


def test_a_file_without_text_has_no_excerpt() -> None:
    text = render("full", [GONE], Options(quiet=True))
    assert text == "PF000 error: cannot be read: No such file or directory\n --> flows/gone.py:1:1\n"


def test_nothing_found_is_said_unless_quiet() -> None:
    assert render("full", [CLEAN], Options()) == "All checks passed! 1 file checked.\n"
    assert render("full", [CLEAN], Options(quiet=True)) == ""


def test_no_file_at_all_is_said() -> None:
    assert render("full", [], Options()) == "Nothing to check: no file mentions Prefect.\n"


def test_a_fix_lists_what_was_fixed_in_each_file_and_what_is_left() -> None:
    applied = SAFE.findings
    fixed = FileReport("flows/a.py", "b", (), None, "a", applied * 2)
    assert (
        render("concise", [fixed, UNFIXABLE], Options(fixing=True))
        == "flows/c.py:3:34: PF201 warning: `ConcurrentTaskRunner` has another name\n"
        "Fixed 2 findings in 1 file.\n"
        "Left: 1 warning in 1 of 2 files.\n"
    )
    assert (
        render("full", [fixed], Options(fixing=True))
        == "Fixed:\nflows/a.py:\n  2 x PF201 renamed-runner\n\nFixed 2 findings in 1 file.\nNothing is left to report.\n"
    )


def test_a_fix_that_changed_nothing_says_so() -> None:
    assert render("concise", [UNFIXABLE], Options(fixing=True)).splitlines()[1:] == [
        "Fixed nothing.",
        "Left: 1 warning in 1 of 1 file.",
    ]
    assert render("concise", [CLEAN], Options(fixing=True)) == "All checks passed! 1 file checked.\n"


def test_files_in_which_only_comments_were_written_are_counted() -> None:
    annotated = FileReport("flows/a.py", "# TODO\n" + ETL, UNFIXABLE.findings, None, ETL)
    text = render("concise", [annotated], Options(fixing=True))
    assert "Changed the comments in 1 file.\nLeft: 1 warning in 1 of 1 file.\n" in text


def test_colour_marks_up_but_changes_no_character() -> None:
    reports = [SAFE, UNSAFE, UNFIXABLE, BROKEN]
    coloured = render("full", reports, Options(colour=True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render("full", reports, Options())
    assert "\x1b" not in render("full", reports, Options())


def test_control_characters_of_a_message_or_path_never_reach_the_terminal() -> None:
    bad = FileReport("a\x1b[2J.py", failure=Failure("what\x07is\nthis\u202e"))
    for output_format in ("full", "concise"):
        text = render(output_format, [bad], Options())
        assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text
        assert "what\u2407is this<U+202E>" in text


# -- excerpts


def marked(text: str, marked_text: str, width: int = 160) -> list[str]:
    index = LineIndex(text)
    start = text.index(marked_text)
    _, lines = excerpt(index, index.position(start), index.position(start + len(marked_text)), style="", width=width)
    return lines[1:-1]


def test_the_mark_is_below_text_behind_tabs() -> None:
    assert marked("\tx =\tflow()\n", "flow()") == ["1 |     x = flow()", "  |         ^^^^^^"]


def test_the_mark_counts_wide_and_combining_characters_by_their_cells() -> None:
    assert marked('"日本" + e\u0301 + flow\n', "flow") == ['1 | "日本" + e\u0301 + flow', "  |              ^^^^"]
    assert marked("x = 日本\n", "日本") == ["1 | x = 日本", "  |     ^^^^"]


def test_control_characters_in_source_are_made_visible() -> None:
    assert marked("a\x00\x0c\u202e b\n", "b") == ["1 | a\u2400\u240c<U+202E> b", "  |             ^"]


def test_a_byte_order_mark_takes_no_cell() -> None:
    assert marked("\ufeffimport prefect\n", "prefect") == ["1 | import prefect", "  |        ^^^^^^^"]


def test_a_place_of_several_lines_is_marked_from_its_beginning_to_its_end() -> None:
    assert marked("a = 1\nd = build(\n    flow,\n)\nd.apply()\n", "build(\n    flow,\n)") == [
        "1 |   a = 1",
        "2 |   d = build(",
        "  |  _____^",
        "3 | |     flow,",
        "4 | | )",
        "  | |_^",
        "5 |   d.apply()",
    ]


def test_the_middle_of_a_long_place_is_left_out() -> None:
    text = "build(\n" + "    1,\n" * 30 + ")\n"
    lines = marked(text, text[:-1])
    assert lines.count("...") == 1
    assert len(lines) < 15
    assert lines[-2:] == ["32 | | )", "   | |_^"]


def test_a_place_that_ends_behind_the_newline_is_marked_on_its_own_line() -> None:
    assert marked("import a\nb\n", "import a\n") == ["1 | import a", "  | ^^^^^^^^", "2 | b"]


def test_an_empty_place_gets_one_mark() -> None:
    assert marked("a\n", "") == ["1 | a", "  | ^"]


def test_blank_lines_at_the_ends_of_the_excerpt_are_left_out() -> None:
    assert marked("a\n\n\nflow\n\n\n", "flow") == ["4 | flow", "  | ^^^^"]


def test_carriage_returns_end_lines_and_are_not_shown() -> None:
    assert marked("a\r\nflow\r\nb\rc", "flow") == ["1 | a", "2 | flow", "  | ^^^^", "3 | b", "4 | c"]


def test_a_long_line_is_cropped_around_the_place() -> None:
    text = "x = [" + "1, " * 100 + "flow, " + "2, " * 100 + "]\n"
    line, mark = marked(text, "flow", width=60)
    assert len(line) <= 60
    assert line[mark.index("^") : mark.rindex("^") + 1] == "flow"
    assert line[4] == line[-1] == "…"


def test_a_long_line_keeps_its_beginning_where_the_place_is_there() -> None:
    line, mark = marked("flow = [" + "1, " * 100 + "]\n", "flow", width=60)
    assert line.startswith("1 | flow = [1, ") and line.endswith("…")
    assert mark == "  | ^^^^"


def test_a_place_longer_than_the_line_is_marked_as_far_as_it_is_shown() -> None:
    text = "x" * 100 + "y" * 500 + "\n"
    line, mark = marked(text, "y" * 500, width=60)
    assert len(line) <= 60 and len(mark) <= 60
    assert set(line[mark.index("^") : -1]) == {"y"}


def test_mark_at_the_end_of_a_line_that_fills_the_width_is_within_it() -> None:
    index = LineIndex("0" * 18 + "\x80")
    _, lines = excerpt(index, (1, 20), (1, 20), style="", width=30)
    assert all(sum(cells for _, cells in glyphs(line)) <= 30 for line in lines)
    assert any("^" in line for line in lines)


@given(st.text(), st.data(), st.integers(0, 90))
@example("", None, 0)
def test_every_place_of_every_text_can_be_shown(text: str, data: Optional[st.DataObject], width: int) -> None:
    index = LineIndex(text)
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2))) if data else (0, 0)
    _, lines = excerpt(index, index.position(start), index.position(end), style="", width=width)
    assert bool(lines) == bool(text)
    for line in lines:
        assert line == line.rstrip()
        assert "\n" not in line and "\x1b" not in line
        assert sum(cells for _, cells in glyphs(line)) <= max(width, 30)
    assert not lines or sum("^" in line for line in lines) >= 1


@given(st.text(alphabet=st.characters(blacklist_characters="\r\n"), max_size=30), st.sampled_from(["flow", "日本"]))
def test_the_mark_is_exactly_below_the_place(before: str, place: str) -> None:
    text = f"{before}\t{place}"
    index = LineIndex(text)
    start = len(text) - len(place)
    _, lines = excerpt(index, index.position(start), index.position(len(text)), style="", width=10_000)
    (mark,) = (line for line in lines if line.endswith("^") and set(line) <= set(" |^"))
    source = lines[lines.index(mark) - 1]
    ahead = source[: len(source) - len(place)]
    assert mark.count("^") == sum(cells for _, cells in glyphs(place))
    assert mark.index("^") == sum(cells for _, cells in glyphs(ahead))


# -- concise, statistics


def test_concise_is_one_line_for_each_finding() -> None:
    assert render("concise", [SAFE, UNFIXABLE, BROKEN], Options(quiet=True)).splitlines() == [
        "flows/etl.py:3:34: PF201 [*] error: `ConcurrentTaskRunner` has another name",
        "flows/c.py:3:34: PF201 warning: `ConcurrentTaskRunner` has another name",
        "flows/bad.py:1:7: PF000 error: invalid syntax",
    ]


def test_findings_of_a_file_come_in_the_order_of_the_text() -> None:
    both = report(ETL, finding(ETL, "import prefect"), finding(ETL, "import os"))
    assert [entry.row for entry in entries(both)] == [1, 5]


def test_statistics_count_each_code_the_most_frequent_first() -> None:
    other = report(ETL, finding(ETL, "os", code="PF101"), path="flows/d.py")
    reports = [other, SAFE, UNFIXABLE, GONE]
    assert render("concise", reports, Options(statistics=True, quiet=True)) == (
        "2  PF201  [-] renamed-runner\n1  PF000  [ ] unreadable-file\n1  PF101  [ ] renamed-runner\n"
    )
    assert render("full", [SAFE], Options(statistics=True)).startswith("1  PF201  [*] renamed-runner\n\nFound 1 error")
    assert json.loads(render("json", reports, Options(statistics=True))) == [
        {"code": "PF201", "name": "renamed-runner", "count": 2, "fixable": True},
        {"code": "PF000", "name": "unreadable-file", "count": 1, "fixable": False},
        {"code": "PF101", "name": "renamed-runner", "count": 1, "fixable": False},
    ]


def test_the_summary_counts_unsafe_fixes_with_the_others_where_they_are_on() -> None:
    text = render("concise", [SAFE, UNSAFE], Options(unsafe=True))
    assert text.endswith("files.\n2 can be fixed with `migrator fix`.\n")
    assert render("concise", [UNSAFE], Options()).endswith("1 can be fixed with `migrator fix --unsafe-fixes`.\n")


# -- json


def test_json_has_the_fields_of_the_contract_in_their_order() -> None:
    expected = [
        {
            "filename": "flows/etl.py",
            "location": {"row": 3, "column": 34},
            "end_location": {"row": 3, "column": 54},
            "code": "PF201",
            "name": "renamed-runner",
            "severity": "error",
            "message": "`ConcurrentTaskRunner` has another name",
            "url": "https://prefect.example/up",
            "fix": {
                "applicability": "safe",
                "message": "Rename it",
                "edits": [
                    {
                        "location": {"row": 3, "column": 34},
                        "end_location": {"row": 3, "column": 54},
                        "content": "ThreadPoolTaskRunner",
                    }
                ],
            },
        }
    ]
    assert render("json", [SAFE, CLEAN], Options()) == json.dumps(expected, indent=2) + "\n"


def test_json_of_a_failure_keeps_all_fields() -> None:
    assert json.loads(render("json", [BROKEN], Options())) == [
        {
            "filename": "flows/bad.py",
            "location": {"row": 1, "column": 7},
            "end_location": {"row": 1, "column": 7},
            "code": "PF000",
            "name": "unreadable-file",
            "severity": "error",
            "message": "invalid syntax",
            "url": None,
            "fix": None,
        }
    ]


def test_json_of_nothing_is_an_empty_array() -> None:
    assert json.loads(render("json", [CLEAN], Options())) == []
    assert json.loads(render("json", [], Options(statistics=True))) == []


def test_json_counts_columns_in_characters() -> None:
    text = '"日本", "𝄞"; flow\n'
    (item,) = json.loads(render("json", [report(text, finding(text, "flow"))], Options()))
    assert item["location"] == {"row": 1, "column": 12}


@given(st.text(), st.text(st.characters()))
def test_json_is_ascii_and_says_every_text(message: str, path: str) -> None:
    text = render("json", [FileReport("x" + path.replace("\0", ""), failure=Failure(message))], Options())
    assert text.isascii()
    assert json.loads(text)[0]["message"] == message


# -- formats


@pytest.mark.parametrize("output_format", LATER)
def test_a_format_of_a_later_version_is_refused(output_format: str) -> None:
    with pytest.raises(UnavailableFormat, match=f"`{output_format}` is not available in this version"):
        renderer(output_format)


def test_a_format_that_is_none_is_refused() -> None:
    with pytest.raises(UnavailableFormat, match="no output format `entries`; use full, concise or json"):
        renderer("entries")


# -- paths


def test_a_path_below_the_current_directory_is_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    assert display_path(str(inside / "flows" / "etl.py")) == os.path.join("flows", "etl.py")
    assert display_path(os.path.join(".", "..etl.py")) == "..etl.py"
    assert display_path(str(tmp_path / "etl.py")) == str(tmp_path / "etl.py")
    assert display_path(os.path.join("..", "etl.py")) == os.path.join("..", "etl.py")


# -- diffs


def changed(before: str, after: str, path: str = "flows/etl.py") -> FileReport:
    return FileReport(path, after, (), None, before)


def test_a_diff_has_the_lines_that_change() -> None:
    assert diff.render([changed("a\nb\nc\n", "a\nB\nc\n"), CLEAN]) == (
        "--- flows/etl.py\n+++ flows/etl.py\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
    )


def test_a_diff_says_where_the_final_newline_is_missing() -> None:
    assert diff.unified("a\nb", "a\nB", "x").splitlines()[-5:] == [
        " a",
        "-b",
        "\\ No newline at end of file",
        "+B",
        "\\ No newline at end of file",
    ]


def test_a_diff_keeps_carriage_returns_and_form_feeds() -> None:
    assert diff.unified("a\x0c\r\nb\r\n", "a\x0c\r\nB\r\n", "x").endswith(" a\x0c\r\n-b\r\n+B\r\n")


def test_no_diff_for_the_same_text() -> None:
    assert diff.render([changed("a\n", "a\n")]) == ""


def test_a_coloured_diff_has_the_same_characters() -> None:
    coloured = diff.render([changed("a\nb", "a\r\nc\n")], colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == diff.render([changed("a\nb", "a\r\nc\n")])


TEXTS = [
    ("a\nb\nc\n", "a\nc\n"),
    ("a\nb", "a\nb\nc"),
    ("a\nb", "a\nb\n"),
    ("a\n", "a"),
    ("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n"),
    ("a\rb\rc\r", "a\rB\rc\r"),
    ("a\x0cb\n\x1cc\u2028d\u0085e\n", "a\x0cB\n\x1cc\u2028D\u0085e\n"),
    ("\ufeffimport a\n", "\ufeffimport b\n"),
    ("日本\n", "中国\n"),
    ("-- a\n", "++ b\n"),
]


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("path", ["etl.py", "my flow.py"])
@pytest.mark.parametrize("before, after", TEXTS)
def test_git_can_apply_the_diff(before: str, after: str, path: str, tmp_path: Path) -> None:
    (tmp_path / path).write_bytes(before.encode())
    patch = diff.unified(before, after, path).encode()
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    command = ["git", "-c", "core.autocrlf=false", "apply", "-p0", "--whitespace=nowarn", "-"]
    subprocess.run(command, input=patch, cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / path).read_bytes() == after.encode()


@given(*[st.text(alphabet="ab\n\r\x0c")] * 2)
def test_a_diff_of_any_texts_leads_from_one_to_the_other(before: str, after: str) -> None:
    patch = diff.unified(before, after, "x", context=10_000)
    if before == after:
        assert patch == ""
        return
    sides = {"-": "", "+": ""}
    last = ""
    for line in patch.split("\n")[3:-1]:
        if line.startswith("\\"):
            for side in sides if last == " " else last:
                sides[side] = sides[side][:-1]
            continue
        last = line[0]
        for side in sides if last == " " else last:
            sides[side] += line[1:] + "\n"
    assert sides == {"-": before, "+": after}


# -- interactive


class Terminal:
    """Answers in turn, and keeps what was shown."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.shown: list[str] = []

    def ask(self, text: str) -> str:
        self.shown.append(text)
        return self.answers.pop(0)


def ask_for(terminal: Terminal, times: int) -> list[bool]:
    choose = chooser(terminal.ask)
    findings = [
        finding(ETL, "ConcurrentTaskRunner", content=str(n), applicability=Applicability.SAFE) for n in range(times)
    ]
    return [choose(SAFE, each) for each in findings]


def test_each_fix_is_shown_as_a_diff_with_its_question() -> None:
    terminal = Terminal("y\n")
    assert chooser(terminal.ask)(SAFE, SAFE.findings[0])
    assert terminal.shown[0].startswith(
        "\nflows/etl.py:3:34: PF201 `ConcurrentTaskRunner` has another name\nRename it (safe fix)\n--- flows/etl.py\n"
    )
    assert "\n-from prefect.task_runners import ConcurrentTaskRunner\n" in terminal.shown[0]
    assert "\n+from prefect.task_runners import ThreadPoolTaskRunner\n" in terminal.shown[0]
    assert terminal.shown[0].endswith(QUESTION)


def test_yes_and_no_answer_one_fix() -> None:
    assert ask_for(Terminal("n\n", "Y\n", "no\n", "yes\n"), 4) == [False, True, False, True]


def test_findings_with_the_same_fix_are_asked_about_once() -> None:
    choose = chooser(Terminal("y\n").ask)
    assert [choose(SAFE, SAFE.findings[0]), choose(SAFE, SAFE.findings[0])] == [True, True]


def test_all_answers_the_rest() -> None:
    assert ask_for(Terminal("n\n", "a\n"), 4) == [False, True, True, True]


def test_quit_leaves_the_rest() -> None:
    assert ask_for(Terminal("y\n", "q\n"), 4) == [True, False, False, False]


def test_the_end_of_the_input_leaves_the_rest() -> None:
    assert ask_for(Terminal("y\n", ""), 3) == [True, False, False]


def test_another_answer_asks_again() -> None:
    terminal = Terminal("\n", "what?\n", "y\n")
    assert ask_for(terminal, 1) == [True]
    assert terminal.shown[1:] == [QUESTION, QUESTION]


# -- output


class Stream(io.TextIOWrapper):
    def __init__(self, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), "utf-8")
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    "environment, terminal, expected",
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour_follows_the_environment_then_the_terminal(
    environment: dict[str, str], terminal: bool, expected: bool
) -> None:
    assert use_colour(Stream(terminal), environment) is expected


def test_bytes_that_were_not_text_are_written_as_they_were() -> None:
    assert encode("a\udcffb") == b"a\xffb"
    assert encode("a\ud800b") == b"a\\ud800b"


def test_a_closed_pipe_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        write_bytes(b"x" * 100_000, stream)
        write_bytes(b"y", stream)


def test_a_report_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_text("old")
    write_file(str(path), b"new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs a device")
def test_a_report_to_a_device_is_written_to_it() -> None:
    write_file("/dev/null", b"new")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


# -- pages


RENAMED = BuiltIn(
    "PF201",
    "renamed-runner",
    Severity.INFO,
    "Use the new name of the runner.\n\nWhy: it says what the runner does.\n",
    "safe",
)
SHORT = BuiltIn("PF9", "x", Severity.ERROR, "Do it.")


def test_rules_are_listed_in_columns() -> None:
    assert table([RENAMED, SHORT]).splitlines() == [
        "code   name            severity  fixes  what it does",
        "PF201  renamed-runner  info      safe   Use the new name of the runner.",
        "PF9    x               error     none   Do it.",
    ]


def test_the_page_of_a_rule_has_its_head_and_its_text() -> None:
    assert page(RENAMED) == (
        "# PF201 renamed-runner\n\nSeverity: info; fix: safe\n\n"
        "Use the new name of the runner.\n\nWhy: it says what the runner does.\n"
    )
    assert "Severity: error; no fix\n" in page(SHORT)


# -- what a report loads


def test_reports_load_neither_rich_nor_libcst() -> None:
    program = (
        "import sys; from migrator.reports import renderer;"
        "[renderer(name) for name in ('full', 'concise', 'json')];"
        "print([name for name in ('rich', 'libcst', 'migrator.rules') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_visible_text_is_one_line() -> None:
    assert visible("a\nb\r\nc\x0bd") == "a b c d"
