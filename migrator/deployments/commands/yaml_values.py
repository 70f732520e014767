"""The values of YAML that are run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from migrator.deployments.commands.lines import in_lines
from migrator.deployments.commands.lists import of_items, of_scalar
from migrator.deployments.commands.shell import Snippet, in_snippet, plainly
from migrator.deployments.commands.words import AS_CODE, PROGRAM, WORTH, Command, Word

_PROSE_KEYS = frozenset(
    ["name", "description", "title", "displayname", "display_name", "label", "labels", "summary", "message", "help", "text", "comment", "doc", "docs", "image", "id", "tags", "key", "flow_name", "url", "about", "notes"]
)  # fmt: skip
_COMMAND_KEYS = frozenset(
    [
        "run",
        "script",
        "command",
        "cmd",
        "cmds",
        "entrypoint",
        "args",
        "before_script",
        "after_script",
        "shell",
        "exec",
        "execute",
        "bash",
        "powershell",
        "pwsh",
        "inlinescript",
        "commands",
        "start",
        "startcommand",
        "startupscript",
        "user_data",
        "userdata",
        "runcmd",
        "post_build",
        "pre_build",
        "install",
        "build",
        "test",
        "deploy",
        "run_shell_script",
        "entry",
        "hooks",
        "tasks",
        "steps",
        "execstart",
        "postcreatecommand",
        "poststartcommand",
        "docker_command",
        "startup_script",
    ]
)


def in_yaml(text: str) -> Iterator[Command]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        roots = list(YAML(typ="safe", pure=True).compose_all(text))
    except (YAMLError, ValueError, RecursionError, AttributeError):
        yield from in_lines(plainly(text, 0, len(text)))
        return
    seen: set[int] = set()
    for root in roots:
        if root is not None:
            yield from _in_node(text, root, "", seen)


def _in_node(text: str, node: Any, key: str, seen: set[int]) -> Iterator[Command]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if hasattr(node, "flow_style") and node.value and isinstance(node.value[0], tuple):
        divided = _divided(text, node)
        if divided:
            yield from divided
            seen.update(id(value) for name, value in node.value if name.value in _DIVIDED)
        for name, value in node.value:
            spelled = str(name.value).lower() if isinstance(name.value, str) else ""
            yield from _in_node(text, value, spelled.replace("-", "_") if "." not in spelled else spelled, seen)
    elif hasattr(node, "flow_style"):
        items = _scalars(text, node)
        if items:
            commands = list(of_items(items, text))
            yield from commands
            if commands or any(PROGRAM.fullmatch(item.value) for item in items):
                return
        for item in node.value:
            yield from _in_node(text, item, key, seen)
    elif isinstance(node.value, str) and WORTH.search(node.value):
        yield from _in_scalar(text, node, key)


_DIVIDED = {"command": "args", "entrypoint": "command"}
"""The program and its arguments in two lists: of Kubernetes, and of compose files."""


def _divided(text: str, node: Any) -> list[Command]:
    """The command whose program is the last item of one list and whose arguments are another (`command: [prefect]`, `args: [agent, start]`)."""
    lists = {
        name.value: _scalars(text, value)
        for name, value in node.value
        if name.value in ("command", "entrypoint", "args")
    }
    for first, second in _DIVIDED.items():
        program, arguments = lists.get(first), lists.get(second)
        if program and arguments and PROGRAM.fullmatch(program[-1].value) and program[-1].end < arguments[0].start:
            return list(of_items([*program, *arguments], text))
    return []


def _scalars(text: str, node: Any) -> list[Word]:
    """The items of a list that are single words or quoted texts; none where one of them is something else."""
    if not hasattr(node, "flow_style") or (node.value and isinstance(node.value[0], tuple)):
        return []
    items = [
        Word(
            item.start_mark.index,
            _end(text, item),
            text[item.start_mark.index : _end(text, item)],
            item.value,
            "$" in item.value,
        )
        for item in node.value
        if not hasattr(item, "flow_style") and item.style not in ("|", ">")
    ]
    return items if len(items) == len(node.value) else []


def _end(text: str, node: Any) -> int:
    """The end of a scalar without the blank space after a plain one."""
    start, end = node.start_mark.index, node.end_mark.index
    return int(start + len(text[start:end].rstrip()))


def _in_scalar(text: str, node: Any, key: str) -> Iterator[Command]:
    bare = key.replace("_", "")
    if key in _PROSE_KEYS or bare in _PROSE_KEYS or key.endswith((".md", ".rst", ".txt", ".py")):
        return
    start, end = node.start_mark.index, _end(text, node)
    if node.style in ("|", ">"):
        body = text.find("\n", start) + 1
        if body:
            yield from in_snippet(Snippet(text[body:end], range(body, end + 1), str, newlines=node.style == "|"))
        return
    snippet = of_scalar(text, start, end)
    if snippet is None:
        return
    known = key in _COMMAND_KEYS or bare in _COMMAND_KEYS or key.endswith(("command", "cmd", "script"))
    if known or AS_CODE.search(node.value):
        yield from in_snippet(snippet)
