"""Makes the data anew: `python -m migrator.knowledge.generate [VERSION ...]`.

A VERSION that is new (a Prefect that has just been released) first gets a lock file; it takes the place of an older patch of
its minor. Needs griffe and uv (`pip install -e '.[generate]'`) and a few minutes: every release is installed, read and imported.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from migrator.knowledge.generate import merge, probe, static, text
from migrator.knowledge.generate.environments import LOCKS, cache_directory, installed, number, releases, uv
from migrator.knowledge.generate.successors import successors

HERE = Path(__file__).parent
TEXT = HERE / "api.txt"
PACKED = HERE.parent / "api.txt.gz"
DISAGREEMENTS = HERE / "disagreements.txt"
INTEGRATIONS = [
    "aws",
    "azure",
    "bitbucket",
    "dask",
    "databricks",
    "dbt",
    "docker",
    "email",
    "gcp",
    "github",
    "gitlab",
    "kubernetes",
    "ray",
    "shell",
    "slack",
    "snowflake",
    "sqlalchemy",
]
PREFECT_1 = "1.4.1"
"""The last release of Prefect 1: its source is read, to know code that was never moved to 2."""


def main(new: Sequence[str]) -> None:
    started = time.monotonic()
    for version in new:
        lock(version)
    versions = releases()
    pairs = sorted(
        (path.stem for path in LOCKS.glob("integrations-*.txt")), key=lambda name: number(name.rpartition("-")[2])
    )
    labels = [".".join(version.split(".")[:2]) for version in versions]
    parts, disagreements = [], []
    api, lines, problems = _described(["prefect"], versions, labels)
    parts += [f"%prefect {' '.join(map('='.join, zip(labels, versions)))}", *lines]
    disagreements += problems
    own = {line.split(" ")[0][1:] for line in lines if line.startswith("@")}
    for name in INTEGRATIONS:
        numbers = [_version_of(f"prefect-{name}", pair) for pair in pairs]
        parts.append(f"%prefect_{name} 2={numbers[0]} 3={numbers[1]}")
    _, lines, problems = _described([f"prefect_{name}" for name in INTEGRATIONS], pairs, ["2", "3"])
    parts += lines
    disagreements += problems
    parts += _prefect_1(own, api)
    whole = "\n".join(
        [
            "# Made by `python -m migrator.knowledge.generate`; the form is told in migrator/knowledge/api.py.",
            *parts,
            "",
        ]
    )
    TEXT.write_text(whole)
    PACKED.write_bytes(gzip.compress(whole.encode(), 9, mtime=0))
    DISAGREEMENTS.write_text("\n".join([_HEADING, *_grouped(disagreements), ""]))
    print(
        f"{len(whole):,} bytes, packed {PACKED.stat().st_size:,}; {len(disagreements)} disagreements; {time.monotonic() - started:.0f} s"
    )


_HEADING = "# Where the source of a release says one thing and its import another. The import wins."


def _grouped(disagreements: Sequence[str]) -> Iterator[str]:
    """Each disagreement once, with the releases that have it."""
    found: dict[str, list[str]] = {}
    for line in disagreements:
        release, _, what = line.partition(" ")
        found.setdefault(what, []).insert(0, release)
    return (f"{what} ({', '.join(which)})" for what, which in sorted(found.items()))


def lock(version: str) -> None:
    """Writes the lock file of a release: the set of packages that resolves today. The lock of an older patch goes away."""
    minor = version.split(".")[:2]
    resolved = subprocess.run(
        [str(uv()), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python-version", "3.11", "-"],
        input=f"prefect=={version}",
        capture_output=True,
        text=True,
    )
    if resolved.returncode:
        raise SystemExit(f"prefect {version} cannot be installed here:\n{resolved.stderr}")
    for old in releases():
        if old.split(".")[:2] == minor:
            (LOCKS / f"{old}.txt").unlink()
    (LOCKS / f"{version}.txt").write_text(resolved.stdout)


def _described(
    packages: Sequence[str], environments: Sequence[str], labels: Sequence[str]
) -> tuple[merge.Api, list[str], list[str]]:
    """What some packages are in a row of environments: the facts, their lines, and where source and import disagree."""
    roots = frozenset(["prefect", *(f"prefect_{name}" for name in INTEGRATIONS)])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        pythons = list(pool.map(installed, environments))
        looked = list(pool.map(lambda at: _looked(packages, environments[at], pythons[at]), range(len(pythons))))
        sources = list(pool.map(lambda at: _read(packages, environments[at], pythons[at]), range(len(pythons))))
        api = merge.merge(environments, looked, sources, roots)
        for _ in range(2):
            asked = [merge.questions(api, at, looked[at]) for at in range(len(pythons))]
            answers = list(
                pool.map(lambda at, asked=asked: _ask(asked[at], environments[at], pythons[at]), range(len(pythons)))
            )
            for at, answer in enumerate(answers):
                merge.add_answers(api, at, answer, roots)
    return api, list(text.lines(api, labels, successors(api))), api.disagreements


def _looked(packages: Sequence[str], environment: str, python: Path) -> Any:
    return _kept(("look", *packages), environment, lambda: _run(python, ["look", *packages], ""))


def _ask(questions: Any, environment: str, python: Path) -> Any:
    asked = json.dumps(questions)
    return _kept(("ask", asked), environment, lambda: _run(python, ["ask"], asked))


def _read(packages: Sequence[str], environment: str, python: Path) -> Any:
    site_packages = next(python.parent.parent.glob("lib/python3.*/site-packages"))
    program = "import json, sys; from pathlib import Path; from migrator.knowledge.generate import static; json.dump(static.read(sys.argv[2:], Path(sys.argv[1])), sys.stdout)"
    command = [sys.executable, "-c", program, str(site_packages), *packages]
    return _kept(
        ("read", *packages),
        environment,
        lambda: subprocess.run(command, check=True, capture_output=True, text=True).stdout,
    )


def _run(python: Path, arguments: Sequence[str], given: str) -> str:
    with tempfile.TemporaryDirectory() as home:
        variables = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "PYTHON"))}
        variables.update(PREFECT_HOME=home, DO_NOT_TRACK="1", PYTHONDONTWRITEBYTECODE="1", PYTHONHASHSEED="0")
        command = [str(python), probe.__file__, *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, env=variables, timeout=900)
    if not done.stdout:
        raise RuntimeError(f"{python}: {done.stderr[-2000:]}")
    return done.stdout


def _kept(question: Sequence[str], environment: str, answer: Any) -> Any:
    """An answer that does not change as long as the environment and the programs that ask are the same."""
    program = static if question[0] == "read" else probe
    whole = "\0".join([Path(str(program.__file__)).read_text(), (LOCKS / f"{environment}.txt").read_text(), *question])
    path = cache_directory() / "answers" / f"{hashlib.sha256(whole.encode()).hexdigest()[:32]}.json.gz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(answer().encode(), 1))
    return json.loads(gzip.decompress(path.read_bytes()))


def _version_of(distribution: str, environment: str) -> str:
    for line in (LOCKS / f"{environment}.txt").read_text().splitlines():
        name, _, version = line.partition("==")
        if name.partition("[")[0] == distribution:
            return version.split()[0]
    raise SystemExit(f"{environment}.txt has no {distribution}")


def _prefect_1(modules: set[str], api: merge.Api) -> Iterator[str]:
    """The modules of Prefect 1 with the names that no later release has at that place, read from the source of its last release."""
    folder = cache_directory() / f"prefect-{PREFECT_1}"
    if not folder.exists():
        subprocess.run(
            [str(uv()), "pip", "install", "--quiet", "--no-deps", "--target", str(folder), f"prefect=={PREFECT_1}"],
            check=True,
        )
    for module, names in sorted(static.read(["prefect"], folder)["modules"].items()):
        known = api.names.get(module, {})
        alone = sorted(name for name in names if name not in known and f"{module}.{name}" not in modules)
        if alone and not module.startswith(("prefect._", "prefect.cli")):
            yield " ".join([f"&{module}", *alone])


if __name__ == "__main__":
    main(sys.argv[1:])
