"""What is registered on a Prefect 2 server as one `prefect.yaml` for Prefect 3, and what is to be done beside it.

Data in, data out: `migrator.deployments.server` reads it. What cannot be carried over is told, deployment by deployment.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from migrator.deployments import infrastructure, storage
from migrator.deployments.entries import AGENTS_POOL, HEADER, entry_of, written
from migrator.deployments.hiding import BLOCK, Secrets, literal
from migrator.deployments.secrets import is_masked
from migrator.deployments.server import AGENT, OnProgress, Registered

DEFAULT_QUEUE = "default"

_KNOWN_TYPES = frozenset(
    {
        "process",
        "docker",
        "kubernetes",
        "ecs",
        "cloud-run",
        "cloud-run-v2",
        "vertex-ai",
        "azure-container-instance",
        "ecs:push",
        "cloud-run:push",
        "cloud-run-v2:push",
        "azure-container-instance:push",
        "modal:push",
        "coiled:push",
        "prefect:managed",
    }
)
"""The types of work pools that 2.x and 3.x share."""

_PACKAGES = {
    "docker": "prefect-docker",
    "kubernetes": "prefect-kubernetes",
    "ecs": "prefect-aws",
    "cloud-run": "prefect-gcp",
    "cloud-run-v2": "prefect-gcp",
    "vertex-ai": "prefect-gcp",
    "azure-container-instance": "prefect-azure",
}


@dataclass(frozen=True)
class Queue:
    """A work queue to be made."""

    name: str
    limit: Optional[int] = None
    priority: Optional[int] = None
    paused: bool = False


@dataclass
class Pool:
    """A work pool to be made. `template` is its base job template, None where that of its type will do."""

    name: str
    type: str
    template: Optional[dict[str, Any]] = None
    limit: Optional[int] = None
    paused: bool = False
    description: str = ""
    queues: list[Queue] = field(default_factory=list)
    why: str = ""
    template_file: str = ""


@dataclass(frozen=True)
class Export:
    """The result: texts to write, and what a person has to know and do. No text holds a secret that was recognised.

    `by_hand` and `to_know` map a remark to what it is about (deployments as `flow/name`); `by_hand` is what could not be
    carried over.
    """

    count: int
    text: str
    templates: Mapping[str, str]
    pools: tuple[Pool, ...]
    secrets: Mapping[str, Sequence[str]]
    variables: Mapping[str, Sequence[str]]
    make_blocks: tuple[str, ...]
    need_blocks: tuple[str, ...]
    packages: tuple[str, ...]
    roots: Mapping[str, Sequence[str]]
    by_hand: Mapping[str, Sequence[str]]
    to_know: Mapping[str, Sequence[str]]

    @property
    def complete(self) -> bool:
        """Whether everything is in the files: nothing is left to be done by hand."""
        return not (self.by_hand or self.secrets or self.variables or self.make_blocks)


def export(registered: Registered, work_pool: Optional[str] = None, on_progress: Optional[OnProgress] = None) -> Export:
    """The `prefect.yaml` of all deployments, and what belongs to it.

    `work_pool` is the name for the pool of the deployments that an agent ran (`NAME-type` where these need several);
    without it a pool is called as the infrastructure block, or as its type.
    """
    work = _Work(registered, work_pool)
    for note in registered.notes:
        work.left(note, "the server")
    _learn(work)
    work.plan_pools()
    data = []
    lines = []
    for done, deployment in enumerate(registered.deployments, 1):
        item = _item(work, deployment)
        if item is not None:
            item = work.cleared(item, _full_name(deployment))
            data.append(item)
            lines.append(written({"deployments": [item]}).partition("\n")[2])
        if on_progress is not None:
            on_progress(done, len(registered.deployments))
    _queues_of_agents(work)
    _same_names(work)
    _automations(work)
    text = HEADER + ("deployments:\n" + "".join(lines) if data else "deployments: []\n")
    pools = tuple(work.pools.values())
    templates: dict[str, str] = {}
    for pool in pools:
        if pool.template is not None:
            pool.template = work.cleared(pool.template, f"work pool {pool.name}")
            pool.template_file = _file_name(pool.name, templates)
            templates[pool.template_file] = json.dumps(pool.template, indent=2, ensure_ascii=False) + "\n"
    hide = work.secrets.taken_out
    return Export(
        len(data),
        text,
        templates,
        pools,
        work.secrets.blocks,
        work.secrets.variables,
        tuple(dict.fromkeys(work.make_blocks)),
        tuple(sorted(_blocks_in([data, [pool.template for pool in pools]]) - work.made_blocks())),
        tuple(sorted(work.packages | {_PACKAGES[pool.type] for pool in pools if pool.type in _PACKAGES})),
        work.roots,
        {hide(remark): about for remark, about in work.by_hand.items()},
        {hide(remark): about for remark, about in work.to_know.items()},
    )


def _file_name(pool: str, taken: Mapping[str, str]) -> str:
    """The name of the file of a pool's template, such that no file system takes two for one."""
    base = re.sub(r"[^\w.\-]+", "-", pool).strip("-.") or "pool"
    others = {name.casefold() for name in taken}
    name, number = f"{base}.json", 2
    while name.casefold() in others:
        name, number = f"{base}-{number}.json", number + 1
    return name


