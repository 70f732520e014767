"""What a Prefect 2 server or workspace holds of deployments, read through its REST API.

Only GET requests and POST requests to `.../filter` and `.../count` are sent: nothing is changed there. Block documents
are asked for without their secrets. The routes are those of 2.0 to 2.20; what a server is too old for (work pools came
with 2.8, automations of the open-source server with 2.20) is simply not there.

httpx is imported when a request is made.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Optional
from urllib.parse import quote, urlsplit, urlunsplit

if TYPE_CHECKING:
    import httpx

PAGE = 200
"""The most that the API gives in one answer (PREFECT_API_DEFAULT_LIMIT; more is refused with 422)."""

ATTEMPTS = 5
BUSY = frozenset({429, 500, 502, 503, 504})
"""Answers that a pause may mend."""

LONGEST_PAUSE = 30.0

AGENT = "prefect-agent"
"""The type of the work pools that agents served."""

CLOUD_UI = re.compile(r"https?://app\.prefect\.cloud/(?:.*?)account/([^/]+)/workspace/([^/?#]+)")

OnProgress = Callable[[int, int], None]
"""Called with the number of things read and the number expected."""


class ServerError(Exception):
    """What was asked for could not be read; the message names the address and what to do."""


@dataclass(frozen=True)
class Registered:
    """What is registered: deployments as the API gives them, with their flow's name and their blocks put in.

    `deployments` have `flow_name`, `infrastructure` and `storage` (block documents, None where there is none) beside
    the API's own keys, sorted by flow and name. `queues` are work queues with `work_pool_name` (None before 2.8).
    `version` is None where the server does not tell, as Prefect Cloud.
    """

    api_url: str
    version: Optional[str]
    deployments: tuple[Mapping[str, Any], ...]
    pools: tuple[Mapping[str, Any], ...] = ()
    queues: tuple[Mapping[str, Any], ...] = ()
    automations: tuple[Mapping[str, Any], ...] = ()
    blocks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Block documents, by id, that parameters, job variables, pull steps and templates refer to by `$ref`."""
    default_templates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The base job template that the server's release gives a new work pool, by type; empty where it does not tell."""
    notes: tuple[str, ...] = ()


def read(
    api_url: str,
    api_key: Optional[str] = None,
    *,
    on_progress: Optional[OnProgress] = None,
    transport: Optional[httpx.BaseTransport] = None,
    sleep: Callable[[float], None] = time.sleep,
    timeout: float = 60.0,
) -> Registered:
    """Everything about deployments that the API at `api_url` (with `/api`, or a workspace's address) holds.

    A server that is busy or fails for a moment is asked again, with pauses. Raises ServerError.
    """
    url = _checked(api_url)
    with _connected(url, api_key, transport, sleep, timeout) as api:
        version = _version(api)
        notes: list[str] = []
        deployments = _deployments(api, on_progress, notes)
        flows = _by_id(api, "flows", [each["flow_id"] for each in deployments])
        wanted = [
            each[key]
            for each in deployments
            for key in ("infrastructure_document_id", "storage_document_id")
            if each.get(key)
        ]
        blocks = _by_id(api, "block_documents", wanted)
        pools, queues = _pools_and_queues(api)
        automations = _automations(api)
        referred = _by_id(api, "block_documents", sorted(_referred([deployments, pools])))
        templates = _default_templates(api) if any(pool.get("type") != AGENT for pool in pools) else {}
    complete = [_complete(each, flows, blocks) for each in deployments]
    complete.sort(key=lambda each: (str(each["flow_name"]), str(each["name"]), str(each["id"])))
    return Registered(
        api.shown,
        version,
        tuple(complete),
        tuple(pools),
        tuple(queues),
        tuple(automations),
        referred,
        templates,
        tuple(notes),
    )


