"""The user's own copy of `compat`: making it, its stamp, and whether it is current; and where the installed one is.

`compat` is the distribution prefect-migrator-compat. It is never imported here: its import imports Prefect.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Optional

import migrator

DISTRIBUTION = "prefect-migrator-compat"
STAMP = "VENDORED.txt"
"""The file of a copy that says what it is a copy of, with the digest of each file as it was copied."""

_SIGNS = ("__init__.py", "_fan_out.py", "_version.py")
"""Files that tell this `compat` from other packages of that name."""

_HEAD = """\
A copy of the package `compat`, made by `migrator vendor`. Do not edit it.
`migrator vendor --check` says whether it is current; `migrator vendor` brings it up to date.

Name: {name}
Version: {version}
Origin: https://pypi.org/project/{name}/{version}/
License: Apache-2.0; the text is in LICENSE

SHA-256 of each file, with line feeds as its line ends:
"""


@dataclass(frozen=True)
class Vendored:
    """Where the copy is, under which name it is imported, and whether anything was written."""

    path: str
    module: str
    changed: bool


@dataclass(frozen=True)
class Copy:
    """How a copy differs from this version's `compat`; the names are those of its files."""

    path: str
    version: Optional[str]
    """What its stamp says; None without a stamp that can be read."""
    missing: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    """Neither this version's nor as they were copied."""
    outdated: tuple[str, ...] = ()
    """As they were copied, and not this version's."""
    left_over: tuple[str, ...] = ()
    """As they were copied, and this version has no such file."""
    foreign: tuple[str, ...] = ()
    """Not of `compat`, as far as the stamp tells."""

    @property
    def current(self) -> bool:
        """Whether it is what `vendor_compat` would make."""
        differing = self.missing or self.edited or self.outdated or self.left_over
        return self.version == migrator.__version__ and not differing

    @property
    def newer(self) -> bool:
        """Whether a later version than this one has made it."""
        from packaging.version import InvalidVersion, Version

        try:
            return self.version is not None and Version(self.version) > Version(migrator.__version__)
        except InvalidVersion:
            return False

    @property
    def precious(self) -> bool:
        """Whether to write it anew would lose something: edits, a later version, or files that may be another package's."""
        return bool(self.edited) or self.newer or (self.version is None and bool(self.foreign))