class _Work:
    """What is gathered while the deployments are gone through."""

    def __init__(self, registered: Registered, work_pool: Optional[str]) -> None:
        self.registered = registered
        self.work_pool = work_pool
        self.secrets = Secrets()
        self.old_pools = {str(pool.get("name")): pool for pool in registered.pools}
        self.pools: dict[str, Pool] = {}
        self.of_agents: dict[str, _Agent] = {}
        """By id, what is known of the deployments that an agent ran."""
        self.used: dict[tuple[Optional[str], str], set[str]] = {}
        """Which new pools take over a queue of an agent, by the queue's old pool and its name."""
        self.written: dict[tuple[str, str, str], list[str]] = {}
        self.make_blocks: list[str] = []
        self.packages: set[str] = set()
        self.roots: dict[str, list[str]] = {}
        self.by_hand: dict[str, list[str]] = {}
        self.to_know: dict[str, list[str]] = {}

    def left(self, remark: str, about: str) -> None:
        _append(self.by_hand, remark, about)

    def know(self, remark: str, about: str) -> None:
        _append(self.to_know, remark, about)

    def cleared(self, value: dict[str, Any], about: str) -> dict[str, Any]:
        """The value without a secret that stands inside of another text; told."""
        made: dict[str, Any] = self.secrets.cleared(value)
        if made is not value:
            self.left("a secret stood inside of another text as well: it is written there as ********", about)
        return made

    def made_blocks(self) -> set[str]:
        """`slug/name` of the blocks that the report says how to make."""
        told = re.findall(r"(\w+)\([^()]*\)\.save\(\"([^\"]+)\"\)", "\n".join(self.make_blocks))
        slugs = {re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower() + "/" + name for kind, name in told}
        return slugs | {f"secret/{name}" for name in self.secrets.blocks}

    def runs_in_agent(self, deployment: Mapping[str, Any]) -> bool:
        """Whether an agent runs it: it names no work pool, or one of agents."""
        pool = self.old_pools.get(str(deployment.get("work_pool_name")))
        return pool is None or pool.get("type") == AGENT

    def plan_pools(self) -> None:
        """Takes over the typed pools, and finds pools for what agents ran: one for each infrastructure block."""
        for old in self.registered.pools:
            if old.get("type") != AGENT:
                _take_over(self, old)
        for deployment in self.registered.deployments:
            if self.runs_in_agent(deployment):
                self.of_agents[str(deployment["id"])] = _agent(self, deployment)
        kinds: dict[Optional[str], dict[tuple[str, str, str], _Agent]] = {}
        for agent in self.of_agents.values():
            if agent.type is not None:
                pool = None if self.work_pool else agent.old_pool
                kinds.setdefault(pool, {}).setdefault(agent.key, agent)
        names: dict[tuple[Optional[str], tuple[str, str, str]], str] = {}
        for old_pool in sorted(kinds, key=lambda each: each or ""):
            for key in sorted(kinds[old_pool]):
                agent = kinds[old_pool][key]
                given = self.work_pool or old_pool
                own = agent.block_name or str(agent.type)
                if self._is_of(self.work_pool, agent):
                    names[old_pool, key] = str(self.work_pool)
                    continue
                wanted = own if given is None else given if len(kinds[old_pool]) == 1 else f"{given}-{own}"
                name = self._free(wanted)
                names[old_pool, key] = name
                why = f"for what agents ran in {agent.about}"
                self.pools[name] = Pool(name, str(agent.type), agent.template, why=why)
                self._limits_of(self.pools[name], agent.old_pool, len(kinds[old_pool]))
        for agent in self.of_agents.values():
            if agent.type is not None:
                agent.pool = names[None if self.work_pool else agent.old_pool, agent.key]

    def _is_of(self, pool: Optional[str], agent: _Agent) -> bool:
        """Whether the server has a pool of that name that runs what the agent ran, as it is."""
        known = self.pools.get(pool or "")
        return known is not None and pool in self.old_pools and known.type == agent.type and agent.template is None

    def _free(self, wanted: str) -> str:
        """The name, or one like it that is not taken. Names that begin with `prefect` are Prefect's own."""
        if wanted.lower().startswith("prefect"):
            wanted = f"my-{wanted}"
        name, number = wanted, 2
        while name in self.pools:
            name, number = f"{wanted}-{number}", number + 1
        return name

    def _limits_of(self, pool: Pool, old_pool: Optional[str], siblings: int) -> None:
        old = self.old_pools.get(str(old_pool or AGENTS_POOL), {})
        limit = old.get("concurrency_limit")
        pool.paused = bool(old.get("is_paused"))
        if limit is not None:
            pool.limit = limit
            if siblings > 1:
                self.left(
                    f"its concurrency limit of {limit} was one for all; now each new pool has it",
                    f"work pool {old_pool}",
                )


