"""Results, caching and persistence, and the hooks and returned states that Prefect 3 takes otherwise."""

from __future__ import annotations

from migrator.rules.base import Rule

RULES: tuple[Rule, ...] = ()
