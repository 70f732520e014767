"""How flows end: the runs that they leave behind, and the failures that nobody sees."""

from __future__ import annotations

from migrator.rules.base import Rule

RULES: tuple[Rule, ...] = ()
