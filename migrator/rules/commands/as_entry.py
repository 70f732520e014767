"""A build as an entry of `prefect.yaml`, and `prefect deploy` of it by its name."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Optional

from migrator.deployments.commands import removed, replaced
from migrator.deployments.options import Given, Line
from migrator.findings import Change
from migrator.rules.base import DocumentContext
from migrator.rules.commands.outcome import ByHand, Outcome, plain_path, renamed_command, value_of

if TYPE_CHECKING:
    from migrator.deployments.entries import Entry


_STAY = frozenset({"--version", "--description", "--tag", "--work-queue", "--pool", "--param", "--params"})
"""Options that `deploy` puts over what the entry says: they may stay where their value is only known when it runs."""


def as_entry(context: DocumentContext, build: Outcome, home: Optional[str], prose: bool) -> None:
    """The deployment as an entry of `prefect.yaml`, and `prefect deploy` of it by its name."""
    command, line = build.command, build.line
    if not prose and home is None and not line.last("ENTRYPOINT").dynamic:  # type: ignore[union-attr]
        raise ByHand("the file of its flow is not found")
    deployment: dict[str, Any] = {}
    staying: list[Given] = []
    for given in line.given:
        if given.dynamic and given.row.spellings[0] in _STAY:
            staying.append(given)
        elif given.dynamic and given.row.spellings[0] not in ("--output",):
            raise ByHand(f"`{given.value}` is only known when it runs")
        else:
            _say(deployment, given, line)
    function = deployment["entrypoint"].rpartition(":")[2]
    edits = renamed_command(command)
    entrypoint = line.last("ENTRYPOINT").words  # type: ignore[union-attr]
    name = line.last("--name")
    assert name is not None
    full = f"{function}/{name.value}"
    keep = {id(word) for given in staying for word in given.words}
    option = name.words[0]
    gone = [word for given in line.given for word in given.words if id(word) not in keep]
    if len(name.words) == 2:
        gone = [word for word in gone if word not in name.words]
        edits.append(replaced(command, name.words[1], full))
    else:
        gone = [word for word in gone if word != option]
        edits.append(replaced(command, option, "-n", full))
    edits += removed(command, *(word for word in gone if word not in entrypoint))
    edits += removed(command, *entrypoint)
    for given in staying:
        if given.row.spellings[0] == "--version" and given.words[0].value == "-v":
            edits.append(replaced(command, given.words[0], "--version"))
    build.edits = edits
    entry = _entry(json.dumps(deployment), context.target.work_pool, not line.all("--skip-upload"))
    build.notes += entry.notes
    if prose:
        build.notes.append(f"`prefect.yaml` has to have the deployment {name.value!r} of `{deployment['entrypoint']}`")
        return
    assert home is not None
    path = os.path.join(home, "prefect.yaml")
    if _has_another(context.read(path) or "", entry):
        raise ByHand(f"{path} has another deployment of this name and flow")
    strange = _strange_steps(context.read(path) or "", entry)
    if strange:
        raise ByHand(f"{path} has `{strange}` steps for every deployment, which it did not have")

    def rewrite(text: str) -> str:
        from migrator.deployments.entries import add_entry

        if _has_another(text, entry):
            raise ValueError(
                f"two commands make different deployments {entry.data['name']!r} of {entry.data['entrypoint']}: only one can be in {path}"
            )
        return add_entry(text, entry)

    build.changes = [Change(path, rewrite)]
    build.notes.append(f"the deployment goes to {os.path.relpath(path, os.path.dirname(context.document.path) or '.')}")


def _strange_steps(text: str, entry: Entry) -> str:
    from migrator.deployments.entries import strange_steps

    return strange_steps(text, entry) if text else ""


def _has_another(text: str, entry: Entry) -> bool:
    """Whether a `prefect.yaml` has the deployment with other settings."""
    from migrator.deployments.entries import parsed

    try:
        data = parsed(text) if text else None
    except Exception:
        return False  # it cannot be read, which `add_entry` says
    items = data.get("deployments") if isinstance(data, dict) else None
    same = [
        item
        for item in items or ()
        if isinstance(item, dict) and all(item.get(key) == entry.data.get(key) for key in ("name", "entrypoint"))
    ]
    return any(item != entry.data for item in same)


@lru_cache(maxsize=64)
def _entry(deployment: str, work_pool: Optional[str], uploads: bool) -> Entry:
    from migrator.deployments import storage
    from migrator.deployments.entries import entry_of

    given = json.loads(deployment)
    entry = entry_of(given, work_pool=work_pool)
    block = given.get("storage")
    if not block or not uploads or block["_block_type_slug"] not in _UPLOADING:
        return entry
    pull = storage.pull_steps(block["_block_type_slug"], {}, given.get("path"), block["_block_document_name"])
    if pull.push:
        return replace(entry, data={**entry.data, "push": [dict(step) for step in pull.push]})
    note = "the build uploaded the code to the block; `deploy` does it only where `push` steps say so"
    return replace(entry, notes=(*entry.notes, note))


_UPLOADING = frozenset({"s3", "gcs", "azure", "smb", "remote-file-system", "s3-bucket", "gcs-bucket"})
"""The storage blocks to which Prefect 2 uploaded the directory."""
_KEYS = {
    "--name": "name",
    "--version": "version",
    "--description": "description",
    "--work-queue": "work_queue_name",
    "--pool": "work_pool_name",
    "--path": "path",
}


def _say(deployment: dict[str, Any], given: Given, line: Line) -> None:
    """Puts one option into the data of a deployment, as a deployment YAML has it. Raises ByHand."""
    option, value = given.row.spellings[0], given.value
    if option == "ENTRYPOINT":
        deployment["entrypoint"] = plain_path(value)
    elif option in _KEYS:
        deployment[_KEYS[option]] = value
    elif option == "--tag":
        deployment.setdefault("tags", []).append(value)
    elif option in ("--cron", "--interval", "--rrule"):
        deployment["schedule"] = _schedule(option, value, line)
    elif option == "--param":
        key, _, written = value.partition("=")
        parameters = deployment.setdefault("parameters", {})
        try:
            parameters[key] = json.loads(written)
        except ValueError:
            parameters[key] = written
    elif option == "--params":
        try:
            deployment["parameters"] = json.loads(value)
        except ValueError:
            raise ByHand("its `--params` is no JSON") from None
    elif option == "--override":
        key, _, written = value.partition("=")
        deployment.setdefault("infra_overrides", {})[key] = written
    elif option == "--infra":
        deployment["infrastructure"] = {"_block_type_slug": value}
        if value in ("docker-container", "kubernetes-job") and not line.all("--storage-block"):
            deployment.setdefault("path", "/opt/prefect/flows")
    elif option in ("--infra-block", "--storage-block"):
        slug, slash, rest = value.partition("/")
        name, _, path = rest.partition("/")
        if not slash or not name:
            raise ByHand(f"the block `{value}` has no name")
        key = "storage" if option == "--storage-block" else "infrastructure"
        deployment[key] = {"_block_type_slug": slug, "_block_document_name": name}
        if path and key == "storage":
            deployment["path"] = path
        if key == "infrastructure" and slug != "process" and not line.all("--storage-block") and not line.all("--path"):
            deployment["path"] = "/opt/prefect/flows"
    elif option == "--limit":
        raise ByHand(
            "its `--limit` is that of the queue (`prefect work-queue set-concurrency-limit QUEUE LIMIT --pool POOL`)"
        )


def _schedule(option: str, value: str, line: Line) -> dict[str, Any]:
    timezone, anchor = value_of(line, "--timezone"), value_of(line, "--anchor-date")
    if option == "--interval":
        try:
            schedule: dict[str, Any] = {"interval": int(value)}
        except ValueError:
            raise ByHand("its `--interval` is no number") from None
        if anchor:
            schedule["anchor_date"] = anchor
    elif option == "--rrule" and value.lstrip().startswith("{"):
        try:
            schedule = json.loads(value)
        except ValueError:
            raise ByHand("its `--rrule` is no JSON") from None
    else:
        schedule = {option[2:]: value}
    return {**schedule, **({"timezone": timezone} if timezone else {})}
