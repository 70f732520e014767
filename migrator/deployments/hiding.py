"""What must not be written as it is: secrets, and text that Prefect 3 would take for a placeholder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from migrator.deployments.infrastructure import reference
from migrator.deployments.secrets import is_secret_text

PLACEHOLDER = re.compile(r"{{\s*[\w.\-\[\]$]+\s*}}")
"""What `prefect.utilities.templating` of every 3.x fills in, or takes out where it has nothing for it."""

BLOCK = re.compile(r"{{\s*prefect\.blocks\.([a-z0-9-]+)\.([^\s.}]+)[^}]*}}")

_EMPTY = "{{ literal }}"


def literal(value: Any) -> Any:
    """The value as `prefect.yaml` has to spell it, so that `prefect deploy` registers its text as it is.

    Prefect has no escape. `{{ x }}` becomes `{{{ literal }}{ x }}`: `prefect deploy` fills in placeholders in one pass at
    the end, takes out `{{ literal }}`, which nothing gives a value for, and does not look at the rest again. This holds
    on 3.0 to 3.8, and as well for references to blocks and variables, which are then resolved when a flow runs.
    """
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda found: f"{{{_EMPTY}{found.group()[1:]}", value)
    if isinstance(value, Mapping):
        return {key: literal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [literal(inner) for inner in value]
    return value


@dataclass
class Secrets:
    """The secrets that were found in clear text, each once, with the name that stands for it.

    `blocks` and `variables` map names (of `Secret` blocks and of environment variables) to the places where they are
    used. The values stay in here.
    """

    blocks: dict[str, list[str]] = field(default_factory=dict)
    variables: dict[str, list[str]] = field(default_factory=dict)
    _values: dict[tuple[str, str], str] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def learn(self, value: Any, key: str = "", parameter: bool = False) -> None:
        """Takes note of the secrets in a value, so that they are recognised wherever they stand."""
        for name, text in _strings(value, key):
            if self._is_secret(name, text, parameter) and _is_peculiar(text):
                self._known.add(text)

    def by_block(self, value: Any, where: str, key: str = "") -> Any:
        """The value with each secret as a reference to a `Secret` block, which is read when a flow runs."""
        return self._replaced(value, where, key, False)

    def by_variable(self, value: Any, where: str, key: str = "") -> Any:
        """The value made literal, with each secret as `{{ $NAME }}`, which `prefect deploy` reads from its environment."""
        return self._replaced(value, where, key, True)

    def taken_out(self, text: str) -> str:
        """The text without the secrets that are known, should one stand inside of it."""
        for known in sorted(self._known, key=len, reverse=True):
            text = text.replace(known, "********")
        return text

    def cleared(self, value: Any) -> Any:
        """The value with the known secrets taken out of every text; the same object where there is none."""
        whole = json.dumps(value, ensure_ascii=False)
        if not any(json.dumps(known, ensure_ascii=False)[1:-1] in whole for known in self._known):
            return value
        return self._cleared(value)

    def _cleared(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.taken_out(value)
        if isinstance(value, Mapping):
            return {self.taken_out(key): self._cleared(inner) for key, inner in value.items()}
        return [self._cleared(inner) for inner in value] if isinstance(value, list) else value

    def _is_secret(self, key: str, text: str, parameter: bool) -> bool:
        return text in self._known or is_secret_text(key, text, parameter)

    def _replaced(self, value: Any, where: str, key: str, variable: bool) -> Any:
        if isinstance(value, str):
            if self._is_secret(key, value, variable):
                return self._named(value, where, key, variable)
            return literal(value) if variable else value
        if isinstance(value, Mapping):
            if set(value) >= {"name", "value"} and isinstance(value["name"], str):
                rest = {name: inner for name, inner in value.items() if name != "value"}
                return {
                    **self._replaced(rest, where, key, variable),
                    "value": self._replaced(value["value"], where, value["name"], variable),
                }
            return {
                name: self._replaced(inner, where, key if name == "default" else str(name), variable)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self._replaced(inner, where, key, variable) for inner in value]
        return value

    def _named(self, value: str, where: str, key: str, variable: bool) -> str:
        names = self.variables if variable else self.blocks
        base = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", key).lower()).strip("-") or "secret"
        kind = "variable" if variable else "block"
        number = 1
        while True:
            name = base if number == 1 else f"{base}-{number}"
            if variable:
                name = name.replace("-", "_").upper()
                name = f"_{name}" if name[0].isdigit() else name
            if self._values.setdefault((kind, name), value) == value:
                break
            number += 1
        places = names.setdefault(name, [])
        if where not in places:
            places.append(where)
        return f"{{{{ ${name} }}}}" if variable else reference("secret", name)


def _strings(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """The texts in a value, each with the key that it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        if set(value) >= {"name", "value"} and isinstance(value["name"], str):
            yield from _strings(value["value"], value["name"])
        for name, inner in value.items():
            yield from _strings(inner, key if name in ("default", "value") else str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, key)


def _is_peculiar(text: str) -> bool:
    """Whether a text is so much its own that the same text elsewhere is the same secret, not a word of the language."""
    return len(text) >= 8 and any(map(str.isdigit, text)) and not text.isdigit()
