"""Blocks and variables: what replaced the system's own blocks, and models of pydantic 1."""

from __future__ import annotations

from migrator.rules.base import Rule
from migrator.rules.blocks.models import block_of_pydantic_1, parameter_of_pydantic_1
from migrator.rules.blocks.notifications import notification_block
from migrator.rules.blocks.parameters import strict_argument
from migrator.rules.blocks.system import system_block
from migrator.rules.blocks.variables import variable_of_number

RULES: tuple[Rule, ...] = (
    system_block,
    variable_of_number,
    notification_block,
    block_of_pydantic_1,
    parameter_of_pydantic_1,
    strict_argument,
)
