"""Futures: what their methods give, and what was written by hand for want of `as_completed`."""

from __future__ import annotations

from migrator.rules.base import Rule

RULES: tuple[Rule, ...] = ()
