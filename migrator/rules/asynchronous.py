"""Async code: what Prefect 3 no longer awaits, and what it leaves to be awaited."""

from __future__ import annotations

from migrator.rules.base import Rule

RULES: tuple[Rule, ...] = ()
