"""What a run costs in a large tree, counted in files read and modules parsed: what is asked of all files is asked once."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrator import candidates, run
from migrator.config import Settings
from migrator.model import module, project
from migrator.model import texts as texts_module
from migrator.model.texts import Texts, import_lines
from migrator.run import check, fix

MENTIONING = """\
from prefect import flow, task
from prefect.task_runners import ConcurrentTaskRunner, SequentialTaskRunner
{imports}

@task
def step_{number}(x):
    return x


@flow(task_runner=SequentialTaskRunner())
def first_{number}():
    futures = [step_{number}.submit(n) for n in range(3)]
    return futures


@flow(task_runner=ConcurrentTaskRunner())
def second_{number}():
    helper_{number}(step_{number})


def helper_{number}(thing):
    thing.submit(1)
"""
PLAIN = (
    "import os\n{imports}\nROOT = os.path.abspath('.')\n\n\ndef step_{number}(x):\n    return os.path.join(ROOT, x)\n"
)
FILES = 60


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project that is the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()


def make(mentioning: int, shape: str) -> None:
    """Writes FILES modules, so many of which mention Prefect."""
    chance = random.Random(mentioning)
    folder = {"flat": "", "nested": "pkg/inner/"}.get(shape, "pkg/")
    names = [f"{folder}{f'part{n % 5}/' if shape == 'nested' else ''}m{n}" for n in range(FILES)]
    for number, name in enumerate(names):
        imported: list[int] = []
        if shape == "chain":
            imported = [number + 1] if number + 1 < FILES else []
        elif shape == "mesh":
            imported = chance.sample(range(FILES), 3)
        imports = "".join(f"from {names[n].replace('/', '.')} import step_{n}\n" for n in imported)
        if shape == "spelled":
            imports = f'PATCHED = "m{(number + 1) % FILES}.SequentialTaskRunner"\n'
        text = MENTIONING if number < mentioning else PLAIN
        Path(f"{name}.py").parent.mkdir(parents=True, exist_ok=True)
        Path(f"{name}.py").write_text(text.format(number=number, imports=imports))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file was read."""
    counted: Counter[str] = Counter()
    read = run.read

    def counting(path: str) -> bytes:
        counted[path] += 1
        return read(path)

    monkeypatch.setattr(run, "read", counting)
    return counted


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each text was parsed."""
    counted: Counter[str] = Counter()
    parse = module.parse

    def counting(text: str) -> object:
        counted[text] += 1
        return parse(text)

    monkeypatch.setattr(module, "parse", counting)
    return counted


SHAPES = ["flat", "nested", "chain", "mesh", "spelled"]


@pytest.mark.parametrize("mentioning", [3, 30, FILES])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_file_is_read_three_times_at_most(reads: Counter[str], shape: str, mentioning: int) -> None:
    make(mentioning, shape)
    reports = check(["."], Settings(jobs=1))
    assert sum(any(finding.code == "PF202" for finding in report.findings) for report in reports) == mentioning
    assert len(reads) >= FILES and max(reads.values()) <= 3, reads.most_common(3)


@pytest.mark.parametrize("shape", SHAPES)
def test_fix_reads_no_file_again_for_each_pass(reads: Counter[str], shape: str) -> None:
    make(30, shape)
    reports = fix(["."], Settings(jobs=1), write=False)
    assert sum(bool(report.applied) for report in reports) == 30
    assert max(reads.values()) <= 4, reads.most_common(3)


@pytest.mark.parametrize("shape", SHAPES)
def test_files_that_only_the_project_has_are_read_twice_at_most(reads: Counter[str], shape: str) -> None:
    make(30, shape)
    path = next(str(path) for path in Path().rglob("m0.py"))
    assert check([path], Settings(jobs=1))[0].findings
    assert max(reads.values()) <= 2 + (shape in ("chain", "mesh")), reads.most_common(3)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_module_is_parsed_once_and_three_times_where_none_is_kept(
    parses: Counter[str], monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    make(FILES, shape)
    check(["."], Settings(jobs=1))
    assert max(parses.values()) == 1
    monkeypatch.setattr(project, "_KEPT_CHARACTERS", 0)
    parses.clear()
    check(["."], Settings(jobs=1))
    assert max(parses.values()) <= 3, parses.most_common(1)[0][1]


def test_processes_are_given_what_the_texts_say(monkeypatch: pytest.MonkeyPatch) -> None:
    make(30, "spelled")
    alone = check(["."], Settings(jobs=1))
    made: list[object] = []
    of = Texts.of
    monkeypatch.setattr(Texts, "of", lambda *arguments: made.append(arguments) or of(*arguments))
    assert check(["."], Settings(jobs=2)) == alone
    assert len(made) == 1


DEPLOYMENT = "name: n{number}\nflow_name: f\ninfra_overrides: {{}}\nentrypoint: flows/etl.py:load_{number}\n"
BUILD = "prefect deployment build flows/gone.py:load -n n{number} -q q\n"


@pytest.mark.parametrize("several", [2, 20])
def test_each_document_is_read_twice_at_most(reads: Counter[str], several: int) -> None:
    for number in range(FILES):
        is_deployment = number < several
        Path(f"d{number}.yaml").write_text((DEPLOYMENT if is_deployment else "name: n{number}\n").format(number=number))
        Path(f"d{number}.sh").write_text((BUILD if is_deployment else "echo n{number}\n").format(number=number))
    reports = check(["."], Settings(jobs=1))
    assert len([report for report in reports if report.findings]) == 2 * several
    assert max(reads.values()) <= 2, reads.most_common(3)


# -- what is told of all texts at once is what each text says by itself


NAMES = ("flow", "workflow", "my-flow", "my.flow", "flow-", "flows", "éa", "x")
WORDS = ("flow", "run", "runner", "run_all", "R")


def any_text(chance: random.Random) -> str:
    def dotted() -> str:
        return f"{chance.choice(('', 'a.', 'z', ' '))}{chance.choice(NAMES)}.{chance.choice(WORDS)}{chance.choice(('', '_x', '.y', '('))}"

    return "\n".join(chance.choice((dotted(), f'"{dotted()}"', "import os", "1.5", "a..b")) for _ in range(4))


@pytest.mark.parametrize("few", [0, texts_module._FEW], ids=["all at once", "one by one"])
@pytest.mark.parametrize("seed", range(20))
def test_what_is_spelled_out_is_what_a_search_finds(seed: int, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts_module, "_FEW", few)
    chance = random.Random(seed)
    files = {f"/p{n}/{name}.py": any_text(chance) for n in range(2) for name in NAMES}
    files["/p0/flow/__init__.py"] = any_text(chance)
    asked = set(chance.sample(sorted(files), 8))
    texts = Texts.of(sorted(files), asked, files.get)
    for _ in range(3):
        for path in sorted(asked):
            tail = Path(path).parent.name if path.endswith("__init__.py") else Path(path).stem
            for word in WORDS:
                found = any(f"{tail}.{word}" in text for other, text in files.items() if other != path)
                assert texts.is_spelled_out(path, word) is found, (path, word)
        changed = chance.choice(sorted(asked))
        files[changed] = any_text(chance)
        texts.change(changed, files[changed])


def test_importers_are_those_of_the_present_texts() -> None:
    files = {"/p/a.py": "import b\n", "/p/b.py": "from . import a\n", "/p/c.py": "from a import x, b\n", "/p/d.py": ""}
    texts = Texts.of(sorted(files), {"/p/a.py", "/p/d.py"}, files.get)
    assert (texts.importers("a"), texts.importers("b")) == (["/p/b.py", "/p/c.py"], ["/p/a.py", "/p/c.py"])
    assert texts.importers("p") == texts.importers("x") == []
    texts.change("/p/d.py", "import a\n")
    texts.change("/p/a.py", "")
    assert (texts.importers("a"), texts.importers("b")) == (["/p/b.py", "/p/c.py", "/p/d.py"], ["/p/c.py"])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("import a, b.c as d\n", [(None, None, "a, b.c as d")]),
        ("  from .a import b, c # import d\nx = 'import y'\nimport z", [(".a", "b, c ", None), (None, None, "z")]),
        ("from a import (\n    b,\n)\n", [("a", "", None)]),
        ("important = 1\nfrom a \\\n  import b\n", [(None, None, "b")]),
        ("", []),
    ],
)
def test_lines_that_import(text: str, lines: list[tuple[object, object, object]]) -> None:
    assert [match.groups() for match in import_lines(text)] == lines


# -- which files are worth parsing


def wanted(files: dict[str, str]) -> set[str]:
    """The files that are worth parsing of a tree."""
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    return {os.path.relpath(path).replace(os.sep, "/") for path in run.Workspace.at(["."], Settings()).candidates()}


@pytest.mark.parametrize(
    "line",
    [
        "import tasks",
        "import os, tasks as t",
        "from tasks import load",
        "from . import tasks",
        "from .tasks import load",
        "from . import (\n    other,\n    tasks,\n)",
        "from . import (\n    tasks as t, other\n)",
        "try:\n    from tasks import load\nexcept ImportError:\n    pass",
        "x = 1; from . import (\n    tasks\n)",
    ],
)
def test_file_that_imports_one_that_mentions_prefect_is_worth_it(line: str) -> None:
    files = {
        "tasks.py": "import prefect\n",
        "other.py": "",
        "a.py": f"{line}\n",
        "b.py": "import a\n",
        "c.py": "import os\n",
    }
    assert wanted(files) == {"tasks.py", "a.py", "b.py"}


@pytest.mark.parametrize(
    "line", ["import tasks2", "import os  # tasks", "from os import tasks", "tasks = 1", '"tasks"', ""]
)
def test_file_that_imports_none_is_not(line: str) -> None:
    assert wanted({"tasks.py": "import prefect\n", "a.py": f"{line}\n", "b.py": "import a\n"}) == {"tasks.py"}


def test_long_chain_of_imports_is_followed_to_its_end(reads: Counter[str]) -> None:
    files = {f"m{n}.py": f"import m{n + 1}\n" for n in range(300)}
    assert len(wanted({**files, "m300.py": "import prefect\n"})) == 301
    assert max(reads.values()) == 2


def test_modules_of_one_name_are_told_apart(reads: Counter[str]) -> None:
    files = {f"p{n}/utils.py": "import prefect\n" if n == 3 else "" for n in range(40)}
    files.update({f"p{n}/main.py": "from . import utils\n" for n in range(40)})
    files.update({f"p{n}/__init__.py": "" for n in range(40)})
    assert wanted(files) == {"p3/utils.py", "p3/main.py"}
    assert max(reads.values()) == 2


def test_bytes_that_are_no_text_are_passed_over() -> None:
    Path("a.py").write_bytes(b"from tasks import \xff\xfe\n\x00import tasks")
    Path("b.py").write_bytes(b"from tasks import (\xff")
    Path("tasks.py").write_bytes(b"import prefect")
    names: Iterator[str] = (path.name for path in Path().glob("*.py"))
    paths = sorted(map(os.path.abspath, names))
    found = candidates.worth_parsing(paths, run.read, run.Workspace(paths).project.imported_files)
    assert sorted(map(os.path.basename, found)) == ["a.py", "b.py", "tasks.py"]