def vendor_compat(dest: str, *, force: bool = False) -> Vendored:
    """Copies `compat` to `dest`, or to `dest/compat` where `dest` is a directory of other things already.

    An older copy that nobody has edited is brought up to date. With `force` any file of `compat` there is overwritten.
    Files that are not of `compat` are never removed. Raises FileExistsError where something would be lost without `force`,
    FileNotFoundError where `compat` is not installed, and OSError where a file cannot be written.
    """
    from migrator.reports.output import write_file

    files = compat_files()
    target = dest if is_copy(dest) or not os.path.isdir(dest) else os.path.join(dest, "compat")
    if os.path.lexists(target) and not os.path.isdir(target):
        raise FileExistsError(f"{target} is there already and is no directory")
    copy = compare(target, files)
    if copy.precious and not force:
        differing = f"is of the later version {copy.version}" if copy.newer else "differs"
        raise FileExistsError(f"{target} is there already and {differing}; `--force` overwrites it")
    for name in (*copy.missing, *copy.edited, *copy.outdated):
        if name in files:
            path = os.path.join(target, *name.split("/"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_file(path, files[name])
    for name in copy.left_over:
        os.remove(os.path.join(target, *name.split("/")))
    if not copy.current:
        write_file(os.path.join(target, STAMP), stamp(files).encode())
    return Vendored(target, module_name(os.path.abspath(target)), not copy.current)


def check_copy(dest: str) -> Copy:
    """The copy in `dest`, or in `dest/compat`, and how it differs.

    Raises FileNotFoundError or NotADirectoryError where there is no copy, or where `compat` itself is not installed.
    """
    if not os.path.lexists(dest):
        raise FileNotFoundError(f"{dest} is not there")
    if not os.path.isdir(dest):
        raise NotADirectoryError(f"{dest} is no directory")
    for place in (dest, os.path.join(dest, "compat")):
        if is_copy(place):
            return compare(place, compat_files())
    raise FileNotFoundError(f"{dest} has no copy of `compat`; `migrator vendor {dest}` makes one")


def differences(copy: Copy) -> list[str]:
    """What to say of a copy that is not current, a line each, the command that mends it last."""
    lines = [f"{os.path.join(copy.path, name)} {what}." for name, what in _differing(copy)]
    if copy.version is None:
        lines.append(f"{os.path.join(copy.path, STAMP)} does not say of which version the copy is.")
    elif copy.version != migrator.__version__:
        lines.append(f"{copy.path} is of version {copy.version}; this is {migrator.__version__}.")
    if copy.newer:
        return [*lines, "Upgrade prefect-migrator, which is older than the copy."]
    return [*lines, f"To bring it up to date: migrator vendor {copy.path}{' --force' if copy.precious else ''}"]


def _differing(copy: Copy) -> Iterator[tuple[str, str]]:
    stamped = copy.version is not None
    yield from ((name, "is missing") for name in copy.missing)
    yield from ((name, "was edited" if stamped else "differs") for name in copy.edited)
    yield from ((name, "is not this version's") for name in copy.outdated)
    yield from ((name, "is of an older version") for name in copy.left_over)


def compare(directory: str, files: Mapping[str, bytes]) -> Copy:
    """How the files in a directory differ from these files of `compat`; line ends do not count."""
    present = {name: digest(data) for name, data in read_files(directory).items()}
    has_stamp = present.pop(STAMP, None) is not None
    version, stamped = _stamped(directory) if has_stamp else (None, {})
    wanted = {name: digest(data) for name, data in files.items()}
    differing = [name for name in wanted if name in present and present[name] != wanted[name]]
    gone = [name for name in stamped if name in present and name not in wanted]
    return Copy(
        directory,
        version,
        missing=tuple(name for name in wanted if name not in present),
        edited=(
            *(name for name in differing if present[name] != stamped.get(name)),
            *(name for name in gone if present[name] != stamped[name]),
        ),
        outdated=tuple(name for name in differing if present[name] == stamped.get(name)),
        left_over=tuple(name for name in gone if present[name] == stamped[name]),
        foreign=tuple(name for name in present if name not in wanted and name not in stamped),
    )


def stamp(files: Mapping[str, bytes]) -> str:
    """The text of the stamp of a copy of these files."""
    rows = (f"{digest(data)}  {name}\n" for name, data in sorted(files.items()))
    return _HEAD.format(name=DISTRIBUTION, version=migrator.__version__) + "".join(rows)


def _stamped(directory: str) -> tuple[Optional[str], dict[str, str]]:
    """The version and the digests that the stamp of a copy has; None and none where it cannot be read."""
    with open(os.path.join(directory, STAMP), encoding="utf-8", errors="replace") as file:
        text = file.read()
    version = re.search(r"^Version: (\S+)$", text, re.M)
    if version is None:
        return None, {}
    return version[1], {name: digits for digits, name in re.findall(r"^([0-9a-f]{64})  (.+)$", text, re.M)}


def is_copy(directory: str) -> bool:
    """Whether a directory is a copy of `compat`: it has a stamp, or, made before there were stamps, the files that tell."""
    return os.path.isfile(os.path.join(directory, STAMP)) or is_compat(directory)


def is_compat(directory: str) -> bool:
    """Whether a directory has this `compat`, and not another package of that name."""
    return all(os.path.isfile(os.path.join(directory, name)) for name in _SIGNS)


def compat_files() -> dict[str, bytes]:
    """The files of the installed `compat` that a copy has. Raises FileNotFoundError where it is not installed."""
    return {name: data for name, data in read_files(compat_directory()).items() if _belongs(name)}


def _belongs(name: str) -> bool:
    """A clone has what describes the distribution beside the code."""
    return name.endswith((".py", ".pyi", "py.typed")) or name == "LICENSE"


def compat_directory() -> str:
    """The directory of the installed `compat`: a clone's, or that of the installed distribution.

    A package of the same name in the current directory is never meant. Raises FileNotFoundError where it is not installed,
    or where its files are gone.
    """
    beside = _beside()
    if is_compat(beside):
        return beside
    listed = _listed()
    if listed is None:
        raise FileNotFoundError(f"`compat` is not installed beside `migrator`: `pip install {DISTRIBUTION}`")
    for directory in listed:
        if is_compat(directory):
            return directory
    raise FileNotFoundError(_gone())


def lost_files() -> Optional[str]:
    """What to say where prefect-migrator-compat is listed as installed and its files are gone; None where all is well.

    pip does that to whoever installs over a prefect-migrator that had `compat` itself: it installs the new owner of the
    files, and then removes those of the old owner (pip 23.2; uv removes first). It costs a look at three files.
    """
    if is_compat(_beside()):
        return None
    listed = _listed()
    return None if listed is None or any(map(is_compat, listed)) else _gone()


def _gone() -> str:
    return (
        f"the files of {DISTRIBUTION} are gone, as pip leaves it over an older prefect-migrator: "
        f"`pip uninstall prefect-migrator {DISTRIBUTION}`, then install again"
    )


def _beside() -> str:
    return os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(migrator.__file__))), "compat")


def _listed() -> Optional[list[str]]:
    """Where the installed distribution says that `compat` is; None where it is not installed.

    That of an editable install is the directory that it was made of (PEP 610).
    """
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        found = distribution(DISTRIBUTION)
    except PackageNotFoundError:
        return None
    places = [str(found.locate_file("compat"))]
    direct = found.read_text("direct_url.json")
    if direct:
        import json
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        told = json.loads(direct)
        if told.get("dir_info", {}).get("editable"):
            places.append(url2pathname(urlsplit(told["url"]).path))
    return places


def read_files(directory: str) -> dict[str, bytes]:
    """The files below a directory by their names, with `/` between the parts, without hidden ones and what Python compiled."""
    found = {}
    for parent, directories, names in os.walk(directory):
        directories[:] = sorted(name for name in directories if name != "__pycache__" and not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith(".pyc"):
                path = os.path.join(parent, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, directory).replace(os.sep, "/")] = file.read()
    return found


def digest(data: bytes) -> str:
    """The SHA-256 of a text file's bytes, whatever line ends git gave it."""
    import hashlib

    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def module_name(path: str) -> str:
    """The dotted name of a package, as far up as the directories are packages."""
    parts = [os.path.basename(path)]
    parent = os.path.dirname(path)
    while os.path.isfile(os.path.join(parent, "__init__.py")):
        parts.insert(0, os.path.basename(parent))
        parent = os.path.dirname(parent)
    return ".".join(parts)