@dataclass
class _Api:
    """A connection: `get` and `filter`, with retries. `shown` is the address without a password in it."""

    client: httpx.Client
    url: str
    shown: str
    has_key: bool
    sleep: Callable[[float], None]
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, route: str, attempts: int = ATTEMPTS) -> Optional[Any]:
        """The decoded answer, None for 404. Raises ServerError."""
        return self._ask("GET", route, None, attempts)

    def filter(self, route: str, body: Mapping[str, Any]) -> Optional[Any]:
        """The decoded answer to a POST, None where there is no such route. Raises ServerError."""
        return self._ask("POST", route, body)

    def _ask(
        self, method: str, route: str, body: Optional[Mapping[str, Any]], attempts: int = ATTEMPTS
    ) -> Optional[Any]:
        response = self._answer(method, route, body, attempts)
        if response.status_code == 403 and "csrf" in response.text.lower() and not self.headers:
            self._take_csrf_token()
            response = self._answer(method, route, body, attempts)
        status = response.status_code
        if status in (404, 405):
            return None
        if status in (401, 403):
            raise ServerError(_refused(self, status))
        if 300 <= status < 400:
            raise ServerError(
                f"{self.shown}/{route} redirects to {_without_password(response.headers.get('location', '?'))}: "
                "give `--api-url` the address that it redirects to"
            )
        if status >= 400:
            kind = _NotUnderstood if status == 422 else ServerError
            raise kind(f"{self.shown}/{route} answered {status}: {_excerpt(response)}")
        return _decoded(self, route, response)

    def _answer(self, method: str, route: str, body: Optional[Mapping[str, Any]], attempts: int) -> httpx.Response:
        import httpx

        for attempt in range(1, attempts + 1):
            pause = min(0.5 * 2.0 ** (attempt - 1), LONGEST_PAUSE)
            try:
                response = self.client.request(method, f"{self.url}/{route}", json=body, headers=self.headers)
            except httpx.ConnectError as error:
                raise ServerError(_no_connection(self, error)) from error
            except httpx.TimeoutException as error:
                failure = f"{self.shown}/{route} did not answer in time"
                problem: Exception = error
            except httpx.TransportError as error:
                failure = f"{self.shown}/{route}: the connection broke ({error or type(error).__name__})"
                problem = error
            except (httpx.InvalidURL, UnicodeError) as error:
                raise ServerError(f"{self.shown} is no address: {error}") from error
            else:
                if response.status_code not in BUSY:
                    return response
                failure = f"{self.shown}/{route} answered {response.status_code}: {_excerpt(response)}"
                problem = ServerError(failure)
                pause = _asked_pause(response, pause)
            if attempt < attempts:
                self.sleep(pause)
        raise ServerError(
            f"{failure} ({attempts} attempts). Try again later; `prefect server` prints its errors on its own terminal"
        ) from problem

    def _take_csrf_token(self) -> None:
        """A server with PREFECT_SERVER_CSRF_PROTECTION_ENABLED (2.19 on) wants a token with each POST."""
        name = str(uuid.uuid4())
        told = self.get(f"csrf-token?client={name}")
        if isinstance(told, Mapping) and told.get("token"):
            self.headers = {"Prefect-Csrf-Token": str(told["token"]), "Prefect-Csrf-Client": name}


@contextmanager
def _connected(
    url: str,
    api_key: Optional[str],
    transport: Optional[httpx.BaseTransport],
    sleep: Callable[[float], None],
    timeout: float,
) -> Iterator[_Api]:
    import httpx

    headers = {"Accept": "application/json", "User-Agent": "prefect-migrator"}
    if api_key:
        if not api_key.isascii() or not api_key.isprintable():
            raise ServerError("the API key has characters that no key has: is it complete, and without a line break?")
        headers["Authorization"] = f"Bearer {api_key}"
    try:
        client = httpx.Client(
            headers=headers, timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)), transport=transport
        )
    except (OSError, ValueError, ImportError) as error:
        raise ServerError(f"no connection can be made with the settings of this machine: {error}") from error
    with client:
        yield _Api(client, url, _without_password(url), bool(api_key), sleep)


