"""The command `migrator`: parses options, calls, prints and exits.

What a command needs is imported when it runs, so that the command starts quickly: nothing here imports libcst, and rich
is imported only for a progress bar and for the page of a rule on a terminal.

Exit statuses: 0 nothing to report, 1 something, 2 the run itself failed.
"""

# No `from __future__ import annotations` here: on Python 3.9 typer does not evaluate annotations that are strings.
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Callable, NoReturn, Optional, TextIO

import typer
from typer.core import TyperGroup

import migrator
from migrator.commands_deployments import deployments_app

if TYPE_CHECKING:
    from migrator.config import Settings
    from migrator.findings import FileReport, Finding
    from migrator.reports import Options

FAILED = 2
"""The exit status of a run that failed: a bad option, a missing path, a file that could not be read or parsed."""

STDIN = "-"

_LINKS_NAMED = 5
"""How many links that were not followed are named."""


class Commands(TyperGroup):
    """The commands, with what can go wrong in each of them turned into a message and the status 2."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        from migrator.config import ConfigError
        from migrator.discovery import PatternError
        from migrator.reports import UnavailableFormat

        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            fail("interrupted")
        except (ConfigError, PatternError, UnavailableFormat) as error:
            fail(str(error))
        except OSError as error:
            fail(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))


app = typer.Typer(
    cls=Commands,
    help="Moves a Prefect 2 code base to Prefect 3. Nothing of your code is imported or run.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(deployments_app, name="deployments")

Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATH...", help="Files and directories; `-` is standard input.", show_default=False),
]
Target = Annotated[
    Optional[str],
    typer.Option(metavar="3|3.N|both", help="The Prefect to move to; `both` runs on 2.x and 3.x through `compat`. [3]"),
]
From = Annotated[
    Optional[str],
    typer.Option(
        "--from", metavar="2.N|2.N.P", help="The Prefect 2 that the code was written for, such as 2.16.9. [not said]"
    ),
]
Select = Annotated[
    Optional[list[str]], typer.Option(metavar="CODES", help="Only these rules: codes or prefixes of codes, by commas.")
]
Ignore = Annotated[Optional[list[str]], typer.Option(metavar="CODES", help="All but these rules.")]
Exclude = Annotated[
    Optional[list[str]], typer.Option(metavar="GLOB", help="Leave out files and directories; may be repeated.")
]
OutputFormat = Annotated[
    Optional[str],
    typer.Option(metavar="full|concise|json|sarif|github|junit|markdown|html", help="The format of the report. [full]"),
]
Output = Annotated[Optional[str], typer.Option(metavar="FILE", help="Write the report to a file.")]
Statistics = Annotated[
    Optional[bool], typer.Option("--statistics/--no-statistics", help="Counts for each rule instead of the findings.")
]
Quiet = Annotated[Optional[bool], typer.Option("--quiet/--no-quiet", "-q", help="Print findings only, no summary.")]
FailOn = Annotated[
    Optional[str],
    typer.Option(metavar="error|warning|info", help="The mildest severity that makes the status 1. [warning]"),
]
Config = Annotated[
    Optional[str],
    typer.Option(metavar="FILE", help="Read [tool.migrator] from this file, not from the nearest pyproject.toml."),
]
StdinFilename = Annotated[
    Optional[str], typer.Option(metavar="FILE", help="The name that standard input is reported and recognised by.")
]
Compat = Annotated[
    Optional[str],
    typer.Option(metavar="MODULE", help="The copy of `compat` that code for `both` imports from. [compat]"),
]
WorkPool = Annotated[
    Optional[str],
    typer.Option(
        metavar="NAME",
        help="The work pool of deployments whose runs an agent took. [what PREFECT_DEFAULT_WORK_POOL_NAME says]",
    ),
]
Jobs = Annotated[
    Optional[int], typer.Option(metavar="N", min=1, help="Number of processes; 1 stays in one. [one per processor]")
]
UnsafeFixes = Annotated[
    Optional[bool],
    typer.Option("--unsafe-fixes/--no-unsafe-fixes", help="Apply fixes that could change behaviour as well."),
]
Annotate = Annotated[
    Optional[bool],
    typer.Option("--annotate/--no-annotate", help="Write a TODO comment above what cannot be fixed."),
]
Diff = Annotated[
    bool, typer.Option("--diff", help="Print what would change and write nothing; 1 where there is a diff.")
]
Interactive = Annotated[bool, typer.Option("--interactive", help="Ask before each fix.")]


def _version(wanted: bool) -> None:
    if wanted:
        _print(f"migrator {migrator.__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    from migrator.vendoring import lost_files

    lost = None if context.invoked_subcommand == "vendor" else lost_files()  # `vendor` fails with the same words
    if lost is not None:
        from migrator.reports.output import write

        write(f"warning: {lost}\n", sys.stderr)


@app.command()
def check(
    paths: Paths,
    target: Target = None,
    from_: From = None,
    select: Select = None,
    ignore: Ignore = None,
    exclude: Exclude = None,
    output_format: OutputFormat = None,
    output: Output = None,
    statistics: Statistics = None,
    quiet: Quiet = None,
    fail_on: FailOn = None,
    config: Config = None,
    stdin_filename: StdinFilename = None,
    compat: Compat = None,
    work_pool: WorkPool = None,
    jobs: Jobs = None,
) -> None:
    """Report what breaks or changes on Prefect 3. Writes nothing."""
    settings = _settings(
        stdin_filename if STDIN in paths else paths[0],
        config,
        target=target,
        from_=from_,
        select=select,
        ignore=ignore,
        exclude=exclude,
        output_format=output_format,
        output=output,
        statistics=statistics,
        quiet=quiet,
        fail_on=fail_on,
        compat=compat,
        work_pool=work_pool,
        jobs=jobs,
    )
    from migrator import run
    from migrator.progress import progress_bar
    from migrator.reports.output import stdin_bytes

    if _is_stdin(paths):
        reports = [run.check_source(stdin_bytes(), stdin_filename or STDIN, settings)]
    else:
        outside: list[str] = []
        with progress_bar(not settings.quiet) as on_progress:
            reports = run.check(paths, settings, on_progress=on_progress, on_outside=outside.append)
        _say_outside(outside)
    _report(reports, settings, sys.stdout)
    raise typer.Exit(_status(reports, settings))


@app.command()
def fix(
    paths: Paths,
    target: Target = None,
    from_: From = None,
    select: Select = None,
    ignore: Ignore = None,
    exclude: Exclude = None,
    output_format: OutputFormat = None,
    output: Output = None,
    statistics: Statistics = None,
    quiet: Quiet = None,
    fail_on: FailOn = None,
    config: Config = None,
    stdin_filename: StdinFilename = None,
    compat: Compat = None,
    work_pool: WorkPool = None,
    jobs: Jobs = None,
    unsafe_fixes: UnsafeFixes = None,
    annotate: Annotate = None,
    diff: Diff = False,
    interactive: Interactive = False,
) -> None:
    """Apply the safe fixes in place and report what is left.

    For standard input, the fixed source is printed and the report goes to standard error.
    """
    settings = _settings(
        stdin_filename if STDIN in paths else paths[0],
        config,
        target=target,
        from_=from_,
        select=select,
        ignore=ignore,
        exclude=exclude,
        output_format=output_format,
        output=output,
        statistics=statistics,
        quiet=quiet,
        fail_on=fail_on,
        compat=compat,
        work_pool=work_pool,
        jobs=jobs,
        unsafe_fixes=unsafe_fixes,
        annotate=annotate,
    )
    if interactive and (diff or STDIN in paths):
        fail("`--interactive` does not go with `--diff` or with standard input")
    if interactive and not _stdin_is_terminal():
        fail("`--interactive` asks before each fix and needs a terminal on standard input")
    from migrator import run
    from migrator.progress import progress_bar
    from migrator.reports.output import stdin_bytes, write_bytes

    fixed: Optional[bytes] = None
    if _is_stdin(paths):
        report, fixed = run.fix_source(stdin_bytes(), stdin_filename or STDIN, settings)
        reports = [report]
    else:
        choose = _chooser() if interactive else None
        outside: list[str] = []
        with progress_bar(not settings.quiet and not interactive) as on_progress:
            reports = run.fix(
                paths,
                settings,
                write=not diff,
                choose=choose,
                on_progress=on_progress,
                on_outside=outside.append,
            )
        _say_outside(outside)
    if diff:
        _print_diff(reports, settings)
        raise typer.Exit(_diff_status(reports))
    if fixed is not None:
        write_bytes(fixed, sys.stdout)
    _report(reports, settings, sys.stdout if fixed is None else sys.stderr, fixing=True)
    raise typer.Exit(_status(reports, settings))


@app.command()
def rules() -> None:
    """List the rules."""
    from migrator.reports.pages import explained, table
    from migrator.rules import catalogue

    _print(table(explained(catalogue())))


@app.command()
def rule(code: Annotated[str, typer.Argument(metavar="CODE", help="The code of a rule, or its name.")]) -> None:
    """Explain a rule: what, why, before and after."""
    from migrator.reports.pages import explained, page
    from migrator.rules import catalogue

    found = [known for known in explained(catalogue()) if code.upper() == known.code or code.lower() == known.name]
    if not found:
        fail(f"there is no rule `{code}`; `migrator rules` lists them")
    for known in found:
        _print_page(page(known))


@app.command()
def api(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A name of Prefect as code spells it (`prefect.filesystems.S3`), or its end alone (`S3`); "
            "`prefect.flow(retries)` is an argument.",
        ),
    ],
    output_format: Annotated[
        str, typer.Option(metavar="text|json", help="A page to read, or one JSON object.")
    ] = "text",
) -> None:
    """Tell what became of a name: which releases have it, and what to write instead."""
    if output_format not in ("text", "json"):
        fail(f"`{output_format}` is no output format of `api`; there are text and json")
    from migrator.reports.biography import UnknownName, as_json, biography, page

    try:
        told = biography(name)
    except UnknownName as error:
        fail(str(error))
    if output_format == "json":
        _print(as_json(told))
    else:
        _print_page(page(told))


@app.command()
def vendor(
    dest: Annotated[
        str,
        typer.Argument(
            metavar="DEST",
            help="The package to make, such as `my_package/_prefect_compat`, or the directory to put `compat` into.",
        ),
    ],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the files of another `compat` there.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say whether the copy there is current: 0, or 1 if not.")
    ] = False,
) -> None:
    """Copy `compat` into your package, so that it needs no further dependency."""
    from migrator.vendoring import check_copy, differences, vendor_compat

    if check:
        if force:
            fail("`--check` writes nothing: leave out `--force`")
        copy = check_copy(dest)
        if copy.current:
            _print(f"{copy.path} is this version's `compat`, {copy.version}.\n")
            return
        _print("".join(f"{line}\n" for line in differences(copy)))
        raise typer.Exit(1)
    copied = vendor_compat(dest, force=force)
    _print(f"{copied.path} {'is now' if copied.changed else 'already was'} this version's `compat`.\n")
    _print(f"Import it as: from {copied.module} import ...\n")
    if copied.module != "compat":
        _print(f'So that `fix --target both` does too, in pyproject.toml: [tool.migrator] compat = "{copied.module}"\n')


def main() -> None:
    """Runs the command and exits with its status; an error of the program itself ends in a traceback and 2."""
    try:
        app(prog_name="migrator")
    except Exception:
        import traceback

        traceback.print_exc()
        sys.exit(FAILED)


def fail(message: str) -> NoReturn:
    """Ends the run with a message on standard error and the status 2."""
    from migrator.reports.output import write

    write(f"error: {message}\n", sys.stderr)
    raise typer.Exit(FAILED)


def _say_outside(links: Sequence[str]) -> None:
    """Says in one line which links were not followed; with `--quiet` too, since what they lead to was not read."""
    from migrator.reports.output import write

    if not links:
        return
    named = ", ".join(f"`{link}`" for link in links[:_LINKS_NAMED])
    if len(links) == 1:
        said = f"{named} leads outside of the given paths and is not followed; give it as a PATH to include it"
    else:
        rest = f" and {len(links) - _LINKS_NAMED} more" if len(links) > _LINKS_NAMED else ""
        lead = f"{len(links)} links lead outside of the given paths and are not followed"
        said = f"{lead} (give them as PATHs to include them): {named}{rest}"
    write(f"note: {said}\n", sys.stderr)


def _print(text: str) -> None:
    from migrator.reports.output import write

    write(text, sys.stdout)


def _print_page(text: str) -> None:
    """Prints Markdown: laid out on a terminal, and as it is elsewhere."""
    if sys.stdout is not None and sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        _print(text)


def _settings(start: Optional[str], config_file: Optional[str], **options: Any) -> "Settings":
    """The options of the configuration file and of the command line, checked before anything is read or written."""
    from migrator import config
    from migrator.reports import renderer
    from migrator.reports.output import check_file

    settings = config.merge(config.load(start or os.curdir, config_file), options)
    renderer(settings.output_format)
    if settings.output is not None:
        check_file(settings.output)
    return settings


def _is_stdin(paths: Sequence[str]) -> bool:
    if STDIN in paths and len(paths) > 1:
        fail("`-` is standard input and cannot be combined with other paths")
    return STDIN in paths


def _stdin_is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _chooser() -> Callable[["FileReport", "Finding"], bool]:
    from migrator.reports.interactive import ask_on_terminal, chooser
    from migrator.reports.text import use_colour

    return chooser(ask_on_terminal, colour=use_colour(sys.stderr))


def _report(
    reports: Sequence["FileReport"], settings: "Settings", stream: Optional[TextIO], *, fixing: bool = False
) -> None:
    """Prints the report in the format of the settings, or writes it to their file."""
    from migrator.reports import render
    from migrator.reports.output import encode, write, write_file

    options = _options(settings, stream, fixing=fixing)
    text = render(settings.output_format, reports, options)
    if settings.output is None:
        write(text, stream)
    else:
        write_file(settings.output, encode(text))
    if fixing and settings.output_format == "json" and not settings.quiet:
        from migrator.reports.summary import summary

        write(summary(reports, options), sys.stderr)


def _print_diff(reports: Sequence["FileReport"], settings: "Settings") -> None:
    """Prints the diff of each file, and a summary and the files that failed on standard error."""
    from migrator.findings import FileReport
    from migrator.reports import concise, diff
    from migrator.reports.output import encode, write, write_file, write_source
    from migrator.reports.summary import summary
    from migrator.reports.text import use_colour

    if settings.output is None:
        write_source(diff.render(reports, use_colour(sys.stdout)), sys.stdout)
    else:
        write_file(settings.output, encode(diff.render(reports)))
    options = _options(settings, sys.stderr, fixing=True, dry=True)
    failures = [FileReport(report.path, report.text, failure=report.failure) for report in reports if report.failure]
    write(concise.body(failures, options), sys.stderr)
    if not settings.quiet:
        write(summary(reports, options), sys.stderr)


def _options(settings: "Settings", stream: Optional[TextIO], *, fixing: bool, dry: bool = False) -> "Options":
    import shutil

    from migrator.reports import Options
    from migrator.reports.text import use_colour

    terminal = settings.output is None and stream is not None and stream.isatty()
    return Options(
        fixing=fixing,
        dry=dry,
        unsafe=settings.unsafe_fixes,
        quiet=settings.quiet,
        statistics=settings.statistics,
        colour=settings.output is None and stream is not None and use_colour(stream),
        width=shutil.get_terminal_size().columns if terminal else Options.width,
    )


def _status(reports: Sequence["FileReport"], settings: "Settings") -> int:
    if any(report.failure for report in reports):
        return FAILED
    return int(any(finding.severity >= settings.fail_on for report in reports for finding in report.findings))


def _diff_status(reports: Sequence["FileReport"]) -> int:
    if any(report.failure for report in reports):
        return FAILED
    return int(any(report.before is not None for report in reports))
