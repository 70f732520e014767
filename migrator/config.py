"""The options of a run: `[tool.migrator]` of a `pyproject.toml`, and what the command line says over it."""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from keyword import iskeyword
from typing import Any, Callable, Optional, Union

from migrator.discovery import PatternError, check_exclude
from migrator.findings import Severity

OUTPUT_FORMATS = ("full", "concise", "json", "sarif", "github", "junit", "markdown", "html")
ALL = "ALL"
"""The selector of every rule."""

_TABLE = "tool.migrator"
_TARGET = re.compile(r"3(?:\.(0|[1-9]\d*))?|both")
_FROM = re.compile(r"2\.(0|[1-9]\d?)(?:\.(0|[1-9]\d?))?")
_LAST_MINOR_OF_2 = 20


class ConfigError(ValueError):
    """A setting that cannot be used; the message names where it is from, which it is, and what is allowed."""


@dataclass(frozen=True)
class Settings:
    """The options of `check` and `fix`; the defaults are those of the commands."""

    target: str = "3"
    """`3`, `3.N`, or `both`."""
    from_: Optional[str] = None
    """The Prefect 2 that the code was written for, `2.N` or `2.N.P`; None: it is not said."""
    select: tuple[str, ...] = ()
    """Codes, or prefixes of codes, or `ALL`; empty: all rules."""
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    """Patterns as in a `.gitignore` in `exclude_root`."""
    output_format: str = "full"
    output: Optional[str] = None
    statistics: bool = False
    quiet: bool = False
    fail_on: Severity = Severity.WARNING
    compat: str = "compat"
    """The package that fixes for `both` import from: `compat`, or the name of a copy of it."""
    jobs: Optional[int] = None
    """Number of processes; None: as many as pay."""
    unsafe_fixes: bool = False
    annotate: bool = False
    work_pool: Optional[str] = None
    """The work pool of deployments whose runs an agent took; None: Prefect's setting for the default one."""
    exclude_root: Optional[str] = None
    """The directory of the file that `exclude` is from; None: the current directory."""


def load(start: str, config_file: Optional[str] = None) -> dict[str, object]:
    """The settings of a file, by the names of the fields of Settings and checked; empty where there is no such file.

    The file is `config_file`, or the nearest `pyproject.toml` with a `[tool.migrator]`, at or above `start` (a file or
    directory that need not exist). Raises ConfigError for a file that cannot be read, an unknown key, or a value that is not
    allowed, and for a `config_file` without that table.
    """
    if config_file is not None:
        table = _read_table(config_file)
        if table is None:
            raise ConfigError(f"{config_file}: has no [{_TABLE}]")
        return _checked(config_file, table)
    directory = os.path.abspath(start)
    if not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    while True:
        path = os.path.join(directory, "pyproject.toml")
        table = _read_table(path) if os.path.isfile(path) else None
        if table is not None:
            return _checked(path, table)
        parent = os.path.dirname(directory)
        if parent == directory:
            return {}
        directory = parent


def merge(file_values: Mapping[str, object], cli_values: Mapping[str, Optional[object]]) -> Settings:
    """The settings of a run: what the command line gives (neither None nor an empty list), else the file, else the default.

    Both mappings are by the names of the fields of Settings. Raises ConfigError for a value of the command line that is not
    allowed.
    """
    given = {
        name: _SETTINGS[name](f"--{_key(name)}", value)
        for name, value in cli_values.items()
        if value is not None and value != [] and value != ()
    }
    values: dict[str, Any] = {**file_values, **given}
    if "exclude" in given:
        values.pop("exclude_root", None)
    return Settings(**values)


def target_version(target: str) -> Optional[tuple[int, int]]:
    """The version that a target names; None for `3` and `both`, which name none."""
    return (3, int(target[2:])) if target.startswith("3.") else None


def from_version(release: str) -> tuple[int, int, int]:
    """The numbers of a release of Prefect 2; `2.16` is 2.16.0."""
    minor, patch = (*release.split(".")[1:], "0")[:2]
    return 2, int(minor), int(patch)


def enabled(settings: Settings, code: str, known_codes: Collection[str] = ()) -> bool:
    """Whether a rule is on: the longest selector that the code begins with decides, and `ignore` where two are as long.

    With `known_codes`, raises ConfigError where a selector matches none of them.
    """
    if known_codes:
        check_selectors(settings, known_codes)
    selected = _longest(settings.select or (ALL,), code)
    return selected > _longest(settings.ignore, code)


def check_selectors(settings: Settings, known_codes: Collection[str]) -> None:
    """Raises ConfigError for the first selector of the settings that matches no known code."""
    for option, selectors in (("select", settings.select), ("ignore", settings.ignore)):
        for selector in selectors:
            if selector != ALL and not any(code.startswith(selector) for code in known_codes):
                raise ConfigError(
                    f"{option}: there is no rule {selector}{_near(selector.upper(), [ALL, *sorted(known_codes)])}"
                    "; `migrator rules` lists the codes"
                )