def _checked(api_url: str) -> str:
    """The address without what is too much at its end. Raises ServerError for what cannot be one."""
    given = api_url.strip()
    shown = _without_password(given)
    in_browser = CLOUD_UI.match(given)
    if in_browser:
        account, workspace = in_browser.groups()
        raise ServerError(
            f"{shown} is a page for the browser. The API of that workspace is "
            f"https://api.prefect.cloud/api/accounts/{account}/workspaces/{workspace}"
        )
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError as error:
        raise ServerError(f"{shown} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ServerError(f"{shown} is no address of an API: it looks like http://127.0.0.1:4200/api")
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def _version(api: _Api) -> Optional[str]:
    """The version that the server tells; None for Prefect Cloud, which tells none. Raises ServerError for Prefect 3."""
    told = None
    if not (urlsplit(api.url).hostname or "").endswith("prefect.cloud"):
        with suppress(_NoApi):
            told = api.get("admin/version")
    if isinstance(told, str) and re.match(r"\d+\.", told):
        if not told.startswith("2."):
            raise ServerError(
                f"{api.shown} is Prefect {told} already: there is nothing to move. Give the address of the 2.x server"
                if told.startswith("3.")
                else f"{api.shown} is Prefect {told}; only what a 2.x server holds can be exported"
            )
        return told
    if told is not None:
        raise ServerError(_no_api(api, f"it gives {str(told)[:40]!r} as its version"))
    with suppress(_NoApi):
        if api.filter("deployments/filter", {"limit": 1}) is not None:
            return None
    raise ServerError(_no_api(api, "it does not know `/admin/version` and `/deployments/filter`"))


def _deployments(api: _Api, on_progress: Optional[OnProgress], notes: list[str]) -> list[dict[str, Any]]:
    """All deployments, each once.

    Pages are cut from the newest on, because names repeat and an order by name alone shifts between two requests. What
    is registered meanwhile only moves the rest further back. `sort` is ignored by servers that do not have it (2.0).
    """
    counted = api.filter("deployments/count", {})
    total = counted if isinstance(counted, int) else 0
    found: dict[str, dict[str, Any]] = {}
    for sort in ("CREATED_DESC", "NAME_ASC", "NAME_DESC"):
        for page in _pages(api, "deployments/filter", {"sort": sort}):
            found.update((str(each["id"]), dict(each)) for each in page)
            if on_progress is not None:
                on_progress(len(found), max(total, len(found)))
        if len(found) >= total:
            break
    else:
        notes.append(f"the server counts {total} deployments, but gives only {len(found)}")
    return list(found.values())


def _pages(api: _Api, route: str, body: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
    """The answers to a filter, page by page; nothing where the route is not there."""
    offset = 0
    while True:
        answer = api.filter(route, {**body, "limit": PAGE, "offset": offset})
        if answer is None:
            return
        page = _records(api, route, answer)
        yield page
        if len(page) < PAGE:
            return
        offset += len(page)


def _records(api: _Api, route: str, answer: Any) -> list[Mapping[str, Any]]:
    if not isinstance(answer, list) or not all(isinstance(each, Mapping) and "id" in each for each in answer):
        raise ServerError(f"{api.shown}/{route} answered with something else than a list: {str(answer)[:80]}")
    return answer


def _by_id(api: _Api, kind: str, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The flows or block documents with these ids; those that are gone are missing.

    A filter on block documents leaves out anonymous ones unless `is_anonymous` is null. The first 2.x servers cannot
    filter them by id: what is missing is asked for one by one.
    """
    wanted = sorted(set(map(str, ids)))
    found: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(wanted), PAGE):
        some = wanted[start : start + PAGE]
        chosen: dict[str, Any] = {"id": {"any_": some}}
        body: dict[str, Any] = {kind: chosen, "limit": PAGE}
        if kind == "block_documents":
            chosen["is_anonymous"] = None
            body["include_secrets"] = False
        answer = None
        with suppress(_NotUnderstood):
            answer = api.filter(f"{kind}/filter", body)
        for each in [] if answer is None else _records(api, f"{kind}/filter", answer):
            found[str(each["id"])] = each
        for missing in some:
            if missing not in found:
                single = api.get(f"{kind}/{missing}")
                if isinstance(single, Mapping):
                    found[missing] = single
    return found


def _pools_and_queues(api: _Api) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Work pools (none before 2.8) and work queues, the latter with `work_pool_name`, each sorted by name."""
    pools = [each for page in _pages(api, "work_pools/filter", {}) for each in page]
    pools.sort(key=lambda each: str(each.get("name")))
    queues: list[Mapping[str, Any]] = []
    if pools:
        for pool in pools:
            name = str(pool.get("name"))
            for page in _pages(api, f"work_pools/{quote(name, safe='')}/queues/filter", {}):
                queues += [{**each, "work_pool_name": name} for each in page]
    else:
        queues = [each for page in _pages(api, "work_queues/filter", {}) for each in page]
    queues.sort(key=lambda each: (str(each.get("work_pool_name") or ""), str(each.get("name"))))
    return pools, queues


def _automations(api: _Api) -> list[Mapping[str, Any]]:
    """The automations; none where the server (before 2.20), or the key's role, does not give them."""
    try:
        found = [each for page in _pages(api, "automations/filter", {}) for each in page]
    except ServerError:
        return []
    return sorted(found, key=lambda each: (str(each.get("name")), str(each.get("id"))))


def _referred(value: Any) -> set[str]:
    """The ids of all block documents that a value refers to by `$ref`."""
    if isinstance(value, Mapping):
        target = value.get("$ref")
        if isinstance(target, Mapping) and target.get("block_document_id"):
            return {str(target["block_document_id"])}
        return {found for inner in value.values() for found in _referred(inner)}
    if isinstance(value, list):
        return {found for inner in value for found in _referred(inner)}
    return set()


def _default_templates(api: _Api) -> dict[str, Mapping[str, Any]]:
    """The base job templates by type of work pool (2.9 on); none where the server does not tell."""
    try:
        told = api.get("collections/views/aggregate-worker-metadata", attempts=1)
    except ServerError:
        return {}
    found: dict[str, Mapping[str, Any]] = {}
    for package in told.values() if isinstance(told, Mapping) else ():
        for worker in package.values() if isinstance(package, Mapping) else ():
            template = worker.get("default_base_job_configuration") if isinstance(worker, Mapping) else None
            if isinstance(template, Mapping):
                found[str(worker.get("type"))] = template
    return found


def _complete(
    deployment: Mapping[str, Any], flows: Mapping[str, Mapping[str, Any]], blocks: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    flow = flows.get(str(deployment.get("flow_id")), {})
    return {
        **deployment,
        "flow_name": flow.get("name"),
        "infrastructure": blocks.get(str(deployment.get("infrastructure_document_id"))),
        "storage": blocks.get(str(deployment.get("storage_document_id"))),
    }


class _NotUnderstood(ServerError):
    """The server does not know something in the request (422): it is too old for it."""


class _NoApi(ServerError):
    """The answer is no JSON: what answers is a web page or another program."""


def _decoded(api: _Api, route: str, response: httpx.Response) -> Any:
    if not response.content:
        return []
    try:
        return response.json()
    except ValueError as error:
        kind = response.headers.get("content-type", "")
        if "html" in kind or response.text.lstrip()[:1] == "<":
            raise _NoApi(_no_api(api, f"`/{route}` is a web page")) from error
        raise _NoApi(
            f"{api.shown}/{route} answered with broken JSON ({error}): {_excerpt(response)}. "
            "Is a proxy between here and the server?"
        ) from error


def _no_api(api: _Api, why: str) -> str:
    """What to say of an address that is no API, with the right one where that can be told."""
    import httpx

    message = f"{api.shown} is not the API of a Prefect server: {why}."
    if urlsplit(api.url).path.endswith("/api"):
        return message
    with suppress(httpx.HTTPError):
        response = api.client.get(f"{api.url}/api/admin/version")
        if response.status_code == 200 and re.match(r'"\d+\.', response.text):
            return f"{message} It is {api.shown}/api: give `--api-url {api.shown}/api`"
    return (
        f"{message} Its address ends in `/api` (http://127.0.0.1:4200/api), that of a workspace of Prefect Cloud is "
        "https://api.prefect.cloud/api/accounts/ACCOUNT/workspaces/WORKSPACE; `prefect config view` shows it as "
        "PREFECT_API_URL"
    )


def _refused(api: _Api, status: int) -> str:
    if status == 401 and not api.has_key:
        return f"{api.shown} wants an API key (401): give `--api-key`, or set PREFECT_API_KEY"
    if status == 401:
        return f"{api.shown} does not take this API key (401): is it complete, and has it not expired?"
    if not api.has_key:
        return f"{api.shown} refuses to answer without an API key (403): give `--api-key`, or set PREFECT_API_KEY"
    return (
        f"{api.shown} refuses this API key (403): it is of another workspace, or its role may not read deployments, "
        "work pools and blocks"
    )


def _no_connection(api: _Api, error: Exception) -> str:
    said = str(error)
    if "certificate" in said.lower() or "ssl" in said.lower():
        return f"{api.shown}: no secure connection ({said}). SSL_CERT_FILE names the certificates of your own authority"
    if "name or service not known" in said.lower() or "nodename" in said.lower() or "getaddrinfo" in said.lower():
        return f"{api.shown}: there is no machine `{urlsplit(api.url).hostname}` ({said})"
    return (
        f"nothing answers at {api.shown} ({said}): is the server running (`prefect server start`), and is the address "
        "right?"
    )


def _asked_pause(response: httpx.Response, otherwise: float) -> float:
    """The pause that the answer asks for in seconds, within reason."""
    try:
        return min(max(float(response.headers["retry-after"]), 0.0), LONGEST_PAUSE)
    except (KeyError, ValueError):
        return otherwise


def _excerpt(response: httpx.Response) -> str:
    """The beginning of an answer on one line, for a message."""
    text = " ".join(response.text.split())
    return text if len(text) <= 200 else f"{text[:200]}..."


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//***@", url)