@dataclass
class _Agent:
    """What an agent would have run a deployment in. `type` is None where no work pool does the same."""

    about: str
    type: Optional[str]
    slug: str
    block_name: Optional[str]
    template: Optional[dict[str, Any]]
    variables: dict[str, Any]
    old_pool: Optional[str]
    pool: Optional[str] = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Equal for deployments that can share a pool."""
        return str(self.type), self.block_name or "", json.dumps(self.template, sort_keys=True)


def _append(remarks: dict[str, list[str]], remark: str, about: str) -> None:
    abouts = remarks.setdefault(remark, [])
    if not abouts or abouts[-1] != about:
        abouts.append(about)


def _full_name(deployment: Mapping[str, Any]) -> str:
    return f"{deployment.get('flow_name') or '?'}/{deployment.get('name')}"


def _learn(work: _Work) -> None:
    """Every secret in clear text, wherever it stands, before anything is written."""
    for deployment in work.registered.deployments:
        work.secrets.learn(deployment.get("parameters"), parameter=True)
        for key in ("job_variables", "infra_overrides", "pull_steps"):
            work.secrets.learn(_dotted_last(deployment.get(key)) if key != "pull_steps" else deployment.get(key))
        for key in ("infrastructure", "storage"):
            work.secrets.learn((deployment.get(key) or {}).get("data"))
    for pool in work.registered.pools:
        template = pool.get("base_job_template")
        if isinstance(template, Mapping):
            work.secrets.learn(template.get("job_configuration"))
            for name, value in _defaults(template):
                work.secrets.learn(value, name)


def _dotted_last(overrides: Any) -> Any:
    """Overrides under the last part of their dotted keys: `env.TOKEN` is a `TOKEN`."""
    if not isinstance(overrides, Mapping):
        return overrides
    return [{str(key).rpartition(".")[2]: value} for key, value in overrides.items()]


# -- work pools


def _take_over(work: _Work, old: Mapping[str, Any]) -> None:
    """A typed pool of 2.x as it is, with its template where that is not the one of its type."""
    name, kind = str(old.get("name")), str(old.get("type"))
    about = f"work pool {name}"
    if kind not in _KNOWN_TYPES:
        work.left(f"there is no worker for pools of type `{kind}` in Prefect 3: choose another type", about)
    template = old.get("base_job_template")
    made: Optional[dict[str, Any]] = None
    if isinstance(template, Mapping) and template:
        default = work.registered.default_templates.get(kind)
        if default is None or _essence(template) != _essence(default):
            held = _with_references(work, template, about)
            made = _without_secrets(work, held, f"{about}, its base job template")
            work.know(
                "its base job template is carried over as it is; a new one of Prefect 3 has more variables: "
                f"`prefect work-pool get-default-base-job-template --type {kind}`",
                about,
            )
    pool = Pool(
        name,
        kind,
        made,
        old.get("concurrency_limit"),
        bool(old.get("is_paused")),
        work.secrets.taken_out(str(old.get("description") or "")),
        why="as on the server",
    )
    for queue in work.registered.queues:
        if queue.get("work_pool_name") == name:
            pool.queues.append(_queue(work, queue, about))
    work.pools[name] = pool


def _without_secrets(work: _Work, template: Mapping[str, Any], about: str) -> dict[str, Any]:
    """A base job template with references for what its defaults and its configuration hold of secrets."""
    made = {**template}
    made["job_configuration"] = work.secrets.by_block(made.get("job_configuration"), about)
    variables = made.get("variables")
    properties = variables.get("properties") if isinstance(variables, Mapping) else None
    if isinstance(variables, Mapping) and isinstance(properties, Mapping):
        changed = {
            name: {**each, "default": work.secrets.by_block(each["default"], about, name)}
            if isinstance(each, Mapping) and "default" in each
            else each
            for name, each in properties.items()
        }
        made["variables"] = {**variables, "properties": changed}
    return made


def _defaults(template: Any) -> Iterator[tuple[str, Any]]:
    """The default values in a base job template, with their variables' names."""
    variables = template.get("variables") if isinstance(template, Mapping) else None
    properties = variables.get("properties") if isinstance(variables, Mapping) else None
    for name, each in properties.items() if isinstance(properties, Mapping) else ():
        if isinstance(each, Mapping) and "default" in each:
            yield name, each["default"]


