"""Names under which a removed object lives on: on the last release that has both, the two names are one object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from migrator.knowledge.api import api
from tests.support.environments import PREFECT_3, VERSIONS, environment

OF_2 = [version for version in VERSIONS if version.startswith("2.")]

PROGRAM = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")

def found(dotted):
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)

def differ(old, new):
    try:
        return found(old) is not found(new)
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] == "prefect":
            raise
        return False  # the environment lacks what prefect.testing needs

print(json.dumps([pair for pair in json.load(open(sys.argv[1])) if differ(*pair)]))
"""

KINDS = """
import importlib, inspect, json, sys

def kind(dotted):
    module, _, name = dotted.rpartition(".")
    value = getattr(importlib.import_module(module), name)
    return "class" if inspect.isclass(value) else "def" if callable(value) else "var"

print(json.dumps({dotted: kind(dotted) for dotted in json.load(open(sys.argv[1]))}))
"""


def pairs() -> dict[str, str]:
    """The names of Prefect that are gone, with the one under which each lives on."""
    data = api()
    return {
        f"{module}.{name}": entry.successor
        for module in data.modules
        if module.partition(".")[0] == "prefect"
        for name in data.names(module)
        if (entry := data.entry(module, name)) is not None and entry.successor
    }


def last_minor(dotted: str) -> str:
    life = api().life(dotted)
    assert life is not None
    return api().labels[life.releases.bit_length() - 1]


def ran(version: str, program: str, question: object, folder: Path) -> object:
    (folder / "question.json").write_text(json.dumps(question))
    (folder / "program.py").write_text(program)
    done = environment(version).run([str(folder / "program.py"), str(folder / "question.json")])
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.prefect
@pytest.mark.parametrize("version", OF_2)
def test_both_names_are_one_object_on_the_last_release_that_has_them(version: str, tmp_path: Path) -> None:
    minor = ".".join(version.split(".")[:2])
    asked = [[old, new] for old, new in sorted(pairs().items()) if last_minor(old) == minor]
    if minor == "2.20":
        assert len(asked) > 300
    assert ran(version, PROGRAM, asked, tmp_path) == []


@pytest.mark.prefect
def test_successor_is_still_the_same_kind_of_thing(tmp_path: Path) -> None:
    data = api()
    lives = {new: data.life(new) for new in pairs().values()}
    old = {
        new: life.entry.kind(data.of_2) for new, life in lives.items() if life is not None and life.entry is not None
    }
    new = ran(PREFECT_3, KINDS, sorted(old), tmp_path)
    assert isinstance(new, dict)
    assert {
        name: kind for name, kind in new.items() if old[name] in ("class", "def", "var") and old[name] != kind
    } == {}


def test_successor_lives_on_every_later_release() -> None:
    data = api()
    for old, new in pairs().items():
        gone, there = data.life(old), data.life(new)
        assert gone is not None and there is not None
        later = data.everything & ~((1 << (gone.releases.bit_length() - 1)) - 1)
        assert there.releases & later == later, (old, new)
        assert not any(part.startswith("_") for part in new.split(".")), new
