"""Skips what this machine cannot provide, with the reason."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from migrator.knowledge.generate.environments import Unavailable


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    try:
        return (yield)
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    try:
        return (yield)
    except Unavailable as reason:
        pytest.skip(str(reason))