def _queue(work: _Work, queue: Mapping[str, Any], about: str) -> Queue:
    if queue.get("description") and queue.get("name") != DEFAULT_QUEUE:
        work.know(
            f"the description of the work queue `{queue.get('name')}` is not carried over: no command sets it", about
        )
    return Queue(
        str(queue.get("name")), queue.get("concurrency_limit"), queue.get("priority"), bool(queue.get("is_paused"))
    )


def _essence(template: Mapping[str, Any]) -> Any:
    """What a base job template does, without what it only says: titles, descriptions, the order of keys."""

    def bare(value: Any, named: bool) -> Any:
        if isinstance(value, Mapping):
            return {
                key: bare(inner, key in ("properties", "definitions", "$defs"))
                for key, inner in value.items()
                if named or key not in ("title", "description", "examples")
            }
        return [bare(inner, False) for inner in value] if isinstance(value, list) else value

    variables = template.get("variables")
    return template.get("job_configuration"), bare(variables, False) if isinstance(variables, Mapping) else variables


def _with_references(work: _Work, value: Any, about: str) -> Any:
    """The value with references to block documents by their names; the ids are of the old server."""
    if isinstance(value, Mapping):
        target = value.get("$ref")
        if isinstance(target, Mapping) and target.get("block_document_id"):
            block = work.registered.blocks.get(str(target["block_document_id"]), {})
            slug = (block.get("block_type") or {}).get("slug")
            if not slug or not block.get("name") or block.get("is_anonymous"):
                work.left("refers to a block that has no name or is gone: save it under a name and refer to it", about)
                return None
            return infrastructure.reference(str(slug), str(block["name"]))
        return {key: _with_references(work, inner, about) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_references(work, inner, about) for inner in value]
    return value