def _longest(selectors: Sequence[str], code: str) -> int:
    """The length of the longest selector for a code, 0 for ALL, -1 where there is none."""
    return max(
        (0 if each == ALL else len(each) for each in selectors if each == ALL or code.startswith(each)), default=-1
    )


# -- the file


def _read_table(path: str) -> Optional[dict[str, object]]:
    """The `[tool.migrator]` of a file, None where it has none. Raises ConfigError where that cannot be told."""
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    if b"migrator" not in data:
        return None
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    tool = document.get("tool", {})
    table = tool.get("migrator") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{path}: {_TABLE} is to be a table, not {_shown(table)}")
    return table


def _checked(path: str, table: Mapping[str, object]) -> dict[str, object]:
    values: dict[str, object] = {}
    names = {_key(name): name for name in _SETTINGS}
    for key, value in table.items():
        name = names.get(key)
        if name is None:
            known = sorted(names)
            raise ConfigError(
                f"{path}: {_TABLE} has no setting `{key}`{_near(key.replace('_', '-'), known)}; there are {', '.join(known)}"
            )
        values[name] = _SETTINGS[name](f"{path}: {_TABLE}.{key}", value)
    if "exclude" in values:
        values["exclude_root"] = os.path.dirname(os.path.abspath(path))
    return values


def _key(name: str) -> str:
    """The name of a field as it is written in the file and on the command line."""
    return name.rstrip("_").replace("_", "-")


# -- what is allowed: each function takes where a value is from and the value, and gives back the field of Settings


def _target(place: str, value: object) -> str:
    if isinstance(value, float):
        raise ConfigError(f'{place}: is to be in quotes, as in "{value}"')
    if isinstance(value, str) and _TARGET.fullmatch(value):
        return value
    raise ConfigError(f'{place}: is to be "3", "3.N" as in "3.4", or "both", not {_shown(value)}')


def _from(place: str, value: object) -> str:
    if isinstance(value, float):
        raise ConfigError(f'{place}: is to be in quotes, as in "2.20", since 2.20 without them is 2.2')
    matched = _FROM.fullmatch(value) if isinstance(value, str) else None
    if isinstance(value, str) and matched is not None and int(matched[1]) <= _LAST_MINOR_OF_2:
        return value
    raise ConfigError(
        f'{place}: is to be the Prefect 2 that the code was written for, "2.N" or "2.N.P" as in "2.16" or "2.16.9" '
        f"(the last is 2.{_LAST_MINOR_OF_2}), not {_shown(value)}; leave it out where that is not known"
    )


def _codes(place: str, value: object) -> tuple[str, ...]:
    codes = _strings(place, value)
    return tuple(code.strip() for each in codes for code in each.split(",") if code.strip())


def _strings(place: str, value: object) -> tuple[str, ...]:
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise ConfigError(f"{place}: is to be a list of strings, not {_shown(value)}")


def _patterns(place: str, value: object) -> tuple[str, ...]:
    patterns = _strings(place, value)
    try:
        check_exclude(patterns)
    except PatternError as error:
        raise ConfigError(f"{place}: {error}") from error
    return patterns


def _string(place: str, value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ConfigError(f"{place}: is to be a string, not {_shown(value)}")


def _package(place: str, value: object) -> str:
    if (
        isinstance(value, str)
        and value
        and all(part.isidentifier() and not iskeyword(part) for part in value.split("."))
    ):
        return value
    raise ConfigError(
        f'{place}: is to be the dotted name of a package, as in "my_package._prefect_compat", not {_shown(value)}'
    )


def _output_format(place: str, value: object) -> str:
    return _one_of(place, value, OUTPUT_FORMATS)


def _severity(place: str, value: object) -> Severity:
    if isinstance(value, Severity):
        return value
    return Severity[_one_of(place, value, tuple(str(each) for each in reversed(Severity))).upper()]


def _one_of(place: str, value: object, allowed: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in allowed:
        return value
    near = _near(value, allowed) if isinstance(value, str) else ""
    raise ConfigError(f"{place}: is to be one of {', '.join(allowed)}, not {_shown(value)}{near}")


def _flag(place: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ConfigError(f"{place}: is to be true or false, not {_shown(value)}")


def _jobs(place: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise ConfigError(f"{place}: is to be a whole number from 1 on, not {_shown(value)}")


_SETTINGS: dict[str, Callable[[str, object], Union[str, tuple[str, ...], bool, int, Severity]]] = {
    "target": _target,
    "from_": _from,
    "select": _codes,
    "ignore": _codes,
    "exclude": _patterns,
    "output_format": _output_format,
    "output": _string,
    "statistics": _flag,
    "quiet": _flag,
    "fail_on": _severity,
    "compat": _package,
    "jobs": _jobs,
    "unsafe_fixes": _flag,
    "annotate": _flag,
    "work_pool": _string,
}
assert {each.name for each in fields(Settings)} == {*_SETTINGS, "exclude_root"}


def _near(word: str, known: Collection[str]) -> str:
    found = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean `{found[0]}`?)" if found else ""


def _shown(value: object) -> str:
    """A value as TOML writes it, near enough for a message."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
