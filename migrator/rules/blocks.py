"""Blocks and variables: what replaced the system's own blocks, and models of pydantic 1."""

from __future__ import annotations

from migrator.rules.base import Rule

RULES: tuple[Rule, ...] = ()
