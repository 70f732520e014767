"""Leaves out what this machine cannot run, and says which tests those were.

With MIGRATOR_TEST_REQUIRE_PREFECT=1, which `.ci/run` sets, a test whose Prefect cannot be had fails. Only releases that need
an older Python than is installed are still left out. With MIGRATOR_RECORD_CASES=DIR the helpers keep what they are given.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import NoReturn

import hypothesis
import pytest

from migrator.knowledge.generate.environments import Unavailable
from tests.support import recording

REQUIRE = "MIGRATOR_TEST_REQUIRE_PREFECT"
_LEFT_OUT = "left out for want of a Prefect"
"""The property of a report that says why; reports reach the process that prints, whichever process ran the test."""

hypothesis.settings.register_profile("no deadline", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("no deadline")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    try:
        return (yield)
    except Unavailable as reason:
        _leave_out(item, reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    try:
        return (yield)
    except Unavailable as reason:
        _leave_out(item, reason)


def _leave_out(item: pytest.Item, reason: Unavailable) -> NoReturn:
    if os.environ.get(REQUIRE) and not reason.excused:
        pytest.fail(f"{reason}; {REQUIRE} asks for it", pytrace=False)
    item.user_properties.append((_LEFT_OUT, str(reason)))
    pytest.skip(str(reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    kept = recording.finish()
    if kept is not None:
        terminalreporter.line(f"{kept} cases are kept in {os.environ[recording.VARIABLE]}")
    left_out: dict[str, list[str]] = {}
    for report in terminalreporter.getreports("skipped"):
        for name, reason in report.user_properties:
            if name == _LEFT_OUT:
                left_out.setdefault(str(reason), []).append(report.nodeid)
    if left_out:
        terminalreporter.section("not run: a Prefect could not be had")
    for reason, tests in sorted(left_out.items()):
        terminalreporter.line(f"{reason}; {len(tests)} {'test' if len(tests) == 1 else 'tests'}:")
        for test in sorted(tests):
            terminalreporter.line(f"  {test}")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        recording.begin()
