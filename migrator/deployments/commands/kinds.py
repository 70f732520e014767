"""Texts that are run, each as its kind is read."""

from __future__ import annotations

from collections.abc import Iterable

from migrator.deployments.commands.lines import in_lines
from migrator.deployments.commands.recipes import in_dockerfile, in_makefile
from migrator.deployments.commands.shell import in_snippet, plainly
from migrator.deployments.commands.words import WORTH, Command
from migrator.deployments.commands.yaml_values import in_yaml
from migrator.sources.documents import Kind


def in_code(text: str, kind: Kind) -> tuple[Command, ...]:
    """The commands of a text of any kind but markup, in its order."""
    if not WORTH.search(text):
        return ()
    if kind is Kind.YAML:
        return in_order(in_yaml(text))
    if kind is Kind.SHELL:
        return in_order(in_snippet(plainly(text, 0, len(text))))
    if kind is Kind.DOCKERFILE:
        return in_order(in_dockerfile(text))
    if kind is Kind.MAKEFILE:
        return in_order(in_makefile(text))
    if kind is Kind.OTHER:
        return in_order(in_lines(plainly(text, 0, len(text))))
    return ()


def in_order(found: Iterable[Command]) -> tuple[Command, ...]:
    """Commands in the order of their text, each once."""
    unique = {(command.start, command.end): command for command in found}
    return tuple(unique[place] for place in sorted(unique))
