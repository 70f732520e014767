"""The commands `migrator deployments ...`: what is registered on a Prefect server. Parses options, calls, prints, exits."""

# No `from __future__ import annotations` here: on Python 3.9 typer does not evaluate annotations that are strings.
import os
import sys
from typing import Annotated, Optional

import typer

LEFT = 1
"""The exit status where something cannot be carried over."""

deployments_app = typer.Typer(
    help="Work with the deployments that a Prefect 2 server holds.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@deployments_app.callback()
def _root() -> None:
    pass


@deployments_app.command()
def export(
    api_url: Annotated[
        str,
        typer.Option(
            metavar="URL", help="The API of the 2.x server (http://HOST:4200/api) or workspace.", show_default=False
        ),
    ],
    api_key: Annotated[
        Optional[str],
        typer.Option(metavar="KEY", envvar="PREFECT_API_KEY", show_envvar=True, help="The key of a workspace's API."),
    ] = None,
    output: Annotated[
        Optional[str], typer.Option(metavar="FILE", help="Write the prefect.yaml to a file. [standard output]")
    ] = None,
    work_pool: Annotated[
        Optional[str],
        typer.Option(
            metavar="NAME",
            help="The work pool for what agents ran; NAME-TYPE where several are needed. [as the infrastructure block]",
        ),
    ] = None,
    templates: Annotated[
        Optional[str],
        typer.Option(metavar="DIR", help="Write the base job templates that the work pools need to this directory."),
    ] = None,
    report: Annotated[
        Optional[str],
        typer.Option(metavar="FILE", help="Write the commands and remarks to a file. [standard error]"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing on standard error but errors.")] = False,
) -> None:
    """Write all deployments of a Prefect 2 server as one prefect.yaml for Prefect 3. Only reads.

    The commands for the work pools, and what cannot be carried over, go to standard error. Secrets are never written.
    The status is 0 where everything is in the files, 1 where something is left to be done by hand, 2 where it failed.
    """
    from migrator.cli import fail
    from migrator.deployments.export import export as exported
    from migrator.deployments.export import report as told
    from migrator.deployments.server import ServerError, read
    from migrator.progress import progress_bar
    from migrator.reports.output import check_file, encode, write, write_file, write_source

    output = None if output == "-" else output
    for path in (output, report):
        if path is not None:
            check_file(path)
    if output is not None and report is not None and os.path.realpath(output) == os.path.realpath(report):
        fail(f"--output and --report are the same file, {output}")
    if templates is not None and os.path.exists(templates) and not os.path.isdir(templates):
        fail(f"cannot write the base job templates to {templates}: it is no directory")
    if work_pool is not None and (
        work_pool != work_pool.strip() or not work_pool.isprintable() or not work_pool or set(work_pool) & set("/%&><")
    ):
        fail(f"{work_pool!r} cannot be the name of a work pool: it may not be empty, end in blanks or have / % & < >")
    try:
        with progress_bar(not quiet, "Deployments") as on_progress:
            registered = read(api_url, api_key, on_progress=on_progress)
    except ServerError as error:
        fail(str(error))
    with progress_bar(not quiet, "Entries") as on_progress:
        done = exported(registered, work_pool, on_progress)
    if templates is not None:
        os.makedirs(templates, exist_ok=True)
        for name, text in done.templates.items():
            write_file(os.path.join(templates, name), encode(text))
    if output is None:
        write_source(done.text, sys.stdout)
    else:
        write_file(output, encode(done.text))
    page = told(done, templates, output or "prefect.yaml")
    if report is not None:
        write_file(report, encode(page))
    elif not quiet:
        write(page, sys.stderr)
    if not done.complete or (done.templates and templates is None):
        raise typer.Exit(LEFT)
