"""A YAML text with the places of what it says: its nodes, and the words that they are written with. Imported when a YAML file is looked at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Optional

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError, YAMLStreamError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.tokens import AliasToken, Token, ValueToken

from migrator.deployments.entries import reader

__all__ = ["MappingNode", "Node", "Pair", "ScalarNode", "SequenceNode", "Tree", "YAMLError", "place", "tree_of"]

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Pair:
    """A key of a mapping and its value. `own` is False for what comes through a merge (`<<`)."""

    key: Node
    value: Node
    own: bool = True

    @property
    def name(self) -> str:
        return str(self.key.value)

    @property
    def end(self) -> int:
        """Where the key ends."""
        return int(self.key.end_mark.index)


@dataclass(frozen=True)
class Tree:
    """The documents of a YAML text."""

    text: str
    roots: tuple[Node, ...]

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The words of the text, those of no length left out."""
        words = YAML(typ="rt", pure=True).scan(self.text)
        return tuple(word for word in words if word.start_mark.index < word.end_mark.index)

    @cached_property
    def _starts(self) -> list[int]:
        return [word.start_mark.index for word in self.tokens]

    def alias_of(self, pair: Pair) -> Optional[tuple[int, int]]:
        """Where `*name` stands, if that is a key's value."""
        at = bisect_right(self._starts, pair.end - 1)
        following = [word for word in self.tokens[at : at + 2] if not isinstance(word, ValueToken)]
        if following and isinstance(following[0], AliasToken):
            return following[0].start_mark.index, following[0].end_mark.index
        return None

    def colon_after(self, pair: Pair) -> int:
        """The end of the colon that follows a key."""
        at = bisect_right(self._starts, pair.end - 1)
        return int(self.tokens[at].end_mark.index)

    def end_of(self, node: Node) -> int:
        """Where the last word of a node ends; comments and empty lines below it are not the node's."""
        if isinstance(node, ScalarNode) or is_flow(node):
            return int(node.end_mark.index)
        at = bisect_right(self._starts, node.end_mark.index - 1)
        return int(self.tokens[at - 1].end_mark.index)

    def line_end(self, at: int) -> int:
        """The start of the line that follows `at`; `at` itself where it is at the start of one."""
        if at and self.text[at - 1] == "\n":
            return at
        return self.text.find("\n", at) + 1 or len(self.text)

    @property
    def ending(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def comments(self) -> list[str]:
        """The comments, in order, each with its `#`."""
        found: list[str] = []
        edges = [
            0,
            *(edge for word in self.tokens for edge in (word.start_mark.index, word.end_mark.index)),
            len(self.text),
        ]
        for start, end in zip(edges[::2], edges[1::2]):
            for line in self.text[start:end].splitlines():
                if line.strip().startswith("#"):
                    found.append(line.strip())
        return found


def tree_of(text: str) -> Tree:
    """The nodes of a text, with the types of YAML 1.1, by which Prefect reads. Raises YAMLError."""
    return Tree(text, tuple(node for node in reader("rt").compose_all(text) if node is not None))


def is_flow(node: Node) -> bool:
    """Whether a mapping or a list is written with braces or brackets."""
    return isinstance(node, CollectionNode) and bool(node.flow_style)


def place(error: YAMLError, text: str) -> tuple[int, str]:
    """Where a text stops being YAML, and why."""
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        why = error.problem or error.context or "not YAML"
        return (min(mark.index, len(text)) if mark else 0), str(why)
    position = getattr(error, "position", 0) if isinstance(error, YAMLStreamError) else 0
    return (position if isinstance(position, int) else 0), str(getattr(error, "reason", error)).splitlines()[0]


def pairs(node: Optional[Node]) -> list[Pair]:
    """The keys of a mapping, its own first, then those of the mappings that it merges, the first of equal names; none for anything else."""
    found: dict[str, Pair] = {}
    for pair in _pairs(node, True, 0):
        found.setdefault(pair.name, pair)
    return list(found.values())


def _pairs(node: Optional[Node], own: bool, depth: int) -> Iterator[Pair]:
    if not isinstance(node, MappingNode) or depth > 20:
        return
    merged: list[Node] = []
    for key, value in node.value:
        if key.tag == _TAG + "merge":
            merged += value.value if isinstance(value, SequenceNode) else [value]
        elif isinstance(key, ScalarNode):
            yield Pair(key, value, own)
    for other in merged:
        yield from _pairs(other, False, depth + 1)


def get(node: Optional[Node], name: str) -> Optional[Node]:
    """The value of a key; None where there is none."""
    return next((pair.value for pair in pairs(node) if pair.name == name), None)


def kind(node: Optional[Node]) -> str:
    """What a node is: `map`, `seq`, `str`, `int`, `float`, `bool`, `null`, `timestamp`...; the empty string for None."""
    tag = "" if node is None else str(node.tag)
    return tag[len(_TAG) :] if tag.startswith(_TAG) else tag


def items(node: Optional[Node]) -> list[Node]:
    """The elements of a list; none for anything else."""
    return list(node.value) if isinstance(node, SequenceNode) else []


def scalars(node: Optional[Node], depth: int = 0) -> Iterator[ScalarNode]:
    """Every scalar below a node, keys left out."""
    if isinstance(node, ScalarNode):
        yield node
    elif depth < 50 and isinstance(node, (MappingNode, SequenceNode)):
        for each in node.value:
            yield from scalars(each[1] if isinstance(node, MappingNode) else each, depth + 1)
