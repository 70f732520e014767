"""Results, caching and persistence, and the hooks and returned states that Prefect 3 takes otherwise."""

from __future__ import annotations

from migrator.rules.base import Rule
from migrator.rules.results.caching import RULES as CACHING
from migrator.rules.results.hooks import RULES as HOOKS
from migrator.rules.results.returned import RULES as RETURNED

RULES: tuple[Rule, ...] = (*CACHING, *HOOKS, *RETURNED)