def _agent(work: _Work, deployment: Mapping[str, Any]) -> _Agent:
    """The pool and the job variables of a deployment that an agent ran, from its infrastructure block and overrides."""
    about = _full_name(deployment)
    document = deployment.get("infrastructure")
    old_pool = deployment.get("work_pool_name")
    old_pool = None if old_pool in (None, AGENTS_POOL) else str(old_pool)
    overrides = deployment.get("job_variables") or deployment.get("infra_overrides") or {}
    if not document:
        if deployment.get("infrastructure_document_id"):
            work.left("its infrastructure block is gone from the server: it gets a work pool of type process", about)
        elif overrides:
            work.left("its overrides had no effect, as it has no infrastructure block: they are left out", about)
        return _Agent("a process", "process", "process", None, None, {}, old_pool)
    slug = str((document.get("block_type") or {}).get("slug") or (document.get("data") or {}).get("type") or "?")
    name = None if document.get("is_anonymous") else document.get("name")
    block = infrastructure.block_of_type(slug)
    shown = f"the block {slug}/{name}" if name else f"{slug} without a saved block"
    if block is None:
        work.left(
            f"its infrastructure block is of type `{slug}`, which is none of Prefect's own: make a work pool for it, and "
            "set PREFECT_DEFAULT_WORK_POOL_NAME to its name before deploying",
            about,
        )
        return _Agent(shown, None, slug, name, None, {}, old_pool)
    fields = infrastructure.overridden(infrastructure.fields_of_document(document), overrides)
    fields = work.secrets.by_block(_with_references(work, fields, about), about)
    made = infrastructure.work_pool(slug, {key: value for key, value in fields.items() if not is_masked(value)})
    for key, value in fields.items():
        if is_masked(value):
            work.left(f"`{key}` of its infrastructure block is a secret: save it in a block and refer to it", about)
    for key, why in made.lost:
        work.left(f"`{key}` of its infrastructure block: {why}", about)
    for note in made.notes:
        work.know(note, about)
    return _Agent(shown, made.type, slug, name, made.template, dict(made.job_variables), old_pool)


def _queues_of_agents(work: _Work) -> None:
    """The queues that agents served, in each pool that took deployments of them over."""
    for queue in work.registered.queues:
        old_pool, name = queue.get("work_pool_name"), str(queue.get("name"))
        if old_pool is not None and work.old_pools.get(str(old_pool), {}).get("type") != AGENT:
            continue
        about = f"work queue {name}" + (f" of {old_pool}" if old_pool not in (None, AGENTS_POOL) else "")
        pools = work.used.get((None if old_pool == AGENTS_POOL else old_pool, name), set())
        made = _queue(work, queue, about)
        for pool in sorted(pools):
            if any(each.name == name for each in work.pools[pool].queues):
                work.left(f"another queue of this name is in {pool} already: its limit and priority hold", about)
            else:
                work.pools[pool].queues.append(made)
        if not pools and name != DEFAULT_QUEUE:
            work.know("no deployment uses it: it is left out", about)
        if len(pools) > 1 and made.limit is not None:
            work.left(
                f"its concurrency limit of {made.limit} was one for all; now it holds in each of {', '.join(sorted(pools))}",
                about,
            )


# -- deployments


def _item(work: _Work, deployment: Mapping[str, Any]) -> Optional[dict[str, Any]]:
    """One item of `deployments:`; None for what no `prefect deploy` could register."""
    about = _full_name(deployment)
    if not deployment.get("entrypoint"):
        why = f" (its manifest is {deployment['manifest_path']})" if deployment.get("manifest_path") else ""
        work.left(f"has no entrypoint, so that it cannot be written{why}: it is left out", about)
        return None
    if not deployment.get("name"):
        work.left("has no name: it is left out", about)
        return None
    if deployment.get("flow_name") is None:
        work.left("its flow is gone from the server", about)
    agent = work.of_agents.get(str(deployment["id"]))
    slug = ((deployment.get("infrastructure") or {}).get("block_type") or {}).get("slug")
    if agent is None and slug not in (None, "process"):
        work.know(
            f"its infrastructure block ({slug}) is left out: the workers of its pool did not read it on Prefect 2 either",
            about,
        )
    given = {
        key: deployment.get(key)
        for key in (
            "name", "entrypoint", "schedule", "schedules", "is_schedule_active", "paused", "enforce_parameter_schema",
            "concurrency_limit", "concurrency_options", "path",
        )
    }  # fmt: skip
    for key in ("name", "entrypoint"):
        given[key] = literal(given[key])
    queue = deployment.get("work_queue_name") or _queue_by_filter(work, deployment)
    pull = _pull(work, deployment, about)
    given.update(
        pull_steps=pull,
        work_queue_name=literal(queue),
        work_pool_name=literal(deployment.get("work_pool_name") if agent is None else agent.pool),
    )
    entry = entry_of(given)
    data = dict(entry.data)
    for note in entry.notes:
        work.left(note, about)
    # what may hold `{{ }}` comes in here, in its final spelling
    variables = infrastructure.overridden({}, _job_variables(work, deployment, agent, about))
    if variables:
        data["work_pool"] = {**data["work_pool"], "job_variables": literal(variables)}
    data["parameters"] = _parameters(work, deployment.get("parameters") or {}, about)
    for key in ("version", "description", "tags"):
        data[key] = work.secrets.by_variable(deployment.get(key), about)
    for key in ("version", "description", "tags", "parameters"):
        if not data[key]:
            del data[key]
    if not deployment.get("version"):
        work.know("has no version: `prefect deploy` takes that of the flow", about)
    if not deployment.get("description"):
        work.know(
            "has no description: `prefect deploy` takes the docstring of the flow, and 3.8 the word None where it has none",
            about,
        )
    for item in deployment.get("schedules") or ():
        if item.get("catchup") or item.get("max_active_runs") is not None or item.get("max_scheduled_runs") is not None:
            work.left("`catchup`, `max_active_runs` and `max_scheduled_runs` of a schedule are not carried over", about)
    if agent is not None and agent.pool is not None:
        work.used.setdefault((agent.old_pool, str(queue or DEFAULT_QUEUE)), set()).add(agent.pool)
    root = str(deployment.get("path") or "") if not deployment.get("storage_document_id") else ""
    root = root if re.match(r"[/\\~]|[A-Za-z]:", root) else ""
    work.roots.setdefault(root, []).append(about)
    work.written.setdefault((str(deployment["name"]), str(deployment["entrypoint"]), json.dumps(pull)), []).append(
        about
    )
    return _ordered(data)


