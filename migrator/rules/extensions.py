"""Custom extensions and calls of the client: subclasses of Prefect's classes, requests and what they answer."""

from __future__ import annotations

from migrator.rules.base import Rule

RULES: tuple[Rule, ...] = ()
