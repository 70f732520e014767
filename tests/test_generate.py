"""The generator of the names, on small packages made here: what it sees by import and in the source, and what it writes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from migrator.knowledge.api import Api
from migrator.knowledge.generate import merge, probe, static, text
from migrator.knowledge.generate.__main__ import PACKED, TEXT
from migrator.knowledge.generate.successors import successors

LABELS = ("2.0", "2.1", "3.0", "3.1")
ROOTS = frozenset({"kit"})


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, content in {"kit/__init__.py": "", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def seen(folder: Path) -> Any:
    program = f"import sys; sys.path.insert(0, {str(folder)!r}); sys.argv = ['probe', 'look', 'kit']; exec(open({probe.__file__!r}).read())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def answers(folder: Path, questions: Mapping[str, Any]) -> Any:
    program = f"import sys; sys.path.insert(0, {str(folder)!r}); sys.argv = ['probe', 'ask']; exec(open({probe.__file__!r}).read())"
    done = subprocess.run([sys.executable, "-c", program], input=json.dumps(questions), capture_output=True, text=True)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def made(folder: Path, releases: list[Mapping[str, str]]) -> tuple[merge.Api, Api]:
    """What the generator makes of releases of a package, and what is read back from its text."""
    folders = [write(folder / str(at), files) for at, files in enumerate(releases)]
    looked = [seen(each) for each in folders]
    found = merge.merge(LABELS[-len(folders) :], looked, [static.read(["kit"], each) for each in folders], ROOTS)
    for at, each in enumerate(folders):
        merge.add_answers(found, at, answers(each, merge.questions(found, at, looked[at])), ROOTS)
    labels = LABELS[-len(folders) :]
    head = "%prefect " + " ".join(f"{label}={label}.0" for label in labels)
    lines = [head, *text.lines(found, labels, successors(found))]
    return found, Api("\n".join(["# text", *lines, ""]))


def test_name_that_went_and_name_that_came(tmp_path: Path) -> None:
    _, api = made(tmp_path, [{"kit/a.py": "def old(x, *, y=1): ...\n"}, {"kit/a.py": "def new(x): ...\n"}])
    old, new = api.life("kit.a.old"), api.life("kit.a.new")
    assert old is not None and api.written(old.releases) == "3.0"
    assert new is not None and api.written(new.releases) == "3.1"


def test_object_that_lives_on_under_another_name_is_found_by_identity(tmp_path: Path) -> None:
    both = {"kit/home.py": "class Thing: ...\nclass Other: ...\n"}
    before = {**both, "kit/a.py": "from kit.home import Thing as Old\nfrom kit.home import Other as Thing\n"}
    _, api = made(tmp_path, [before, {**both, "kit/a.py": ""}])
    assert api.entry("kit.a", "Old").successor == "kit.home.Thing"  # type: ignore[union-attr]
    assert api.entry("kit.a", "Thing").successor == "kit.home.Other"  # type: ignore[union-attr]


def test_name_that_only_a_function_of_the_module_brings_is_asked_for(tmp_path: Path) -> None:
    lazy = "import warnings\nfrom kit.home import f\n_g = f\ndel f\ndef __getattr__(name):\n    if name == 'f':\n        warnings.warn('`f` has moved', DeprecationWarning)\n        return _g\n    raise AttributeError(name)\n"
    home = {"kit/home.py": "def f(): ...\n"}
    _, api = made(tmp_path, [{**home, "kit/a.py": "from kit.home import f\n"}, {**home, "kit/a.py": lazy}])
    entry = api.entry("kit.a", "f")
    assert entry is not None and api.written(entry.releases) == "3.0 to 3.1"
    assert entry.warns(api.newest) == "kit.home:f"


def test_import_wins_over_the_source_and_the_disagreement_is_listed(tmp_path: Path) -> None:
    found, api = made(tmp_path, [{"kit/a.py": "if False:\n    def f(): ...\n"}])
    assert "kit.a.f: defined in the source, not importable" in " ".join(found.disagreements)
    assert api.entry("kit.a", "f") is None


def test_module_that_wants_another_package_is_read_and_one_that_is_broken_is_not(tmp_path: Path) -> None:
    found, api = made(tmp_path, [{"kit/a.py": "import not_there_at_all\ndef f(): ...\n", "kit/b.py": "1 / 0\n"}])
    assert api.life("kit.a.f").releases == api.newest  # type: ignore[union-attr]
    assert api.life("kit.b").releases == 0  # type: ignore[union-attr]
    assert len(found.disagreements) == 2


def test_members_come_from_bases_annotations_and_what_methods_assign(tmp_path: Path) -> None:
    code = "class Base:\n    def inherited(self): ...\nclass Thing(Base):\n    field: int\n    def set(self):\n        self.given = 1\n"
    _, api = made(tmp_path, [{"kit/a.py": code}, {"kit/a.py": code.replace("    field: int\n", "")}])
    for name, releases in {
        "inherited": "3.0 to 3.1",
        "field": "3.0",
        "given": "3.0 to 3.1",
        "nothing": "no release",
    }.items():
        life = api.life(f"kit.a.Thing.{name}")
        assert life is not None and api.written(life.releases) == releases, name


def test_class_that_answers_by_itself_is_not_judged(tmp_path: Path) -> None:
    _, api = made(tmp_path, [{"kit/a.py": "class Thing:\n    def __getattr__(self, name): return 1\n"}])
    assert api.life("kit.a.Thing.anything") is None


def test_parameters_and_what_a_call_gives(tmp_path: Path) -> None:
    code = "from typing import Optional\nclass Thing: ...\ndef f(a, b=1, *, c, **rest) -> Optional[Thing]: ...\n"
    _, api = made(tmp_path, [{"kit/a.py": code}, {"kit/a.py": code.replace("b=1, ", "").replace(", **rest", "")}])
    entry = api.entry("kit.a", "f")
    assert entry is not None and entry.call is not None
    assert entry.gives == (("kit.a:Thing", api.everything),)
    assert [p.name for p in entry.call.parameters] == ["a", "c", "b", "rest"]
    assert api.written(entry.call.takes("c")) == "3.0 to 3.1"
    assert api.written(entry.call.takes("anything")) == "3.0"


@given(st.integers(min_value=1, max_value=2**30 - 1))
def test_releases_are_read_as_they_were_written(mask: int) -> None:
    labels = [f"2.{at}" for at in range(21)] + [f"3.{at}" for at in range(9)]
    api = Api("# text\n%prefect " + " ".join(f"{label}={label}.0" for label in labels) + "\n")
    assert api._mask(text.written(mask, labels)) == mask


def test_packed_data_are_the_readable_ones() -> None:
    import gzip

    assert gzip.decompress(PACKED.read_bytes()).decode() == TEXT.read_text()


def test_data_are_small() -> None:
    assert PACKED.stat().st_size < 1_000_000
