"""A deployment of Prefect 2 as an entry of Prefect 3's `prefect.yaml`, and that file's text.

An entry has the keys that `prefect.cli.deploy` of 3.0 to 3.8 reads; every other key is ignored there in silence.
"""

from __future__ import annotations

import copy
import datetime
import io
import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.resolver import VersionedResolver, implicit_resolvers
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString
from ruamel.yaml.tokens import BlockEntryToken, Token

from migrator.deployments import infrastructure, storage

DEFAULT_POOL = "{{ $PREFECT_DEFAULT_WORK_POOL_NAME }}"
"""How `prefect.yaml` takes the pool from the environment, on every 3.x."""

AGENTS_POOL = "default-agent-pool"
"""The pool that a 2.x server made for agents; no worker can serve it."""

HEADER = "# Register these deployments with: prefect deploy --all\n"

SET_DIRECTORY = "prefect.deployments.steps.set_working_directory"

RESOLVED_EARLY = (
    "`prefect deploy` of 3.x resolves the references to blocks in `job_variables`, so that the deployment holds their values as "
    "plain text (2.x left them for the run): put them in the work pool's base job template, where they are resolved at run time"
)

STEPS = {
    "prefect.projects.steps.run_shell_script": "prefect.deployments.steps.run_shell_script",
    "prefect.projects.steps.pip_install_requirements": "prefect.deployments.steps.pip_install_requirements",
    "prefect.projects.steps.set_working_directory": SET_DIRECTORY,
    "prefect.projects.steps.git_clone_project": "prefect.deployments.steps.git_clone",
    "prefect.projects.steps.git_clone": "prefect.deployments.steps.git_clone",
    "prefect.deployments.steps.git_clone_project": "prefect.deployments.steps.git_clone",
    **{
        f"prefect_{package}.{home}.steps.{old}": f"prefect_{package}.deployments.steps.{new}"
        for package, names in {
            "docker": {"build_docker_image": "build_docker_image", "push_docker_image": "push_docker_image"},
            "aws": {
                "push_project_to_s3": "push_to_s3",
                "pull_project_from_s3": "pull_from_s3",
                "push_to_s3": "push_to_s3",
                "pull_from_s3": "pull_from_s3",
            },
            "gcp": {
                "push_project_to_gcs": "push_to_gcs",
                "pull_project_from_gcs": "pull_from_gcs",
                "push_to_gcs": "push_to_gcs",
                "pull_from_gcs": "pull_from_gcs",
            },
            "azure": {
                "push_project_to_azure_blob_storage": "push_to_azure_blob_storage",
                "pull_project_from_azure_blob_storage": "pull_from_azure_blob_storage",
                "push_to_azure_blob_storage": "push_to_azure_blob_storage",
                "pull_from_azure_blob_storage": "pull_from_azure_blob_storage",
            },
        }.items()
        for old, new in names.items()
        for home in ("projects", "deployments")
        if (home, old) != ("deployments", new)
    },
}
"""Steps of 2.10 to 2.20 that Prefect 3 and its integrations do not have any more, and what does the same there."""

_KNOWN_KEYS = (
    "id created updated created_by updated_by flow_id flow_name last_polled status work_queue_id "
    "parameter_openapi_schema timestamp is_schedule_active schedule schedules paused infra_overrides job_variables "
    "infrastructure storage infrastructure_document_id storage_document_id path entrypoint manifest_path pull_steps "
    "work_pool_name work_queue_name work_pool name version tags description parameters enforce_parameter_schema triggers "
    "concurrency_limit concurrency_options global_concurrency_limit labels "
    "version_id version_info branch base root code_repository_url"
)
_KEYS_OF_A_BLOCK = (
    "type block_type_slug _block_type_slug _block_type_name _block_document_name _block_document_id _block_type_id _block_schema_id "
    "_is_anonymous _block_schema_capabilities block_type_id block_document_name block_document_id is_anonymous"
)
_OF_THE_SERVER = frozenset(_KNOWN_KEYS.split())
_OF_A_BLOCK = frozenset(_KEYS_OF_A_BLOCK.split())
_HIDDEN = re.compile(r"\*{4,}")
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.S)


@dataclass(frozen=True)
class Entry:
    """One item of `deployments:` in a `prefect.yaml` for Prefect 3, and what could not be said in it."""

    data: dict[str, Any]
    notes: tuple[str, ...] = ()


