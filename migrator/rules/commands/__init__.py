"""`prefect ...` commands in scripts, Makefiles, workflows, compose files, Dockerfiles and documents."""

from __future__ import annotations

from migrator.rules.base import Rule
from migrator.rules.commands import agents, apply, build, others

RULES: tuple[Rule, ...] = (*build.RULES, *apply.RULES, *agents.RULES, *others.RULES)
