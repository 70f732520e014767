"""What Prefect's server keeps for flows: Variables, blocks, and the plain values that were blocks on Prefect 2."""

from __future__ import annotations

import contextlib
import datetime
import json
import re
from typing import Any, TypeVar

from ._blocking import value_of, value_of_async
from ._version import MINOR, PREFECT_3, require

B = TypeVar("B")

_NOTHING: Any = object()

_EXAMPLES = {"json": """'{"key": "value"}'""", "string": """'"text"'""", "date-time": "2024-12-31T12:00:00+00:00"}
"""Prefect's slugs of the block types, each with a value as `prefect variable set` takes it.

The command reads a value as JSON where it can: text that could be read so (5, true, null) has to be quoted twice.
"""


def variable(name: str, default: Any = None) -> Any:
    """The value of the Prefect Variable of that name, `default` where there is none.

    Text on Prefect 2, on Prefect 3 whatever JSON can hold; there a None that was stored is given as None, not as `default`.
    A name that no Variable can have (capitals; hyphens before 3.4) is one that none has. Blocks, in a running event loop
    too (see `variable_async`). Raises NotImplementedError before Prefect 2.10, which has no Variables.
    """
    return _value(value_of(_reader(), name, _NOTHING), default)


async def variable_async(name: str, default: Any = None) -> Any:
    """`variable` for async code."""
    return _value(await value_of_async(_reader(), name, _NOTHING), default)


def load_block(block_class: type[B], name: str, **kwargs: Any) -> B:
    """`block_class.load(name, **kwargs)`; `Block` itself takes "slug/name".

    Blocks, in a running event loop too (see `load_block_async`). Raises Prefect's own ValueError where there is no such block.
    """
    loaded: B = value_of(block_class.load, name, **kwargs)  # type: ignore[attr-defined]
    return loaded


async def load_block_async(block_class: type[B], name: str, **kwargs: Any) -> B:
    """`load_block` for async code."""
    loaded: B = await value_of_async(block_class.load, name, **kwargs)  # type: ignore[attr-defined]
    return loaded


def block_value(slug: str, default: Any = _NOTHING) -> Any:
    """What the block "json/NAME", "string/NAME" or "date-time/NAME" holds; on Prefect 3, which dropped them, a Variable.

    The Variable has the block's NAME, with `_` for each `-`, because names of Variables have no hyphens before 3.4. The
    block classes that 3.0 to 3.4 still have are not asked. Prefect 3 refuses Variables of more than 5,000 characters of JSON.

    json: the Variable's value; text that holds a JSON object or array is parsed.
    string: the Variable's text; a whole number, true or false, as the command line stores text that looks like one, is
        given as that text.
    date-time: an aware datetime, UTC where no zone was stored; the Variable's text is as `datetime.fromisoformat` takes it,
        or ends in Z.

    Blocks, in a running event loop too (see `block_value_async`). Raises ValueError for other slugs; where nothing is stored
    and no `default` was given; and for a Variable that cannot be what the block held.
    """
    kind, name = _parts(slug)
    if PREFECT_3:
        return _in_shape(kind, name, variable(name, _NOTHING), default)
    try:
        return _aware(load_block(_generic(), slug).value)
    except ValueError as error:
        return _instead(error, default)


async def block_value_async(slug: str, default: Any = _NOTHING) -> Any:
    """`block_value` for async code."""
    kind, name = _parts(slug)
    if PREFECT_3:
        return _in_shape(kind, name, await variable_async(name, _NOTHING), default)
    try:
        return _aware((await load_block_async(_generic(), slug)).value)
    except ValueError as error:
        return _instead(error, default)


def _reader() -> Any:
    require((2, 10), "a Variable")
    import prefect.variables

    return prefect.variables.Variable.get if MINOR >= (2, 17) else prefect.variables.get


def _value(found: Any, default: Any) -> Any:
    """2.17 to 2.20 find an object that has the value."""
    if found is _NOTHING:
        return default
    return found.value if (2, 17) <= MINOR < (3, 0) else found


def _parts(slug: str) -> tuple[str, str]:
    """The block type's slug, and the name of the Variable. Blocks are named so on every Prefect 2."""
    parts = re.fullmatch(r"(json|string|date-time)/([a-z0-9-]+)", slug)
    if parts is None:
        raise ValueError(
            f"{slug!r} is not 'json/NAME', 'string/NAME' or 'date-time/NAME' with a NAME of a-z, 0-9 and hyphens"
        )
    return parts[1], parts[2].replace("-", "_")


def _generic() -> Any:
    from prefect.blocks.system import Block  # type: ignore[attr-defined,unused-ignore]  # the module of the three classes: Prefect finds only what was imported

    return Block


def _instead(error: ValueError, default: Any) -> Any:
    """`default` where the error of `Block.load` says that there is no such block."""
    from prefect.exceptions import ObjectNotFound

    if default is _NOTHING or not isinstance(error.__cause__, ObjectNotFound):
        raise error
    return default


def _in_shape(kind: str, name: str, value: Any, default: Any) -> Any:
    """A Variable's value as the block had it."""
    command = f"prefect variable set {name} {_EXAMPLES[kind]}"
    if value is _NOTHING:
        if default is _NOTHING:
            raise ValueError(
                f"Unable to find the Variable {name!r}, which stands for a {kind} block; set it: {command}"
            )
        return default
    if kind == "json":
        if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            with contextlib.suppress(ValueError):
                return json.loads(value)
        return value
    if kind == "string" and isinstance(value, (str, int)):
        return value if isinstance(value, str) else json.dumps(value)
    if kind == "date-time" and isinstance(value, str):
        with contextlib.suppress(ValueError):
            return _aware(datetime.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", value)))
    raise ValueError(
        f"The Variable {name!r} holds {value!r}, no value of a {kind} block; set it: {command} --overwrite"
    )


def _aware(value: Any) -> Any:
    """Datetimes that were stored without a zone are UTC, as Prefect has them from 2.20 on."""
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=datetime.timezone.utc)
    return value