def entry_of(deployment: Mapping[str, Any], *, work_pool: Optional[str] = None) -> Entry:
    """The entry of a 2.x deployment: the data of a deployment YAML (2.0 to 2.20), or as the REST API gives it.

    A block is a mapping of its fields with `_block_type_slug` (or `type`) and, where it was saved under a name,
    `_block_document_name`. A deployment that names no pool and whose saved infrastructure block is no process gets a pool of the block's
    name, as pools have one type; else `work_pool`, else one of the name of its block, or the environment's (`DEFAULT_POOL`). Parameters were validated against the flow only where it was asked
    for (2.x), they are unless one says no (3.x): an entry says it.
    """
    given = _plain(deployment)
    notes: list[str] = []
    data: dict[str, Any] = {"name": given.get("name")}
    for key in ("version", "description"):
        if given.get(key):
            data[key] = given[key]
    if given.get("tags"):
        data["tags"] = given["tags"]
    entrypoint = _entrypoint(given, notes)
    if entrypoint:
        data["entrypoint"] = entrypoint
    if given.get("parameters"):
        data["parameters"] = given["parameters"]
    data["enforce_parameter_schema"] = bool(given.get("enforce_parameter_schema"))
    schedules = schedules_of(given)
    if schedules:
        data["schedules"] = schedules
    if given.get("paused") or given.get("is_schedule_active") is False:
        data["paused"] = True
    if given.get("concurrency_limit") is not None:
        data["concurrency_limit"] = given["concurrency_limit"]
    listed = given.get("triggers")
    triggers = [_trigger(each, notes) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    if triggers:
        data["triggers"] = triggers
    pull = _pull(given, notes)
    if pull is not None:
        data["pull"] = pull
    data["work_pool"] = _work_pool(given, work_pool, notes)
    templated = [
        key
        for key, value in data.items()
        if key in ("description", "parameters", "version", "tags") and _TEMPLATE.search(str(value))
    ]
    if templated:
        notes.append(
            f"{', '.join(templated)} contain `{{{{ }}}}`, which was text on 2.x and is a placeholder in prefect.yaml"
        )
    unknown = sorted(key for key in given if key not in _OF_THE_SERVER and given[key] not in (None, "", [], {}))
    if unknown:
        notes.append(f"Prefect 3 has nothing for: {', '.join(unknown)}")
    return Entry(data, tuple(dict.fromkeys(notes)))


def step_of(step: Mapping[str, Any]) -> dict[str, Any]:
    """A build, push or pull step of 2.x under the name that it has on 3.x (`STEPS`)."""
    return {STEPS.get(name, name): inputs for name, inputs in step.items()}


def schedules_of(deployment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The schedules of a 2.x deployment as items of `schedules:`.

    Takes the list of 2.16 and later (`schedule` and `active` of each) or the one schedule of before. Intervals are seconds. What every
    release takes for granted is left out: `timezone: null`, `day_or: true`, `active: true`.
    """
    several = deployment.get("schedules")
    one = deployment.get("schedule")
    if isinstance(several, list) and several:
        return [item for item in map(_schedule, several) if item]
    return [item for item in (_schedule(one),) if item] if isinstance(one, dict) else []


def _schedule(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        return {}
    inner = given.get("schedule")
    fields = {**given, **inner} if isinstance(inner, dict) else given
    made: dict[str, Any] = {}
    for kind in ("cron", "interval", "rrule"):
        if fields.get(kind) is not None:
            made[kind] = _seconds(fields[kind]) if kind == "interval" else fields[kind]
            break
    else:
        return {}
    if "interval" in made and fields.get("anchor_date"):
        made["anchor_date"] = fields["anchor_date"]
    if fields.get("timezone"):
        made["timezone"] = fields["timezone"]
    if "cron" in made and fields.get("day_or") is False:
        made["day_or"] = False
    if given.get("active") is not None and given["active"] is not True:
        made["active"] = given["active"]
    for key in ("parameters", "slug"):
        if given.get(key):
            made[key] = given[key]
    return made


def _seconds(interval: Any) -> Any:
    if isinstance(interval, float) and interval.is_integer():
        return int(interval)
    return interval


def _entrypoint(given: Mapping[str, Any], notes: list[str]) -> Optional[str]:
    """The entrypoint; made relative where it lies below `path`, because `prefect deploy` loads the flow from where it is run."""
    entrypoint = given.get("entrypoint")
    path = given.get("path")
    if not entrypoint:
        notes.append("no entrypoint: write `entrypoint: path/to/file.py:flow_function`")
        return None
    entrypoint = str(entrypoint)
    if path and re.match(r"[/\\]|[A-Za-z]:[/\\]", entrypoint):
        root = str(path).rstrip("/\\")
        if entrypoint.startswith((root + "/", root + "\\")):
            return entrypoint[len(root) + 1 :]
        notes.append(f"the entrypoint {entrypoint!r} is absolute: `prefect deploy` has to find it there, too")
    return entrypoint


def _trigger(given: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    made = {
        ("job_variables" if key == "infra_overrides" else key): value
        for key, value in given.items()
        if value is not None and key not in ("id", "deployment_id", "_deployment_id")
    }
    metric = made.get("metric")
    if isinstance(metric, dict) and isinstance(metric.get("firing_for"), (int, float)) and metric["firing_for"] < 300:
        notes.append("a metric trigger's `firing_for` has to be at least 300 seconds on 3.x")
    return made


def _pull(given: Mapping[str, Any], notes: list[str]) -> Optional[list[dict[str, Any]]]:
    """How a worker gets the code. None where nothing was said."""
    if isinstance(given.get("pull_steps"), list) and given["pull_steps"]:
        return [step_of(step) for step in given["pull_steps"] if isinstance(step, dict)]
    path = None if given.get("path") in (None, "") else str(given["path"])
    block = given.get("storage")
    if isinstance(block, dict) and block:
        slug, fields, name = _block(block)
        pull = storage.pull_steps(slug, fields, path, name)
        notes.extend(pull.notes)
        return list(_plain(pull.steps))
    if path is None:
        return None
    return [{SET_DIRECTORY: {"directory": path}}]


def _work_pool(given: Mapping[str, Any], default: Optional[str], notes: list[str]) -> dict[str, Any]:
    """Pool, queue and job variables. Overrides are dotted paths into the infrastructure block's fields, as 2.x's agent read them."""
    named = given.get("work_pool_name")
    if named == AGENTS_POOL:
        named = None
    block = given.get("infrastructure")
    slug, fields, saved = _block(block) if isinstance(block, dict) else ("", {}, None)
    overrides = {
        str(path): value
        for key in ("infra_overrides", "job_variables")
        if isinstance(given.get(key), dict)
        for path, value in given[key].items()
    }
    known = infrastructure.block_of_type(slug) is not None
    plain = slug == "process" and not any(value for key, value in fields.items() if key != "stream_output")
    own = saved if slug != "process" else None
    pool = named or own or default or saved or DEFAULT_POOL
    if slug and not known:
        notes.append(f"the infrastructure block `{slug}` is not one of Prefect's: its fields are left out")
        fields = {}
    if named and plain:
        fields = {}
    _without_hidden(fields, "infrastructure", notes)
    fields = infrastructure.overridden(fields, overrides)
    variables = fields
    if known and not (named and plain):
        typed = infrastructure.work_pool(slug, fields)
        variables = dict(typed.job_variables)
        notes.extend(f"`{field}` is lost: {why}" for field, why in typed.lost)
        notes.extend(typed.notes)
        if typed.template is not None:
            notes.append(f"the pool needs a base job template of its own for `{slug}`")
        if named:
            notes.append(f"a worker of `{named}` did not read the infrastructure block on 2.x, an agent did")
        else:
            shown = "NAME" if pool == DEFAULT_POOL else str(pool)
            notes.append(
                f"the work pool, if there is none yet: {'; '.join(infrastructure.create_commands(shown, typed))}"
            )
    elif not named:
        notes.append("the work pool, if there is none yet: prefect work-pool create NAME --type process")
    made: dict[str, Any] = {"name": pool}
    queue = given.get("work_queue_name")
    if queue and queue != "default":
        made["work_queue_name"] = queue
    if variables:
        made["job_variables"] = _plain(variables)
        if "prefect.blocks." in str(made["job_variables"]):
            notes.append(RESOLVED_EARLY)
    return made


def _block(block: Mapping[str, Any]) -> tuple[str, dict[str, Any], Optional[str]]:
    """A block's slug, its fields, and the name that it was saved under."""
    slug = str(block.get("_block_type_slug") or block.get("block_type_slug") or block.get("type") or "")
    name = block.get("_block_document_name") or block.get("block_document_name")
    if block.get("_is_anonymous") or block.get("is_anonymous"):
        name = None
    fields = {key: copy.deepcopy(value) for key, value in block.items() if key not in _OF_A_BLOCK}
    if fields.get("command") == ["python", "-m", "prefect.engine"]:
        del fields["command"]
    return slug, fields, name


def _without_hidden(fields: dict[str, Any], what: str, notes: list[str]) -> None:
    """Leaves out secrets, which 2.x wrote as asterisks."""
    for key in [*fields]:
        value = fields[key]
        if isinstance(value, dict) and not _block(value)[2]:
            _without_hidden(value, f"{what}.{key}", notes)
        elif isinstance(value, str) and _HIDDEN.fullmatch(value):
            del fields[key]
            notes.append(f"`{what}.{key}` is a secret: save it in a block and refer to it")


def _plain(value: Any) -> Any:
    """The same data in the types of YAML's core: what a parser or an API client put around them is taken off."""
    if isinstance(value, Mapping):
        return {_plain(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(inner) for inner in value), key=str)
    if isinstance(value, datetime.timedelta):
        return _seconds(value.total_seconds())
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def written(data: Any) -> str:
    """YAML that PyYAML, by which Prefect reads, and YAML 1.2 understand alike: whatever one of them could mistake is quoted."""
    stream = io.StringIO()
    _emitter().dump(_quoted(_plain(data)), stream)
    return stream.getvalue()


def _emitter() -> YAML:
    emitter = YAML()
    emitter.indent(mapping=2, sequence=4, offset=2)
    emitter.width = 2**31
    emitter.allow_unicode = True
    emitter.Representer = _Representer
    return emitter


class _Representer(RoundTripRepresenter):
    """Writes no anchors, and floats so that YAML 1.1 sees floats: `1.0e+20`, where Python and YAML 1.2 say `1e+20`."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def of_float(self, value: float) -> ScalarNode:
        text = repr(value)
        special = {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text)
        mantissa, exponent, power = text.partition("e")
        if exponent and "." not in mantissa:
            mantissa += ".0"
        return self.represent_scalar("tag:yaml.org,2002:float", special or mantissa + exponent + power)


_Representer.add_representer(float, _Representer.of_float)


_SAFE = re.compile(r"[A-Za-z_/$][\w ./$@+\-]*(?::[\w./$@+\-]+)*\Z", re.A)
_MISTAKEN = re.compile(r"(?:y|n|yes|no|on|off|true|false|null|nan|inf)\Z", re.I)


_LINES = re.compile(r"[!-~](?=[^\n]*\n[^\n])[ -~\n]*[!-~]\n?\Z")
_TRAILING = re.compile(r" $", re.M)


def _quoted(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key): _quoted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_quoted(inner) for inner in value]
    if isinstance(value, str):
        if _LINES.match(value) and not _TRAILING.search(value):
            return LiteralScalarString(value)
        plain = _SAFE.match(value) and not _MISTAKEN.match(value) and not value.endswith(" ")
        return value if plain else DoubleQuotedScalarString(value)
    return value


def _key(key: Any) -> Any:
    quoted = _quoted(key)
    return DoubleQuotedScalarString(key) if isinstance(quoted, LiteralScalarString) else quoted


_WORDS_OF_PYYAML = {
    "tag:yaml.org,2002:bool": re.compile(
        r"(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$"
    ),
    "tag:yaml.org,2002:float": re.compile(
        r"""(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?
        |\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?
        |[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*
        |[-+]?\.(?:inf|Inf|INF)
        |\.(?:nan|NaN|NAN))$""",
        re.X,
    ),
    "tag:yaml.org,2002:int": re.compile(
        r"""(?:[-+]?0b[0-1_]+
        |[-+]?0[0-7_]+
        |[-+]?(?:0|[1-9][0-9_]*)
        |[-+]?0x[0-9a-fA-F_]+
        |[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$""",
        re.X,
    ),
}


def _as_pyyaml_has_it() -> dict[str, list[tuple[str, Any]]]:
    found: dict[str, list[tuple[str, Any]]] = {}
    for versions, tag, pattern, firsts in implicit_resolvers:
        for first in firsts if (1, 1) in versions else ():
            found.setdefault(first, []).append((tag, _WORDS_OF_PYYAML.get(tag, pattern)))
    return found


class _Resolver(VersionedResolver):
    """The types of plain words as PyYAML, by which Prefect reads, has them; it is not quite YAML 1.1: `y`, `n` and `1e3` are texts.

    From PyYAML's `resolver.py`, 5.4 to 6.0.
    """

    types = _as_pyyaml_has_it()

    @property
    def versioned_resolver(self) -> Any:
        return self.types


def reader(kind: str) -> YAML:
    """A reader (`safe` or `rt`, as ruamel calls them) that takes words for what PyYAML takes them for, and the last of equal keys."""
    loader = YAML(typ=kind, pure=True)
    loader.version = "1.1"
    loader.allow_duplicate_keys = True
    loader.Resolver = _Resolver
    return loader


def parsed(text: str) -> Any:
    """The data of a YAML text as PyYAML gives it (YAML 1.1, the last of equal keys). Raises ruamel's YAMLError."""
    loader = reader("safe")
    return loader.load(text)


def parsed_all(text: str) -> list[Any]:
    """As `parsed`, for each document of the text."""
    loader = reader("safe")
    return list(loader.load_all(text))


def composed(text: str) -> Optional[Node]:
    """The tree of nodes of a YAML text's first document, with YAML 1.1's types. Raises ruamel's YAMLError."""
    loader = reader("rt")
    return next(iter(loader.compose_all(text)), None)


def add_entry(text: str, entry: Entry, comment: str = "") -> str:
    """The text of a `prefect.yaml` with the deployment in it; everything else stays byte for byte.

    An entry with the same name and entrypoint is replaced, unless it says the same already. `comment` (lines with their `#`) goes
    above the entry. A text without deployments (or none, "") gets the list. Raises ValueError for a text that is no `prefect.yaml`:
    broken YAML, or something else than keys and values. Where the file has build steps for all, the entry says `build: []`.
    """
    data = {**entry.data, "build": []} if "build" not in entry.data and "build" in steps_for_all(text) else entry.data
    return add_item(text, data, _dedented(written([data])), comment)


def steps_for_all(text: str) -> frozenset[str]:
    """Which of `build`, `push` and `pull` a `prefect.yaml` has for every deployment that has none of its own.

    An entry can switch building off (`build: []`), but not pushing: `prefect deploy` (3.0 to 3.8) takes an empty `push` for none.
    """
    try:
        held = parsed(text) if _STEPS.search(text) else None
    except YAMLError:
        return frozenset()
    if not isinstance(held, dict):
        return frozenset()
    return frozenset(name for name in ("build", "push", "pull") if held.get(name))


_STEPS = re.compile(r"^[\"']?(?:build|push|pull)\b", re.M)


def strange_steps(text: str, entry: Entry) -> str:
    """What steps of a `prefect.yaml` an entry would have that are not its own: `push` or `pull`, the empty string for none."""
    shared = steps_for_all(text)
    return next((name for name in ("push", "pull") if name in shared and not entry.data.get(name)), "")


def add_item(text: str, data: Mapping[str, Any], lines: str, comment: str = "") -> str:
    """As `add_entry`, for an entry that is written already: `lines`, the first of which starts with a dash, hold `data`."""
    ending = "\r\n" if "\r\n" in text else "\n"
    try:
        root = composed(text)
        held = parsed(text)
    except YAMLError as error:
        raise ValueError(f"the file is not YAML that Prefect reads: {error}") from None
    if not held and (root is None or isinstance(root, (ScalarNode, MappingNode))):
        kept = text if root is None else text[: root.start_mark.index]
        return (_ended(kept, ending) or HEADER.replace("\n", ending)) + _listed(lines, comment, ending)
    if not isinstance(root, MappingNode) or not isinstance(held, dict) or root.flow_style:
        raise ValueError("the file does not hold keys and values, line by line")
    pair = next(((key, value) for key, value in root.value if key.value == "deployments"), None)
    if pair is None:
        at = _line_after(text, root)
        return _ended(text[:at], ending) + ending + _listed(lines, comment, ending) + text[at:]
    value = pair[1]
    present = held.get("deployments")
    if not present:
        at = max(pair[0].end_mark.index + 1, value.start_mark.index) if value.value == "" else value.start_mark.index
        end = at if value.value == "" else value.end_mark.index
        text = text[:at] if not text[at:].strip() else text[:at].rstrip(" ") + text[end:]
        at = text.find("\n", min(at, len(text)) - 1) + 1 or len(text)
        return _ended(text[:at], ending) + _item(lines, 2, comment, ending) + text[at:]
    if not isinstance(value, SequenceNode) or not isinstance(present, list):
        raise ValueError("`deployments` is not a list")
    same = next((index for index, item in enumerate(present) if _is_of(item, data)), None)
    if same is not None and _plain(present[same]) == _plain(data):
        return text
    if value.flow_style:
        if same is None:
            at = value.value[-1].end_mark.index
            return f"{text[:at]}, {_flow(data)}{text[at:]}"
        old = value.value[same]
        return text[: old.start_mark.index] + _flow(data) + text[old.end_mark.index :]
    column = value.start_mark.column
    if same is None:
        at = _line_after(text, value)
        return _ended(text[:at], ending) + _item(lines, column, comment, ending) + text[at:]
    start, end = item_spans(text, value)[same]
    return text[:start] + _item(lines, column, comment, ending) + text[end:]


def _is_of(item: Any, data: Mapping[str, Any]) -> bool:
    return isinstance(item, dict) and all(item.get(key) == data.get(key) for key in ("name", "entrypoint"))


def item_spans(text: str, items: SequenceNode) -> list[tuple[int, int]]:
    """From the start of its first line to the end of its last line, for each item of a list that is written with dashes."""
    tokens = _tokens(text)
    start, end, column = items.start_mark.index, items.end_mark.index, items.start_mark.column
    dashes = [
        token.start_mark.index
        for token in tokens
        if isinstance(token, BlockEntryToken)
        and start <= token.start_mark.index < end
        and token.start_mark.column == column
    ]
    return [
        (dash - column, _line_end(text, _last(tokens, dash, following)))
        for dash, following in zip(dashes, [*dashes[1:], end])
    ]


def _tokens(text: str) -> list[Token]:
    """The words of a text, those of no length left out."""
    words = YAML(typ="rt", pure=True).scan(text)
    return [word for word in words if word.start_mark.index < word.end_mark.index]


def _last(tokens: list[Token], start: int, end: int) -> int:
    """Where the last word between two places ends, comments aside."""
    starts = [token.start_mark.index for token in tokens]
    return int(tokens[max(bisect_left(starts, end) - 1, bisect_left(starts, start))].end_mark.index)


def _line_end(text: str, at: int) -> int:
    """The start of the next line."""
    if at and text[at - 1] == "\n":
        return at
    return text.find("\n", at) + 1 or len(text)


def _line_after(text: str, node: Node) -> int:
    """The start of the line below a node, its own comments below its last line included."""
    at = _line_end(text, _last(_tokens(text), node.start_mark.index, node.end_mark.index))
    while True:
        line = text[at : text.find("\n", at) + 1 or len(text)]
        indent = len(line) - len(line.lstrip(" "))
        if not line.lstrip(" ").startswith("#") or indent <= node.start_mark.column:
            return at
        at += len(line)


def _listed(lines: str, comment: str, ending: str) -> str:
    return f"deployments:{ending}{_item(lines, 2, comment, ending)}"


def _item(lines: str, column: int, comment: str, ending: str) -> str:
    above = [line.strip() for line in comment.splitlines() if line.strip()]
    below = lines.splitlines()
    return "".join((" " * column + line if line.strip() else "") + ending for line in [*above, *below])


def _dedented(lines: str) -> str:
    return "".join(line[2:] + "\n" for line in lines.splitlines())


def _flow(data: Mapping[str, Any]) -> str:
    stream = io.StringIO()
    emitter = _emitter()
    emitter.default_flow_style = True
    emitter.dump(_quoted(_plain(data)), stream)
    return stream.getvalue().strip()


def _ended(text: str, ending: str) -> str:
    return text if not text or text.endswith("\n") else text + ending
