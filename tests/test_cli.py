"""The command line: options, exit statuses, and what goes to which stream."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Optional

import pytest
from typer.testing import CliRunner, Result

import migrator
from migrator import cli, run
from migrator.findings import Applicability, Edit, Failure, FileReport, Finding, Fix, Severity

OLD = "from prefect.task_runners import ConcurrentTaskRunner\n"
NEW = "from prefect.task_runners import ThreadPoolTaskRunner\n"


def finding(severity: Severity = Severity.WARNING, applicability: Optional[Applicability] = None) -> Finding:
    fix = None if applicability is None else Fix(applicability, "Rename it", (Edit(33, 53, "ThreadPoolTaskRunner"),))
    return Finding(
        33, 53, "PF201", "renamed-runner", severity, "It has another name", "https://prefect.example/up", fix
    )


WARNING = FileReport("flows/etl.py", OLD, (finding(),))
FIXABLE = FileReport("flows/etl.py", OLD, (finding(applicability=Applicability.SAFE),))
FIXED = FileReport("flows/etl.py", NEW, (), None, OLD, (finding(applicability=Applicability.SAFE),))
CLEAN = FileReport("flows/clean.py", OLD)
BROKEN = FileReport("flows/bad.py", "def f(:\n", failure=Failure("invalid syntax", 1, 7))


class Run:
    """Stands in for the run: says what it is told to, and keeps what it was called with."""

    def __init__(self) -> None:
        self.reports: list[FileReport] = [CLEAN]
        self.error: Optional[BaseException] = None
        self.calls: list[tuple[Any, ...]] = []
        self.settings: Any = None
        self.options: dict[str, Any] = {}

    def check(self, paths: Any, settings: Any, **options: Any) -> list[FileReport]:
        return self._called("check", tuple(paths), settings, options)

    def fix(self, paths: Any, settings: Any, **options: Any) -> list[FileReport]:
        return self._called("fix", tuple(paths), settings, options)

    def check_source(self, data: bytes, filename: str, settings: Any) -> FileReport:
        return self._called("check_source", (data, filename), settings, {})[0]

    def fix_source(self, data: bytes, filename: str, settings: Any) -> tuple[FileReport, bytes]:
        report = self._called("fix_source", (data, filename), settings, {})[0]
        return report, report.text.encode()

    def _called(self, name: str, given: tuple[Any, ...], settings: Any, options: dict[str, Any]) -> list[FileReport]:
        self.calls.append((name, *given))
        self.settings = settings
        self.options = options
        if self.error is not None:
            raise self.error
        return self.reports


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """A stand-in for the run, in an empty current directory."""
    stand_in = Run()
    for name in ("check", "fix", "check_source", "fix_source"):
        monkeypatch.setattr(run, name, getattr(stand_in, name))
    monkeypatch.chdir(tmp_path)
    return stand_in


def command(*arguments: str, stdin: Optional[bytes] = None) -> Result:
    separate: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return CliRunner(**separate).invoke(cli.app, arguments, input=stdin)


def real(*arguments: str, cwd: Path, stdin: bytes = b"", **options: Any) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "migrator", *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env=_environment(),
        **options,
    )


def _environment() -> dict[str, str]:
    root = str(Path(migrator.__file__).resolve().parent.parent)
    return {**os.environ, "PYTHONPATH": root, "NO_COLOR": "1"}


# -- check


@pytest.mark.parametrize(
    "reports, fail_on, status",
    [
        ([CLEAN], "warning", 0),
        ([], "warning", 0),
        ([FileReport("a.py", OLD, (finding(Severity.INFO),))], "warning", 0),
        ([FileReport("a.py", OLD, (finding(Severity.INFO),))], "info", 1),
        ([CLEAN, WARNING], "warning", 1),
        ([WARNING], "error", 0),
        ([FileReport("a.py", OLD, (finding(Severity.ERROR),))], "error", 1),
        ([BROKEN], "warning", 2),
        ([WARNING, BROKEN], "warning", 2),
    ],
)
def test_the_status_is_that_of_the_worst_finding(
    reports: list[FileReport], fail_on: str, status: int, engine: Run
) -> None:
    engine.reports = reports
    assert command("check", ".", "--fail-on", fail_on).exit_code == status
    assert command("fix", ".", "--fail-on", fail_on).exit_code == status


def test_findings_and_summary_go_to_standard_output(engine: Run) -> None:
    engine.reports = [WARNING]
    result = command("check", "flows", "--output-format", "concise")
    assert result.stdout == ("flows/etl.py:1:34: PF201 warning: It has another name\nFound 1 warning in 1 of 1 file.\n")
    assert result.stderr == ""
    assert engine.calls == [("check", "flows")]


def test_quiet_prints_findings_only(engine: Run) -> None:
    engine.reports = [WARNING]
    assert command("check", ".", "--output-format", "concise", "--quiet").stdout.count("\n") == 1
    engine.reports = [CLEAN]
    assert command("check", ".", "-q").stdout == ""


def test_json_is_the_only_thing_on_standard_output(engine: Run) -> None:
    engine.reports = [FIXABLE, BROKEN]
    result = command("check", ".", "--output-format", "json")
    assert [item["code"] for item in json.loads(result.stdout)] == ["PF201", "PF000"]
    assert result.stderr == ""
    engine.reports = [FIXED, BROKEN]
    result = command("fix", ".", "--output-format", "json")
    assert [item["code"] for item in json.loads(result.stdout)] == ["PF000"]
    assert result.stderr.startswith("Fixed 1 finding in 1 file.\n")


def test_options_reach_the_run(engine: Run) -> None:
    command(
        *["check", "a", "b", "--target", "both", "--select", "PF1,PF2", "--select", "PF301", "--ignore", "PF101"],
        *["--exclude", "old/*", "--exclude", "legacy", "--jobs", "2"],
    )
    settings = engine.settings
    assert engine.calls == [("check", "a", "b")]
    assert settings.target == "both"
    assert (tuple(settings.select), tuple(settings.ignore)) == (("PF1", "PF2", "PF301"), ("PF101",))
    assert tuple(settings.exclude) == ("old/*", "legacy")
    assert settings.jobs == 2
    assert settings.output_format == "full" and settings.fail_on is Severity.WARNING
    assert settings.from_ is None


@pytest.mark.parametrize("name", ["check", "fix"])
def test_from_is_an_option_and_a_setting_and_the_option_wins(name: str, engine: Run, tmp_path: Path) -> None:
    command(name, ".", "--from", "2.16")
    assert engine.settings.from_ == "2.16"
    (tmp_path / "pyproject.toml").write_text('[tool.migrator]\nfrom = "2.13"\n')
    command(name, ".")
    assert engine.settings.from_ == "2.13"
    command(name, ".", "--from", "2.20.26")
    assert engine.settings.from_ == "2.20.26"


def test_a_bad_from_is_told_in_one_line(engine: Run, tmp_path: Path) -> None:
    assert command("check", ".", "--from", "2.13\nx").stderr.count("\n") == 1
    (tmp_path / "pyproject.toml").write_text("[tool.migrator]\nfrom = 2.20\n")
    result = command("fix", ".")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1) and 'as in "2.20"' in result.stderr


def test_the_nearest_pyproject_gives_the_defaults_and_options_win(engine: Run, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.migrator]\ntarget = "both"\noutput-format = "concise"\n')
    command("check", ".")
    assert (engine.settings.target, engine.settings.output_format) == ("both", "concise")
    command("check", ".", "--target", "3.4")
    assert (engine.settings.target, engine.settings.output_format) == ("3.4", "concise")
    other = tmp_path / "other.toml"
    other.write_text('[tool.migrator]\ntarget = "3.1"\n')
    command("check", ".", "--config", str(other))
    assert (engine.settings.target, engine.settings.output_format) == ("3.1", "full")


def test_a_report_file_leaves_standard_output_empty(engine: Run, tmp_path: Path) -> None:
    engine.reports = [WARNING]
    result = command("check", ".", "--output-format", "concise", "--output", "report.txt")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "", 1)
    assert (tmp_path / "report.txt").read_text().startswith("flows/etl.py:1:34: PF201")


def test_a_report_file_has_no_colours(engine: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    engine.reports = [WARNING]
    assert "\x1b[" in command("check", ".").stdout
    command("check", ".", "--output", "report.txt")
    assert "\x1b[" not in (tmp_path / "report.txt").read_text()


def test_standard_input_is_checked_under_its_name(engine: Run) -> None:
    engine.reports = [WARNING]
    assert command("check", "-", "--stdin-filename", "flows/etl.py", stdin=OLD.encode()).exit_code == 1
    assert command("check", "-", stdin=b"\xff\r\n").exit_code == 1
    assert engine.calls == [
        ("check_source", OLD.encode(), "flows/etl.py"),
        ("check_source", b"\xff\r\n", "-"),
    ]


# -- what ends with status 2


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["check"], "PATH"),
        (["check", ".", "--no-such-option"], "No such option"),
        (["check", ".", "--jobs", "0"], "--jobs"),
        (["check", ".", "--target", "2"], "target"),
        (["check", ".", "--from", "3.0"], "error: --from: is to be the Prefect 2 that the code was written for"),
        (["fix", ".", "--from", "2"], '"2.N" or "2.N.P"'),
        (["fix", ".", "--from", "abc"], 'not "abc"'),
        (["check", ".", "--from", "2.20.26.1"], 'not "2.20.26.1"; leave it out where that is not known'),
        (["check", ".", "--fail-on", "fatal"], "fatal"),
        (["check", ".", "--output-format", "xml"], "xml"),
        (["check", ".", "--output-format", "sarif"], "`sarif` is not available in this version"),
        (["check", ".", "--config", "missing.toml"], "missing.toml"),
        (["check", ".", "--output", "missing/report.txt"], "missing"),
        (["check", ".", "--output", "."], "directory"),
        (["check", "-", "a.py"], "cannot be combined"),
        (["fix", ".", "--interactive"], "needs a terminal"),
        (["fix", ".", "--interactive", "--diff"], "does not go with"),
        (["rule", "PF999999"], "`migrator rules` lists them"),
        (["chekc", "."], "chekc"),
    ],
)
def test_what_cannot_be_done_is_said_and_ends_with_2(arguments: list[str], message: str, engine: Run) -> None:
    result = command(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert engine.calls == []


def test_a_wrong_configuration_ends_with_2(engine: Run, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.migrator]\ntargte = 3\n")
    result = command("check", ".")
    assert result.exit_code == 2
    assert "targte" in result.stderr and result.stdout == ""


def test_errors_of_the_system_end_with_2(engine: Run) -> None:
    engine.error = FileNotFoundError(2, "No such file or directory", "missing.py")
    result = command("check", "missing.py")
    assert (result.exit_code, result.stderr) == (2, "error: missing.py: No such file or directory\n")


def test_an_interrupt_ends_with_2_and_without_a_traceback(engine: Run) -> None:
    engine.error = KeyboardInterrupt()
    for name in ("check", "fix"):
        result = command(name, ".")
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", "error: interrupted\n")


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_an_interrupt_by_the_keyboard_ends_the_process_with_2(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "migrator", "fix", "-"],
        cwd=tmp_path,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # a job in the background of a shell inherits that the signal is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdin is not None
    process.stdin.write(b"#" * 1_000_000)  # more than a pipe holds: the command is reading when this returns
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate()
    assert (process.returncode, output, errors) == (2, b"", b"error: interrupted\n")


def test_an_error_of_the_program_ends_with_2_never_1(
    engine: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.error = ZeroDivisionError("a bug")
    monkeypatch.setattr(sys, "argv", ["migrator", "check", "."])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert raised.value.code == 2
    assert "ZeroDivisionError: a bug" in capsys.readouterr().err


# -- fix


def test_fix_reports_what_was_fixed_and_what_is_left(engine: Run) -> None:
    engine.reports = [FIXED, WARNING]
    result = command("fix", ".", "--output-format", "concise", "--unsafe-fixes", "--annotate")
    assert result.stdout.splitlines()[1:] == ["Fixed 1 finding in 1 file.", "Left: 1 warning in 1 of 2 files."]
    assert engine.options["write"] is True and engine.options["choose"] is None
    assert engine.settings.unsafe_fixes and engine.settings.annotate


def test_a_diff_is_printed_and_nothing_written(engine: Run) -> None:
    engine.reports = [FIXED, CLEAN]
    result = command("fix", ".", "--diff")
    assert engine.options["write"] is False
    assert result.exit_code == 1
    assert result.stdout == f"--- flows/etl.py\n+++ flows/etl.py\n@@ -1 +1 @@\n-{OLD}+{NEW}"
    assert result.stderr == "Would fix 1 finding in 1 file.\nNothing is left to report.\n"


def test_no_diff_is_status_0_whatever_is_left(engine: Run) -> None:
    engine.reports = [WARNING]
    result = command("fix", ".", "--diff")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Nothing to fix.\nLeft: 1 warning in 1 of 1 file.\n"


def test_a_diff_beside_a_failure_is_status_2(engine: Run) -> None:
    engine.reports = [FIXED, BROKEN]
    result = command("fix", ".", "--diff", "--quiet")
    assert result.exit_code == 2
    assert result.stdout.startswith("--- flows/etl.py\n")
    assert result.stderr == "flows/bad.py:1:7: PF000 error: invalid syntax\n"


def test_a_diff_goes_to_the_report_file(engine: Run, tmp_path: Path) -> None:
    engine.reports = [FIXED]
    assert command("fix", ".", "--diff", "--output", "fixes.patch").stdout == ""
    assert (tmp_path / "fixes.patch").read_text().startswith("--- flows/etl.py\n")


def test_fixed_standard_input_is_printed_and_the_report_goes_to_standard_error(engine: Run) -> None:
    engine.reports = [FIXED]
    result = command("fix", "-", "--stdin-filename", "flows/etl.py", "--output-format", "concise", stdin=OLD.encode())
    assert (result.exit_code, result.stdout) == (0, NEW)
    assert result.stderr == "Fixed 1 finding in 1 file.\nNothing is left to report.\n"
    assert engine.calls == [("fix_source", OLD.encode(), "flows/etl.py")]


def test_the_diff_of_standard_input_is_printed_without_the_source(engine: Run) -> None:
    engine.reports = [FIXED]
    result = command("fix", "-", "--diff", stdin=OLD.encode())
    assert result.exit_code == 1
    assert result.stdout.startswith("--- flows/etl.py\n") and not result.stdout.endswith(f"\n{NEW}{NEW}")


def test_interactive_asks_for_each_fix(engine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_stdin_is_terminal", lambda: True)
    result = command("fix", ".", "--interactive", stdin=b"y\nq\n")
    choose = engine.options["choose"]
    assert callable(choose) and engine.options["on_progress"] is None
    assert result.exit_code == 0


# -- the other commands


def test_the_version_is_printed() -> None:
    result = command("--version")
    assert (result.exit_code, result.stdout) == (0, f"migrator {migrator.__version__}\n")


def test_no_arguments_print_the_help() -> None:
    result = command()
    assert "check" in result.output and "vendor" in result.output
    assert result.exit_code in (0, 2)


@pytest.mark.parametrize("name", ["check", "fix", "rules", "rule", "vendor"])
def test_each_command_has_help(name: str) -> None:
    result = command(name, "--help")
    assert result.exit_code == 0
    assert name in result.stdout


def test_every_rule_is_listed_and_has_its_page() -> None:
    from migrator.reports.pages import explained
    from migrator.rules import catalogue

    rules = explained(catalogue())
    listed = command("rules").stdout.splitlines()[1:]
    assert [line.split()[0] for line in listed] == [rule.code for rule in rules]
    for rule in rules:
        result = command("rule", rule.code.lower())
        assert result.exit_code == 0
        assert result.stdout.startswith(f"# {rule.code} {rule.name}\n")
        assert rule.page.strip() in result.stdout
        assert command("rule", rule.name).exit_code == 0


# -- as a process


def test_check_of_a_small_project_loads_neither_rich_nor_libcst(tmp_path: Path) -> None:
    (tmp_path / "etl.py").write_text("import prefect\nfrom prefect import flow\n")
    program = (
        "import sys, typer; before = set(sys.modules); from migrator.cli import app\n"
        "try: app(['check', '.'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('rich', 'libcst', 'compat', 'prefect') if name in {*sys.modules} - before])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=_environment(), capture_output=True)
    assert done.stderr == b""
    assert done.stdout.splitlines()[-1] == b"[]"


def test_a_project_is_checked_then_fixed(tmp_path: Path) -> None:
    etl = tmp_path / "etl.py"
    etl.write_bytes(OLD.encode() + b"\r\nrunner = ConcurrentTaskRunner()")
    checked = real("check", ".", "--output-format", "json", cwd=tmp_path)
    items = json.loads(checked.stdout)
    assert {item["filename"] for item in items} == {"etl.py"}
    assert any(item["fix"] and item["fix"]["edits"] for item in items)
    difference = real("fix", ".", "--diff", cwd=tmp_path)
    assert difference.returncode == 1
    assert b"\n+runner = ThreadPoolTaskRunner()\n\\ No newline at end of file\n" in difference.stdout
    assert b"ConcurrentTaskRunner()" in etl.read_bytes()
    printed = real("fix", "-", "--stdin-filename", "etl.py", cwd=tmp_path, stdin=etl.read_bytes())
    fixed = real("fix", ".", cwd=tmp_path)
    assert (fixed.returncode, fixed.stderr) == (0, b"")
    assert etl.read_bytes() == printed.stdout == NEW.encode() + b"\r\nrunner = ThreadPoolTaskRunner()"
    assert real("check", ".", "--fail-on", "info", cwd=tmp_path).returncode == 0


def test_a_missing_path_ends_with_2(tmp_path: Path) -> None:
    done = real("check", "missing.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"error: missing.py: ") and done.stderr.count(b"\n") == 1


def test_a_file_that_cannot_be_parsed_does_not_stop_the_rest(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import prefect\ndef f(:\n")
    (tmp_path / "etl.py").write_text(OLD)
    done = real("check", ".", "--output-format", "concise", cwd=tmp_path)
    assert done.returncode == 2
    assert b"bad.py:2:7: PF000 error: " in done.stdout
    assert b"etl.py:1:34: " in done.stdout


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "etl.py").write_text(OLD * 3000)
    process = subprocess.Popen(
        [sys.executable, "-m", "migrator", "check", ".", "--fail-on", "info"],
        cwd=tmp_path,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "etl.py").write_text(OLD)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "migrator", "check", "."],
            cwd=tmp_path,
            env=_environment(),
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: ") and done.stderr.count(b"\n") == 1


NESTED = """
from prefect import task


@task
def inner(x):
    return x


@task
def outer(x):
    return inner(x)
"""


def test_the_release_that_the_code_was_written_for_decides_what_is_done(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(NESTED)
    settings = tmp_path / "pyproject.toml"
    for written, told in (("", b"1 place where"), ('from = "2.13"', b"RuntimeError"), ('from = "2.20"', b"All checks")):
        settings.write_text(f"[tool.migrator]\n{written}\n")
        assert told in real("check", ".", cwd=tmp_path).stdout
    assert (
        b"+    return inner.fn(x)"
        in real("fix", "--unsafe-fixes", "--diff", ".", "--from", "2.13", cwd=tmp_path).stdout
    )
    assert real("fix", "--unsafe-fixes", ".", cwd=tmp_path).returncode == 0
    assert (tmp_path / "flows.py").read_text() == NESTED
    settings.write_text('[tool.migrator]\nselect = ["PF401"]\n')
    real("fix", "--unsafe-fixes", ".", cwd=tmp_path)
    assert "return inner.fn(x)" in (tmp_path / "flows.py").read_text()
