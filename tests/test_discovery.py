from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from migrator.discovery import SKIPPED, MissingPathError, PatternError, discover

with_links = pytest.mark.skipif(os.name != "posix", reason="symbolic links need a privilege elsewhere")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that is the current directory."""
    directory = tmp_path / "project"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def touch(*names: str) -> None:
    write(dict.fromkeys(names, ""))


def found(*paths: str, exclude: tuple[str, ...] = (), gitignore: bool = True) -> list[str]:
    return [
        path.replace(os.sep, "/") for path in discover(paths or ["."], exclude=exclude, respect_gitignore=gitignore)
    ]


# -- what is found


def test_python_files_are_found_in_the_order_of_their_parts() -> None:
    touch("b.py", "a/z.pyi", "a/b/c.py", "a.py", "a-b/x.py", "readme.txt", "a/data.pyc", "a/py", "x.py.txt")
    assert found() == ["a/b/c.py", "a/z.pyi", "a-b/x.py", "a.py", "b.py"]


def test_empty_directory_has_nothing() -> None:
    assert found() == []


def test_names_begin_with_the_path_as_given(project: Path) -> None:
    touch("src/a.py")
    absolute = str(project / "src")
    assert found("src") == found("./src") == found("src/") == found(".//src//") == ["src/a.py"]
    assert found(absolute) == found(absolute + "/") == [f"{absolute}/a.py".replace(os.sep, "/")]
    assert found("../project/src") == ["../project/src/a.py"]


def test_file_that_is_named_is_found_whatever_it_is() -> None:
    write({".gitignore": "ignored.py\n*.txt\n"})
    touch("ignored.py", "notes.txt", "script", ".venv/lib/site-packages/x.py")
    named = ["ignored.py", "notes.txt", "script", ".venv/lib/site-packages/x.py"]
    assert found(*named, exclude=("ignored.py", "script")) == sorted(named)


def test_directory_that_is_named_is_entered_whatever_it_is() -> None:
    write({".git/HEAD": "", ".gitignore": "build/\nsecret.py\n", "venv/pyvenv.cfg": ""})
    touch("build/lib/a.py", "build/secret.py", "node_modules/tool/b.py", "venv/bin/c.py")
    assert found() == []
    assert found("build") == ["build/lib/a.py", "build/secret.py"]
    assert found("node_modules", "venv") == ["node_modules/tool/b.py", "venv/bin/c.py"]


def test_each_file_is_found_once_for_paths_that_overlap() -> None:
    touch("src/a.py", "src/pkg/b.py")
    assert found("src/pkg", ".", "src", "./src/a.py", "src/a.py") == ["src/a.py", "src/pkg/b.py"]


def test_skipped_directories_are_never_entered() -> None:
    for name in SKIPPED:
        touch(f"{name}/a.py", f"src/{name}/b.py", f"x{name}/kept.py")
    assert found(gitignore=False) == sorted(f"x{name}/kept.py" for name in SKIPPED)


def test_file_with_the_name_of_a_skipped_directory_is_found() -> None:
    touch("venv.py", ".venv.py")
    assert found() == [".venv.py", "venv.py"]


def test_virtual_environment_is_known_by_its_file() -> None:
    write({"env311/pyvenv.cfg": "home = /usr\n", "env311/lib/x.py": "", "env/x.py": ""})
    assert found() == ["env/x.py"]


@pytest.mark.parametrize("directory", ["build", "dist", ".github", ".hidden"])
def test_other_directories_are_entered_unless_git_ignores_them(directory: str) -> None:
    touch(f"{directory}/a.py")
    assert found() == [f"{directory}/a.py"]
    write({".gitignore": f"{directory}/\n"})
    assert found() == []
    assert found(gitignore=False) == [f"{directory}/a.py"]


@pytest.mark.parametrize("name", ["missing", "missing/a.py", "a.py/b.py", ""])
def test_missing_path_is_named(name: str) -> None:
    touch("a.py")
    with pytest.raises(MissingPathError, match="no such file or directory") as caught:
        discover(["a.py", name])
    assert isinstance(caught.value, FileNotFoundError)
    assert caught.value.filename == name
    assert str(caught.value) == f"{name}: no such file or directory"


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_unreadable_directory_is_reported_and_the_rest_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    touch("a/x.py", "b/x.py", "c/x.py")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if os.path.basename(path) == "b":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    reported: list[tuple[str, str]] = []
    files = discover(["."], on_error=lambda path, error: reported.append((path, str(error.strerror))))
    assert list(files) == ["a/x.py", "c/x.py"]
    assert reported == [("./b", "Permission denied")]
    with pytest.raises(PermissionError):
        discover(["."])


# -- links


def outside(*paths: str, **options: Any) -> list[str]:
    """The links that lead outside of the paths."""
    told: list[str] = []
    discover(paths or ["."], on_outside=told.append, **options)
    return [link.replace(os.sep, "/") for link in told]


@with_links
def test_loop_of_links_ends() -> None:
    touch("a/x.py", "b/y.py")
    os.symlink("..", "a/up")
    os.symlink(".", "a/self")
    os.symlink("../b", "a/b")
    os.symlink("../a", "b/a")
    os.symlink("knot", "knot")
    assert found() == [path.replace(os.sep, "/") for path in discover(["."], follow=True)] == ["a/x.py", "b/y.py"]
    assert outside() == []
    assert (found("a"), outside("a")) == (["a/x.py"], ["a/b", "a/up"])
    assert list(discover(["a"], follow=True)) == [os.path.join("a", "b", "y.py"), os.path.join("a", "x.py")]


@with_links
def test_link_to_a_directory_above_is_not_followed(project: Path) -> None:
    touch("../other/x.py", "src/a.py")
    os.symlink(project.parent, "src/everything")
    assert (found("src"), outside("src")) == (["src/a.py"], ["src/everything"])
    assert list(discover(["src"], follow=True)) == [os.path.join("src", "a.py")]


@with_links
def test_what_has_a_name_without_links_has_that_name() -> None:
    touch("z/x.py")
    os.symlink("z", "a")
    os.symlink("z/x.py", "b.py")
    assert found() == found("b.py", ".") == found("a", ".") == found("a", "b.py", ".") == ["z/x.py"]
    assert found("a") == ["a/x.py"]
    assert found("b.py") == ["b.py"]
    assert outside() == outside("a", "b.py") == []


@with_links
def test_link_that_leads_outside_is_not_followed_and_told() -> None:
    touch("../elsewhere/pkg/x.py", "../elsewhere/y.py", "own.py")
    os.symlink("../elsewhere", "second")
    os.symlink("../elsewhere/pkg", "first")
    os.symlink("../elsewhere/y.py", "third.py")
    assert (found(), outside()) == (["own.py"], ["first", "second", "third.py"])
    assert list(discover(["."], follow=True)) == [
        os.path.join("first", "x.py"),
        "own.py",
        os.path.join("second", "y.py"),
    ]


@with_links
def test_link_that_is_named_itself_is_followed() -> None:
    touch("../elsewhere/pkg/x.py", "../elsewhere/y.py", "own.py")
    os.symlink("../elsewhere/pkg", "folder")
    os.symlink("../elsewhere/y.py", "file.py")
    assert found("folder") == ["folder/x.py"]
    assert found("file.py") == ["file.py"]
    assert found(".", "file.py", "folder") == ["file.py", "folder/x.py", "own.py"]
    assert outside(".", "file.py") == ["folder"]
    assert outside(".", "file.py", "folder") == []


@with_links
def test_link_into_another_path_is_found_there() -> None:
    touch("a/x.py", "b/deep/y.py")
    os.symlink("../b/deep", "a/link")
    os.symlink("../b/deep/y.py", "a/y.py")
    assert (found("a", "b"), outside("a", "b")) == (["a/x.py", "b/deep/y.py"], [])
    assert (found("a", "b/deep/y.py"), outside("a", "b/deep/y.py")) == (["a/x.py", "b/deep/y.py"], ["a/link"])
    assert (found("a"), outside("a")) == (["a/x.py"], ["a/link", "a/y.py"])


@with_links
@pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b", "a"), ("a/b", "a", "a/b/x.py")])
def test_path_inside_of_another_one_changes_nothing_of_its_links(paths: tuple[str, ...]) -> None:
    touch("a/b/x.py", "a/y.py", "outside.py")
    os.symlink("../y.py", "a/b/y.py")
    os.symlink("../../outside.py", "a/b/z.py")
    assert (found(*paths), outside(*paths)) == (["a/b/x.py", "a/y.py"], ["a/b/z.py"])


@with_links
def test_what_is_left_out_is_not_reached_by_a_link_either() -> None:
    write({".git/HEAD": "", ".gitignore": "ignored/\n"})
    touch("excluded/a.py", "ignored/b.py", ".venv/lib/c.py", "excluded/run", "own.py")
    os.symlink("excluded", "first")
    os.symlink("ignored/b.py", "second.py")
    os.symlink("../.venv/lib", "ignored/third")
    os.symlink(".venv/lib", "fourth")
    os.symlink("excluded/run", "run.py")
    assert found(exclude=("excluded",)) == ["own.py"]
    assert outside(exclude=("excluded",)) == []


@with_links
def test_excluded_link_is_not_told() -> None:
    touch("../elsewhere/x.py", "own.py", "data/own.py")
    os.symlink("../elsewhere", "shared")
    os.symlink("../../elsewhere", "data/more")
    assert outside(exclude=("shared", "data")) == []
    assert outside(exclude=("data",)) == ["shared"]


@with_links
def test_link_to_what_is_not_read_is_not_told() -> None:
    touch("../elsewhere/logo.png")
    os.symlink("../elsewhere/logo.png", "logo.png")
    os.symlink("../nowhere", "gone")
    os.symlink("../nowhere.py", "gone.py")
    assert (found(), outside()) == ([], [])


@with_links
def test_link_gives_a_name_to_what_has_none_of_a_known_kind() -> None:
    write({".git/HEAD": "", ".gitignore": "hidden\n"})
    touch("run", "hidden", "prefect.tmpl")
    os.symlink("run", "run.py")
    os.symlink("run", "second.py")
    os.symlink("hidden", "hidden.py")
    os.symlink("prefect.tmpl", "prefect.yaml")
    assert found() == ["prefect.yaml", "run.py"]


@with_links
def test_broken_links_are_passed_over_unless_named() -> None:
    touch("a.py")
    os.symlink("nobody@host.1234", ".#a.py")
    assert found() == ["a.py"]
    with pytest.raises(MissingPathError, match="a symbolic link to nothing"):
        discover([".#a.py"])


@with_links
def test_pipe_is_passed_over() -> None:
    os.mkfifo("pipe.py")
    assert found() == []


@with_links
def test_hard_links_are_files_of_their_own() -> None:
    touch("a.py")
    os.link("a.py", "b.py")
    assert found() == ["a.py", "b.py"]


# -- git's rules


def test_nested_rules_with_negation() -> None:
    write(
        {
            ".gitignore": "*.py\n!keep.py\n!/src/\n",
            "src/.gitignore": "!*.py\n/generated/\n",
            "src/deep/.gitignore": "keep.py\n",
        }
    )
    touch("a.py", "keep.py", "lib/a.py", "lib/keep.py")
    touch("src/a.py", "src/deep/a.py", "src/deep/keep.py", "src/generated/a.py", "src/deep/generated/b.py")
    assert found() == ["keep.py", "lib/keep.py", "src/a.py", "src/deep/a.py", "src/deep/generated/b.py"]


def test_nothing_is_taken_back_from_an_ignored_directory() -> None:
    write({".gitignore": "data/\n!data/keep.py\n", "data/.gitignore": "!*\n"})
    touch("data/keep.py", "src/data/keep.py", "a.py")
    assert found() == ["a.py"]


def test_list_of_what_is_not_ignored_still_ignores_below_it() -> None:
    write({".gitignore": "node_module/\nfoo*\n/*\n!/src/\n!foo_kept/\n"})
    touch("a.py", "lib/a.py", "src/a.py", "src/node_module/b.py", "src/foo.py", "src/foo_kept/c.py")
    assert found() == ["src/a.py", "src/foo_kept/c.py"]


@pytest.mark.parametrize("below", ["src/pkg", "src"])
def test_rules_above_count_up_to_the_root_of_the_repository(below: str) -> None:
    write({".git/info/exclude": "private_*\n", ".gitignore": "/src/pkg/a.py\n", "src/.gitignore": "b.py\n"})
    write({"../.gitignore": "*.py\n"})
    touch("src/pkg/a.py", "src/pkg/b.py", "src/pkg/c.py", "src/pkg/private_x.py", "src/pkg/private_/y.py")
    assert found(below) == found() == ["src/pkg/c.py"]


def test_rules_above_do_not_count_outside_of_a_repository() -> None:
    write({".gitignore": "a.py\n", "src/.gitignore": "b.py\n"})
    touch("src/a.py", "src/b.py", "src/c.py")
    assert found("src") == ["src/a.py", "src/c.py"]
    assert found() == ["src/c.py"]


def test_repository_inside_another_has_its_own_rules() -> None:
    write({".git/HEAD": "", ".gitignore": "a.py\n", "vendor/x/.git/info/exclude": "b.py\n"})
    touch("a.py", "vendor/a.py", "vendor/x/a.py", "vendor/x/b.py", "vendor/x/c.py")
    assert found() == ["vendor/x/a.py", "vendor/x/c.py"]
    assert found("vendor/x") == ["vendor/x/a.py", "vendor/x/c.py"]


def test_worktree_has_the_excludes_of_its_repository() -> None:
    write({"../main/.git/info/exclude": "a.py\n", "../main/.git/worktrees/w/commondir": "../..\n"})
    write({".git": "gitdir: ../main/.git/worktrees/w\n"})
    touch("a.py", "b.py")
    assert found() == ["b.py"]


def test_lines_that_mean_nothing_are_passed_over() -> None:
    write({".gitignore": "\ufeff# comment\r\n\r\n!\r\n/\r\n[\r\na.py   \r\n\\#b.py\r\n\\!c.py\r\n***/[z-a]\r\n"})
    touch("a.py", "#b.py", "!c.py", "d.py")
    assert found() == ["d.py"]


def test_rules_that_cannot_be_read_are_reported() -> None:
    touch("a.py")
    os.mkdir(".gitignore")
    reported: list[str] = []
    assert list(discover(["."], on_error=lambda path, error: reported.append(os.path.basename(path)))) == ["a.py"]
    assert reported == [".gitignore"]


NAMES = ["a", "b", "foo", "foo_x", "src", "build", "x.d"]
FILES = ["a.py", "b.py", "foo.py", "x.pyi", "foo_x.py"]
PARTS = [
    *NAMES,
    *FILES,
    "**",
    "*",
    "**",
    "foo*",
    "?",
    "[ab]",
    "[[:alpha:]]",
    "[^]a-]",
    "[z-a]",
    "[a",
    "a\\",
    "*.py",
    "*.py[ic]",
    "[!a]",
    "*.d",
    "f?o",
    "\\a",
    "*_x*",
]


def any_line(chance: random.Random) -> str:
    line = "/".join(chance.choice(PARTS) for _ in range(chance.choice([1, 1, 1, 2, 2, 3])))
    return "".join(
        [
            chance.choice(["", "", "!"]),
            chance.choice(["", "", "", "/"]),
            line,
            chance.choice(["", "", "/"]),
            chance.choice(["", "", "", " "]),
        ]
    )


@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git")
@pytest.mark.parametrize("seed", range(40))
def test_what_git_ignores_is_ignored(seed: int) -> None:
    chance = random.Random(seed)
    subprocess.run(["git", "init", "-q"], check=True)
    directories = ["."]
    for _ in range(chance.randint(3, 10)):
        directories.append(f"{chance.choice(directories)}/{chance.choice(NAMES)}")
    for directory in directories:
        touch(*(f"{directory}/{name}" for name in chance.sample(FILES, 3)))
    places = chance.sample(directories, min(3, len(directories)))
    rules = {
        f"{place}/.gitignore": "\n".join(any_line(chance) for _ in range(chance.randint(1, 5))) for place in places
    }
    rules[".git/info/exclude"] = any_line(chance)
    write(rules)
    command = ["git", "-c", "core.excludesFile=", "ls-files", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    assert found() == sorted(
        (name for name in listed if name.endswith((".py", ".pyi"))), key=lambda name: name.split("/")
    ), rules


# -- exclude


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("tests", ["src/a.py", "src/old_a.py"]),
        ("tests/", ["src/a.py", "src/old_a.py"]),
        ("/tests", ["src/a.py", "src/old_a.py", "src/tests/b.py"]),
        ("./tests", ["src/a.py", "src/old_a.py", "src/tests/b.py"]),
        ("src/tests", ["src/a.py", "src/old_a.py", "tests/c.py", "tests/old_d.py"]),
        ("src/tests/b.py", ["src/a.py", "src/old_a.py", "tests/c.py", "tests/old_d.py"]),
        ("old_*.py", ["src/a.py", "src/tests/b.py", "tests/c.py"]),
        ("src/**", ["tests/c.py", "tests/old_d.py"]),
        ("*.txt", ["src/a.py", "src/old_a.py", "src/tests/b.py", "tests/c.py", "tests/old_d.py"]),
    ],
)
def test_excluded_patterns_are_those_of_gitignore(pattern: str, left: list[str]) -> None:
    touch("src/a.py", "src/old_a.py", "src/tests/b.py", "tests/c.py", "tests/old_d.py")
    assert found(exclude=(pattern,)) == left
    assert found("src", "tests", exclude=(pattern,)) == left


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("[ab].py", ["a.py", "b.py"]),
        ("[!ab].py", ["!.py", "].py"]),
        ("[^a-b].py", ["!.py", "].py"]),
        ("[]a].py", ["].py", "a.py"]),
        ("[[:alpha:]]*.py", ["a.py", "ab.py", "b.py"]),
        ("[z-a].py", []),
        ("?b.py", ["ab.py"]),
        (r"\a.py", ["a.py"]),
        (r"\!.py", ["!.py"]),
        ("**/a.py", ["a.py"]),
        ("a**.py", ["a.py", "ab.py"]),
        ("*.py", ["!.py", "].py", "a.py", "ab.py", "b.py"]),
        ("A.py", []),
    ],
)
def test_wildcards_are_those_of_git(pattern: str, matched: list[str]) -> None:
    names = ["!.py", "].py", "a.py", "ab.py", "b.py"]
    touch(*names)
    assert found(exclude=(pattern,)) == [name for name in names if name not in matched]


def test_later_pattern_takes_an_earlier_one_back() -> None:
    touch("a.py", "b.py")
    assert found(exclude=("*.py", "!b.py")) == ["b.py"]


def test_excluded_is_excluded_whatever_git_says() -> None:
    write({".gitignore": "!a.py\nb.py\n"})
    touch("a.py", "b.py", "c.py")
    assert found(exclude=("a.py", "!b.py")) == ["c.py"]


def test_directory_that_is_named_and_excluded_is_left_out() -> None:
    touch("src/tests/a.py", "src/b.py")
    assert found("src/tests", exclude=("tests",)) == []
    assert found("src/tests", exclude=("src",)) == []
    assert found("src", exclude=("/tests",)) == ["src/b.py", "src/tests/a.py"]


def test_patterns_are_relative_to_the_current_directory_from_above_it(project: Path) -> None:
    touch("a.py", "src/b.py", "../other/src/c.py")
    assert found("..", exclude=("/src",)) == ["../other/src/c.py", "../project/a.py"]
    assert found("../other", exclude=("/src",)) == ["../other/src/c.py"]
    assert found("../other", exclude=("src",)) == []
    assert found(str(project), exclude=("/src",)) == [str(project / "a.py").replace(os.sep, "/")]


def test_patterns_are_relative_to_their_root(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch("src/a.py", "src/legacy/b.py", "src/src/legacy/c.py")
    monkeypatch.chdir("src")
    files = discover(["."], exclude=["src/legacy"], exclude_root=str(project))
    assert [file.replace(os.sep, "/") for file in files] == ["a.py", "src/legacy/c.py"]


@pytest.mark.parametrize("pattern", ["", " ", "!", "/", "# comment", "[a", "a\\", "[[:what:]]"])
def test_pattern_that_means_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match="cannot be read"):
        discover(["."], exclude=["tests", pattern])
