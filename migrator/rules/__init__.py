"""The rules. Each file holds one family; its `RULES` are what it offers."""

from __future__ import annotations

from functools import lru_cache

from migrator.rules.base import Rule


@lru_cache(maxsize=1)
def catalogue() -> tuple[Rule, ...]:
    """All rules, in the order of their codes."""
    from migrator.rules import (
        asynchronous,
        blocks,
        commands,
        deployment_files,
        deployments,
        extensions,
        fallbacks,
        final_states,
        futures,
        infrastructure,
        lookalikes,
        members,
        misunderstandings,
        mutations,
        names,
        results,
        storage,
        task_nesting,
        task_runners,
    )

    families = (
        *(asynchronous, blocks, commands, deployment_files, deployments, extensions, fallbacks, final_states, futures),
        *(infrastructure, lookalikes, members, misunderstandings, mutations, names, results, storage, task_nesting),
        *(task_runners,),
    )
    return tuple(sorted((rule for family in families for rule in family.RULES), key=lambda rule: rule.code))