_ORDER = (
    "name", "version", "description", "tags", "entrypoint", "parameters", "enforce_parameter_schema", "schedules", "paused",
    "concurrency_limit", "triggers", "pull", "work_pool",
)  # fmt: skip


def _ordered(data: Mapping[str, Any]) -> dict[str, Any]:
    first = {key: data[key] for key in _ORDER if key in data}
    return {**first, **data}


def _parameters(work: _Work, parameters: Mapping[str, Any], about: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in parameters.items():
        if _has_reference(value):
            work.left(
                f"the parameter `{name}` refers to a block or another document by `$ref`, which `prefect deploy` replaces by "
                "its contents: set it on the Prefect 3 server",
                about,
            )
        else:
            kept[name] = work.secrets.by_variable(value, about, name)
    return kept


def _has_reference(value: Any) -> bool:
    """Whether `$ref` stands in it: `prefect deploy` loads the block it names, and fails where there is none."""
    if isinstance(value, Mapping):
        return "$ref" in value or any(map(_has_reference, value.values()))
    return isinstance(value, list) and any(map(_has_reference, value))


def _job_variables(work: _Work, deployment: Mapping[str, Any], agent: Optional[_Agent], about: str) -> dict[str, Any]:
    """What an agent's infrastructure block says, or what was given to a worker; secrets as references."""
    if agent is not None:
        return agent.variables
    given = deployment.get("job_variables") or deployment.get("infra_overrides") or {}
    dotted = sorted(key for key in given if "." in key)
    if dotted:
        work.know(
            f"{', '.join(map(repr, dotted))}: no worker of 2.x looked at such dotted names; now they have an effect",
            about,
        )
    variables = _with_references(work, dict(given), about)
    return {
        key: work.secrets.by_block(value, about, key.rpartition(".")[2])
        for key, value in variables.items()
        if value is not None or given[key] is None
    }


def _pull(work: _Work, deployment: Mapping[str, Any], about: str) -> Optional[list[dict[str, Any]]]:
    """The pull steps: those that it has, or what does as its storage block did."""
    steps = deployment.get("pull_steps")
    if steps:
        return list(work.secrets.by_block(_with_references(work, steps, about), about))
    document = deployment.get("storage")
    if not document:
        if deployment.get("storage_document_id"):
            work.left("its storage block is gone from the server: say in `pull` where the code is", about)
        path = str(deployment.get("path") or "")
        if not path:
            work.left("has neither a path nor a storage: say in `pull` where the code is", about)
            return None
        pulled = storage.pull_steps(None, {}, path)
    else:
        slug = str((document.get("block_type") or {}).get("slug") or "?")
        name = None if document.get("is_anonymous") else document.get("name")
        pulled = storage.pull_steps(slug, infrastructure.fields_of_document(document), deployment.get("path"), name)
    # the code is there already: what uploads it, and to run in it rather than in a copy, is no loss
    for note in pulled.notes:
        (work.left if not pulled.steps else work.know)(note, about)
    work.make_blocks.extend(pulled.blocks)
    work.packages.update(pulled.requires)
    return list(work.secrets.by_block(list(pulled.steps), about)) or None


def _queue_by_filter(work: _Work, deployment: Mapping[str, Any]) -> Optional[str]:
    """The queue whose filter takes the deployment's runs (2.0): by its id, or by its tags."""
    found = []
    for queue in work.registered.queues:
        chosen = queue.get("filter") or {}
        tags, ids = chosen.get("tags"), chosen.get("deployment_ids")
        if not tags and not ids:
            continue
        if set(tags or ()) <= set(deployment.get("tags") or ()) and (not ids or deployment["id"] in ids):
            found.append(str(queue.get("name")))
    about = _full_name(deployment)
    if len(found) > 1:
        work.left(f"several work queues took its runs ({', '.join(found)}): it is given to the first", about)
    return found[0] if found else None


def _same_names(work: _Work) -> None:
    """Tells of entries that Prefect 3 cannot tell apart: it names the flow by what the entrypoint loads."""
    for (name, entrypoint, _), abouts in work.written.items():
        if len(abouts) > 1:
            work.left(
                f"several flows have a deployment `{name}` of the entrypoint {entrypoint}, which is one flow on Prefect 3: "
                "the last one registered stays. Rename or remove the others",
                ", ".join(abouts),
            )


def _automations(work: _Work) -> None:
    """Tells of the automations that run, pause or resume a deployment: they refer to it by the id it had."""
    names = {str(each["id"]): _full_name(each) for each in work.registered.deployments}
    for automation in work.registered.automations:
        ids = {
            str(action.get("deployment_id"))
            for action in automation.get("actions") or ()
            if isinstance(action, Mapping)
        }
        text = json.dumps(automation.get("trigger"))
        for identity, about in names.items():
            if identity in ids or identity in text:
                work.left(
                    f"the automation `{automation.get('name')}` refers to it: make it anew on the Prefect 3 server",
                    about,
                )


def _blocks_in(value: Any) -> set[str]:
    """`slug/name` of every block that a value refers to."""
    if isinstance(value, str):
        return {f"{slug}/{name}" for slug, name in BLOCK.findall(value.replace("{{ literal }}", ""))}
    if isinstance(value, Mapping):
        slug, name = value.get("block_type_slug"), value.get("block_document_name")
        own = {f"{slug}/{name}"} if slug and name else set()
        return own.union(*(_blocks_in(inner) for inner in value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*(_blocks_in(inner) for inner in value))
    return set()


# -- the report


def commands(pool: Pool, templates: str = "") -> list[str]:
    """The shell lines that make a work pool and its queues, on 3.0 as on 3.8. `templates` is the directory of templates."""
    name = shlex.quote(pool.name)
    line = f"prefect work-pool create {name} --type {shlex.quote(pool.type)}"
    if pool.template is not None:
        line += f" --base-job-template {shlex.quote(f'{templates.rstrip(chr(47))}/{pool.template_file}' if templates else pool.template_file)}"
    if pool.paused:
        line += " --paused"
    lines = [line]
    if pool.limit is not None:
        lines.append(f"prefect work-pool set-concurrency-limit {name} {pool.limit}")
    if pool.description:
        lines.append(f"prefect work-pool update {name} --description {shlex.quote(pool.description)}")
    # in the order of their priority: a queue that is put before others moves these back, as it did on 2.x
    for queue in sorted(pool.queues, key=lambda each: (each.priority or 0, each.name)):
        quoted = shlex.quote(queue.name)
        if queue.name != DEFAULT_QUEUE:
            limit = f" --limit {queue.limit}" if queue.limit is not None else ""
            priority = f" --priority {queue.priority}" if queue.priority is not None else ""
            lines.append(f"prefect work-queue create {quoted} --pool {name}{limit}{priority}")
        elif queue.limit is not None:
            lines.append(f"prefect work-queue set-concurrency-limit {quoted} {queue.limit} --pool {name}")
        if queue.paused:
            lines.append(f"prefect work-queue pause {quoted} --pool {name}")
    return lines


def report(done: Export, templates: Optional[str] = None, prefect_yaml: str = "prefect.yaml") -> str:
    """What to do beside the `prefect.yaml`, as a shell script: commands, and remarks as comments."""
    return "\n".join(_sections(done, templates, prefect_yaml)) + "\n"


def _sections(done: Export, templates: Optional[str], prefect_yaml: str) -> Iterator[str]:
    yield f"# {_number(done.count, 'deployment')} in {prefect_yaml}. On the Prefect 3 server (PREFECT_API_URL), in this order:"
    if done.pools:
        yield from ("", "# Work pools and work queues")
        for pool in done.pools:
            yield f"# {_one_line(pool.name)}: {pool.why}"
            if pool.template is not None and templates is None:
                yield f"# Its base job template is not written: `--templates DIR` writes it as {pool.template_file}"
            yield from commands(pool, templates or "")
    if done.packages:
        yield from (
            "",
            "# Beside Prefect, where the workers run",
            f"pip install {' '.join(map(shlex.quote, done.packages))}",
        )
    if done.secrets or done.make_blocks:
        yield from ("", "# Blocks to be made anew: put the values in the place of ... (no secret was written anywhere)")
        for name, places in done.secrets.items():
            yield f"# {_some(places)}"
            yield _python(f'from prefect.blocks.system import Secret; Secret(value=...).save("{name}")')
        for statement in done.make_blocks:
            yield _python(statement)
    if done.need_blocks:
        yield from (
            "",
            "# Blocks that are referred to and have to be there (`prefect block ls`), those of pull steps before deploying",
        )
        yield from (f"# {_one_line(each)}" for each in done.need_blocks)
    yield from _deploying(done, prefect_yaml)
    if done.pools:
        yield from ("", "# Workers, in the place of agents: each where its agent ran, until it is stopped")
        for pool in done.pools:
            if ":" in pool.type:
                yield f"# {_one_line(pool.name)} needs none: its runs are started by Prefect Cloud"
            else:
                yield f"# prefect worker start --pool {shlex.quote(pool.name)} --type {shlex.quote(pool.type)}"
    if done.by_hand:
        yield from ("", "# What is left to be done by hand")
        yield from _remarks(done.by_hand)
    if done.to_know:
        yield from ("", "# What to know")
        yield from (f"# - {_one_line(remark)}: {_some(abouts)}" for remark, abouts in done.to_know.items())


def _deploying(done: Export, prefect_yaml: str) -> Iterator[str]:
    yield from ("", "# Deployments")
    if done.variables:
        yield "# These secrets were parameters: `prefect deploy` takes them from its environment, and registers an empty text without"
        for name, places in done.variables.items():
            yield f"# {name}: {_some(places)}"
    roots = {root: abouts for root, abouts in done.roots.items() if root}
    if len(roots) > 1:
        yield "# `prefect deploy` loads each flow from its entrypoint, which is relative to one of these directories:"
        for root, abouts in sorted(roots.items()):
            yield f"#   {_one_line(root)}: {_some(abouts)}"
        yield "# Run it where all entrypoints can be found, or in each directory with the part of the file that belongs there"
    elif roots:
        yield f"# in {_one_line(next(iter(roots)))}, or a copy of it: `prefect deploy` loads each flow from its entrypoint"
    else:
        yield "# in a copy of the code: `prefect deploy` loads each flow from its entrypoint"
    yield f"prefect --no-prompt deploy --all --prefect-file {shlex.quote(prefect_yaml)}"


def _remarks(remarks: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for remark, abouts in remarks.items():
        yield f"# - {_one_line(remark)}:"
        yield from (f"#     {_one_line(about)}" for about in abouts)


def _python(statement: str) -> str:
    return f"# python -c {shlex.quote(statement)}"


def _some(abouts: Sequence[str]) -> str:
    shown = ", ".join(map(_one_line, abouts[:3]))
    return shown if len(abouts) <= 3 else f"{shown} and {len(abouts) - 3} more"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _number(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
