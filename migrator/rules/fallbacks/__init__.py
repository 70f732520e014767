"""What was written by hand because Prefect 2 has no `as_completed` and no `wait`."""

from __future__ import annotations

from migrator.rules.base import Rule
from migrator.rules.fallbacks.imports import import_fallback
from migrator.rules.fallbacks.in_order import results_in_order
from migrator.rules.fallbacks.polling import polling_as_completed, polling_until_done

RULES: tuple[Rule, ...] = (import_fallback, polling_as_completed, results_in_order, polling_until_done)
