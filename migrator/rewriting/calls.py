"""Removes, sets and renames the keyword arguments of one call.

In goes the exact text of a call as `ast` delimits it (from the first character of the called expression to the closing bracket), out
comes its new text. Line endings, comments, quotes and spacing of all that stays are kept. Every function raises ValueError where the
text is not a single call.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from migrator.rewriting import Listing, renderers, with_element, with_replaced, without_element

if TYPE_CHECKING:
    import libcst


def remove_arguments(call: str, names: Collection[str]) -> str:
    """The call without the keyword arguments of these names; names that it does not have are passed over.

    A comment that has the line of a removed argument to itself goes with it, all others stay.
    """
    parsed = _parse(call)
    listing = parsed.listing
    for index in reversed(range(len(parsed.keywords))):
        if parsed.keywords[index] in names:
            listing = without_element(listing, index)
    return listing.render()


def set_argument(call: str, name: str, value: str) -> str:
    """The call with the keyword argument `name` set to the expression `value`, which is taken as it stands.

    A new argument becomes the last, on its own line where the others are so, with a trailing comma where the last one had it.
    """
    parsed = _parse(call)
    if name in parsed.keywords:
        index = parsed.keywords.index(name)
        return with_replaced(parsed.listing, index, parsed.prefixes[index] + value).render()
    listing = parsed.listing
    if parsed.bare_generator:
        listing = replace(listing, elements=(f"({listing.elements[0]})",))
    return with_element(listing, len(listing.elements), f"{name}={value}").render()


def rename_argument(call: str, old: str, new: str) -> str:
    """The call with the keyword argument `old` called `new`; the same text where it has no `old`.

    Raises ValueError where the call already has another argument `new`.
    """
    parsed = _parse(call)
    if old not in parsed.keywords or old == new:
        return call
    if new in parsed.keywords:
        raise ValueError(f"the call already has an argument {new!r}")
    index = parsed.keywords.index(old)
    return with_replaced(parsed.listing, index, new + parsed.listing.elements[index][len(old) :]).render()


@dataclass(frozen=True)
class _Call:
    """The arguments of a call: their text, their keywords (None for the others) and what stands before each keyword's value."""

    listing: Listing
    keywords: tuple[str | None, ...]
    prefixes: tuple[str, ...]
    bare_generator: bool


def _parse(call: str) -> _Call:
    import libcst

    try:
        node = libcst.parse_expression(f"({call})")
    except libcst.ParserSyntaxError as error:
        raise ValueError(f"not a call: {call!r}") from error
    if not isinstance(node, libcst.Call) or len(node.lpar) != 1:
        raise ValueError(f"not a call: {call!r}")
    for module in renderers(call):
        parsed = _split(module, node, call)
        if parsed is not None:
            return parsed
    raise ValueError(f"libcst does not give this call back as it is: {call!r}")


def _split(module: libcst.Module, node: libcst.Call, call: str) -> _Call | None:
    import libcst

    code = module.code_for_node
    elements, prefixes, gaps = [], [], [code(node.whitespace_before_args)]
    for argument in node.args:
        comma = argument.comma
        bare = argument.with_changes(
            comma=libcst.MaybeSentinel.DEFAULT, whitespace_after_arg=libcst.SimpleWhitespace("")
        )
        elements.append(code(bare))
        prefixes.append(elements[-1][: len(elements[-1]) - len(code(argument.value))])
        gaps.append(
            (code(comma) if isinstance(comma, libcst.Comma) else "") + code(argument.whitespace_after_arg),
        )
    head = code(node.func) + code(node.whitespace_after_func) + "("
    listing = Listing(head, tuple(elements), tuple(gaps), ")", module.default_newline)
    if listing.render() != call:
        return None
    keywords = tuple(argument.keyword.value if argument.keyword else None for argument in node.args)
    value = node.args[0].value if node.args else None
    generator = isinstance(value, libcst.GeneratorExp) and not value.lpar
    return _Call(listing, keywords, tuple(prefixes), generator)
