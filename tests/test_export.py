"""`migrator deployments export`: what is read from a server, what is written, and what is said where something is wrong."""

from __future__ import annotations

import http.server
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from migrator import cli
from migrator.deployments.export import Export, commands, export, report
from migrator.deployments.hiding import PLACEHOLDER, Secrets, literal
from migrator.deployments.server import ATTEMPTS, PAGE, Registered, ServerError, read

URL = "http://prefect.example:4200/api"


def deployment(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A deployment as the API of 2.20 gives it."""
    return {
        "id": f"d{number}",
        "created": "2024-01-01T00:00:00+00:00",
        "name": f"daily {number}",
        "version": "1",
        "description": "Daily.",
        "flow_id": "f1",
        "schedule": None,
        "is_schedule_active": True,
        "paused": False,
        "schedules": [],
        "infra_overrides": {},
        "parameters": {},
        "tags": [],
        "work_queue_name": "default",
        "work_pool_name": "local",
        "path": "/srv/flows",
        "pull_steps": None,
        "entrypoint": "etl.py:etl",
        "manifest_path": None,
        "storage_document_id": None,
        "infrastructure_document_id": None,
        "enforce_parameter_schema": False,
        "parameter_openapi_schema": {"type": "object", "properties": {}},
        **fields,
    }


def block(identity: str, slug: str, data: dict[str, Any], name: Optional[str] = None, **fields: Any) -> dict[str, Any]:
    """A block document as the API gives it."""
    return {
        "id": identity,
        "name": name or f"anonymous-{identity}",
        "is_anonymous": name is None,
        "data": data,
        "block_type": {"slug": slug, "name": slug},
        "block_schema": {"fields": {}},
        "block_document_references": {},
        **fields,
    }


def pool(name: str, kind: str, **fields: Any) -> dict[str, Any]:
    """A work pool as the API gives it."""
    template = {"job_configuration": {}, "variables": {"properties": {}}}
    return {
        "id": f"p-{name}",
        "name": name,
        "type": kind,
        "base_job_template": template,
        "is_paused": False,
        "concurrency_limit": None,
        **fields,
    }


def queue(name: str, **fields: Any) -> dict[str, Any]:
    """A work queue as the API gives it."""
    return {
        "id": f"q-{name}",
        "name": name,
        "priority": 1,
        "concurrency_limit": None,
        "is_paused": False,
        "filter": None,
        **fields,
    }


class Api:
    """Stands in for a server: answers as one, and keeps what it was asked."""

    def __init__(self, *deployments: dict[str, Any], version: Optional[str] = "2.20.26") -> None:
        self.version = version
        self.deployments = list(deployments)
        self.flows = [{"id": "f1", "name": "etl"}, {"id": "f2", "name": "load"}]
        self.blocks: list[dict[str, Any]] = []
        self.pools: Optional[list[dict[str, Any]]] = [pool("local", "process")]
        self.queues: dict[str, list[dict[str, Any]]] = {}
        self.automations: Optional[list[dict[str, Any]]] = []
        self.metadata: Any = {
            "prefect": {
                "process": {
                    "type": "process",
                    "default_base_job_configuration": pool("x", "process")["base_job_template"],
                }
            }
        }
        self.first: list[httpx.Response | Exception] = []
        """What the first requests are answered with instead."""
        self.refused: set[str] = set()
        """Routes whose body is not understood."""
        self.asked: list[tuple[str, str, Any]] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        route = request.url.path.partition("/api/")[2]
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.method, route, body))
        if self.first:
            answer = self.first.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        if route in self.refused:
            return httpx.Response(422, json={"exception_message": "Invalid request received."})
        found = self._found(route, body or {})
        return httpx.Response(404, json={"detail": "Not Found"}) if found is None else httpx.Response(200, json=found)

    def _found(self, route: str, body: dict[str, Any]) -> Any:
        if route == "admin/version":
            return self.version
        if route == "deployments/count":
            return len(self.deployments)
        if route == "collections/views/aggregate-worker-metadata":
            return self.metadata
        kind, _, identity = route.partition("/")
        if kind in ("flows", "block_documents"):
            held = self.flows if kind == "flows" else self.blocks
            if identity != "filter":
                return next((each for each in held if each["id"] == identity), None)
            ids = body[kind]["id"]["any_"]
            return [each for each in held if each["id"] in ids][: body["limit"]]
        listed: Any = {
            "deployments/filter": self.deployments,
            "work_pools/filter": self.pools,
            "work_queues/filter": self.queues.get("", []),
            "automations/filter": self.automations,
        }.get(route)
        in_pool = re.fullmatch(r"work_pools/(.+)/queues/filter", route)
        if in_pool:
            listed = self.queues.get(in_pool.group(1), [])
        return None if listed is None else listed[body.get("offset", 0) :][: body["limit"]]

    def read(self, url: str = URL, key: Optional[str] = None, **options: Any) -> Registered:
        """What is read from it."""
        return read(url, key, transport=httpx.MockTransport(self), sleep=self.pauses.append, **options)

    def export(self, work_pool: Optional[str] = None) -> Export:
        return export(self.read(), work_pool)


def items(done: Export) -> list[dict[str, Any]]:
    """The entries of the prefect.yaml, read as Prefect reads them."""
    found = yaml.safe_load(done.text)["deployments"]
    assert isinstance(found, list)
    return found


def registered_by_prefect(value: Any) -> Any:
    """A value of a prefect.yaml after what `prefect deploy` does with placeholders (`_run_single_deploy` of 3.8)."""

    def filled(text: str) -> str:
        for placeholder in {found.group() for found in PLACEHOLDER.finditer(text)}:
            text = text.replace(placeholder, "")
        return text

    if isinstance(value, str):
        return filled(value)
    if isinstance(value, dict):
        return {key: registered_by_prefect(inner) for key, inner in value.items()}
    return [registered_by_prefect(inner) for inner in value] if isinstance(value, list) else value


# -- what is read


def test_only_reading_requests_are_sent() -> None:
    api = Api(deployment())
    api.read()
    for method, route, _ in api.asked:
        assert method == "GET" or (method == "POST" and route.endswith(("/filter", "/count")))


def test_thousands_of_deployments_come_in_pages_of_what_the_api_allows() -> None:
    api = Api(*(deployment(number) for number in range(1001)))
    told: list[tuple[int, int]] = []
    found = api.read(on_progress=lambda done, total: told.append((done, total)))
    assert len(found.deployments) == 1001
    pages = [body for _, route, body in api.asked if route == "deployments/filter"]
    assert [page["offset"] for page in pages] == [0, 200, 400, 600, 800, 1000]
    assert {page["limit"] for page in pages} == {PAGE}
    assert told == [(200, 1001), (400, 1001), (600, 1001), (800, 1001), (1000, 1001), (1001, 1001)]


def test_a_full_last_page_ends_the_reading() -> None:
    assert len(Api(*(deployment(number) for number in range(400))).read().deployments) == 400


def test_a_deployment_that_two_pages_show_is_there_once() -> None:
    api = Api(*(deployment(number) for number in range(250)))
    shifted = api.deployments[190:200]
    whole = api._found

    def overlapping(route: str, body: dict[str, Any]) -> Any:
        found = whole(route, body)
        return shifted + found if route == "deployments/filter" and body.get("offset") == 200 else found

    api._found = overlapping  # type: ignore[method-assign]
    assert len(api.read().deployments) == 250


def test_what_no_page_shows_is_told() -> None:
    api = Api(deployment())
    whole = api._found
    api._found = lambda route, body: 3 if route == "deployments/count" else whole(route, body)  # type: ignore[method-assign]
    assert "counts 3 deployments, but gives only 1" in report(api.export())


def test_secrets_of_blocks_are_never_asked_for_and_anonymous_blocks_are() -> None:
    api = Api(deployment(infrastructure_document_id="b1"))
    api.blocks = [block("b1", "process", {"env": {}})]
    api.read()
    [asked] = [body for _, route, body in api.asked if route == "block_documents/filter"]
    assert asked["include_secrets"] is False
    assert asked["block_documents"] == {"id": {"any_": ["b1"]}, "is_anonymous": None}


@pytest.mark.parametrize("refused", [False, True])
def test_blocks_that_an_old_server_cannot_filter_by_id_are_read_one_by_one(refused: bool) -> None:
    api = Api(deployment(infrastructure_document_id="b1"))
    api.blocks = [block("b1", "process", {"env": {"A": "1"}})]
    whole = api._found
    if refused:
        api.refused = {"block_documents/filter"}
    else:
        api._found = lambda route, body: [] if route == "block_documents/filter" else whole(route, body)  # type: ignore[method-assign]
    [found] = api.read().deployments
    assert found["infrastructure"]["data"] == {"env": {"A": "1"}}


def test_a_server_without_work_pools_is_read() -> None:
    api = Api(deployment(work_pool_name=None, work_queue_name="night"), version="2.6.9")
    api.pools, api.automations, api.queues = None, None, {"": [queue("night", concurrency_limit=2)]}
    done = api.export()
    assert items(done)[0]["work_pool"] == {"name": "process", "work_queue_name": "night"}
    assert commands(done.pools[0]) == [
        "prefect work-pool create process --type process",
        "prefect work-queue create night --pool process --limit 2 --priority 1",
    ]


def test_prefect_cloud_is_not_asked_for_its_version() -> None:
    api = Api(deployment(), version="3.0.0")
    url = "https://api.prefect.cloud/api/accounts/a/workspaces/w"

    def answer(request: httpx.Request) -> httpx.Response:
        return api(httpx.Request(request.method, str(request.url).replace(url, URL), content=request.content))

    found = read(url, "pnu_1", transport=httpx.MockTransport(answer))
    assert found.version is None and len(found.deployments) == 1


def test_a_server_that_tells_no_version_is_read() -> None:
    assert Api(deployment(), version=None).read().version is None


def test_the_key_goes_in_the_header() -> None:
    seen: list[Optional[str]] = []
    api = Api(deployment())

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return api(request)

    read(URL, "pnu_abc", transport=httpx.MockTransport(answer))
    assert set(seen) == {"Bearer pnu_abc"}


def test_a_server_with_csrf_protection_is_given_its_token() -> None:
    api = Api(deployment())

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/csrf-token"):
            return httpx.Response(200, json={"token": "t1", "client": request.url.params["client"]})
        if request.method == "POST" and request.headers.get("prefect-csrf-token") != "t1":
            return httpx.Response(403, json={"detail": "Missing CSRF token."})
        return api(request)

    assert len(read(URL, transport=httpx.MockTransport(answer)).deployments) == 1


# -- what is wrong


def said(api: Api, url: str = URL, key: Optional[str] = None) -> str:
    with pytest.raises(ServerError) as caught:
        api.read(url, key)
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "is no address of an API"),
        ("prefect.example:4200/api", "is no address of an API"),
        ("ftp://prefect.example/api", "is no address of an API"),
        ("http://", "is no address of an API"),
        ("http://host:99999/api", "is no address"),
        ("http://[::1/api", "is no address"),
        (
            "https://app.prefect.cloud/account/a-1/workspace/w-2/flows",
            "The API of that workspace is https://api.prefect.cloud/api/accounts/a-1/workspaces/w-2",
        ),
    ],
)
def test_what_is_no_address_is_refused_before_anything_is_sent(url: str, message: str) -> None:
    api = Api()
    assert message in said(api, url)
    assert not api.asked


def test_prefect_3_is_refused() -> None:
    assert "http://prefect.example:4200/api is Prefect 3.8.8 already" in said(Api(version="3.8.8"))


def test_a_page_where_the_api_should_be_is_told_with_the_right_address() -> None:
    api = Api(deployment())

    def answer(request: httpx.Request) -> httpx.Response:
        if not request.url.path.startswith("/api"):
            return httpx.Response(200, html="<!doctype html><html></html>")
        return api(request)

    with pytest.raises(ServerError, match=r"give `--api-url http://prefect\.example:4200/api`"):
        read("http://prefect.example:4200", transport=httpx.MockTransport(answer))


@pytest.mark.parametrize("answer", [httpx.Response(200, html="<html></html>"), httpx.Response(404, text="not found")])
def test_another_server_is_told(answer: httpx.Response) -> None:
    with pytest.raises(ServerError, match=r"http://prefect\.example/x is not the API .* ends in `/api`"):
        read("http://prefect.example/x", transport=httpx.MockTransport(lambda request: answer))


@pytest.mark.parametrize(
    ("status", "key", "message"),
    [
        (401, None, "wants an API key (401): give `--api-key`, or set PREFECT_API_KEY"),
        (401, "pnu_1", "does not take this API key (401)"),
        (403, None, "without an API key (403)"),
        (403, "pnu_1", "refuses this API key (403)"),
    ],
)
def test_a_refusal_says_what_to_do_about_the_key(status: int, key: Optional[str], message: str) -> None:
    api = Api()
    api.first = [httpx.Response(status, json={"detail": "no"})]
    told = said(api, key=key)
    assert message in told and URL in told and "pnu_1" not in told


def test_a_key_with_a_line_break_is_told() -> None:
    assert "characters that no key has" in said(Api(), key="pnu_1\n")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(status: int) -> None:
    api = Api(deployment())
    api.first = [httpx.Response(status, text="busy"), httpx.Response(status, text="busy")]
    assert len(api.read().deployments) == 1
    assert api.pauses == [0.5, 1.0]


def test_the_pause_that_the_server_asks_for_is_kept_within_reason() -> None:
    api = Api(deployment())
    api.first = [httpx.Response(429, headers={"retry-after": after}) for after in ("3", "9999", "Wed, 21 Oct 2015")]
    api.read()
    assert api.pauses == [3.0, 30.0, 2.0]


def test_a_server_that_stays_broken_ends_the_run() -> None:
    api = Api()
    api.first = [httpx.Response(500, text="Internal   Server\nError")] * ATTEMPTS
    assert f"{URL}/admin/version answered 500: Internal Server Error ({ATTEMPTS} attempts)" in said(api)
    assert len(api.pauses) == ATTEMPTS - 1


@pytest.mark.parametrize("error", [httpx.ReadTimeout("slow"), httpx.ConnectTimeout("slow")])
def test_a_server_that_does_not_answer_in_time_is_told(error: Exception) -> None:
    api = Api()
    api.first = [error] * ATTEMPTS
    assert f"{URL}/admin/version did not answer in time" in said(api)


def test_a_connection_that_breaks_once_is_made_again() -> None:
    api = Api(deployment())
    api.first = [httpx.RemoteProtocolError("Server disconnected")]
    assert len(api.read().deployments) == 1


def test_an_unknown_machine_is_told() -> None:
    api = Api()
    api.first = [httpx.ConnectError("[Errno -2] Name or service not known")]
    assert "there is no machine `prefect.example`" in said(api)


def test_a_certificate_that_is_not_trusted_is_told() -> None:
    api = Api()
    api.first = [httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")]
    assert "SSL_CERT_FILE" in said(api)


def test_broken_json_is_told() -> None:
    api = Api()
    api.first = [
        httpx.Response(200, text='"2.20.26"'),
        httpx.Response(200, text="12"),
        httpx.Response(200, text='[{"id": "d'),
    ]
    assert f"{URL}/deployments/filter answered with broken JSON" in said(api)


def test_json_of_another_shape_is_told() -> None:
    api = Api()
    api.first = [
        httpx.Response(200, json="2.20.26"),
        httpx.Response(200, json=1),
        httpx.Response(200, json={"results": []}),
    ]
    assert f"{URL}/deployments/filter answered with something else than a list" in said(api)


def test_a_redirect_is_told_and_not_followed() -> None:
    api = Api()
    api.first = [httpx.Response(301, headers={"location": "https://prefect.example/api/admin/version"})]
    assert "redirects to https://prefect.example/api/admin/version" in said(api)
    assert len(api.asked) == 1


def test_a_password_in_the_address_is_not_repeated() -> None:
    told = said(Api(version="3.0.0"), "http://me:hidden@prefect.example/api")
    assert "http://***@prefect.example/api is Prefect 3.0.0" in told


# -- what is written


def test_a_deployment_is_an_entry_with_all_it_had() -> None:
    api = Api(
        deployment(
            description="Every night.\n\n* one\n",
            version="1.10",
            tags=["prod", "yes"],
            parameters={"rows": 3, "deep": {"a": [1, None, "no", "12:30:45", "b: c # d"]}},
            schedules=[
                {"schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin", "day_or": True}, "active": True},
                {
                    "schedule": {"interval": 90.0, "anchor_date": "2023-01-02T00:00:00+00:00", "timezone": "UTC"},
                    "active": False,
                },
            ],
            paused=True,
            work_queue_name="slow",
            infra_overrides={"env": {"REGION": "eu"}},
            enforce_parameter_schema=True,
        )
    )
    api.queues = {"local": [queue("default"), queue("slow", priority=2)]}
    done = api.export()
    assert items(done) == [
        {
            "name": "daily 1",
            "version": "1.10",
            "description": "Every night.\n\n* one\n",
            "tags": ["prod", "yes"],
            "entrypoint": "etl.py:etl",
            "parameters": {"rows": 3, "deep": {"a": [1, None, "no", "12:30:45", "b: c # d"]}},
            "enforce_parameter_schema": True,
            "schedules": [
                {"cron": "0 3 * * *", "timezone": "Europe/Berlin"},
                {"interval": 90, "anchor_date": "2023-01-02T00:00:00+00:00", "timezone": "UTC", "active": False},
            ],
            "paused": True,
            "pull": [{"prefect.deployments.steps.set_working_directory": {"directory": "/srv/flows"}}],
            "work_pool": {"name": "local", "work_queue_name": "slow", "job_variables": {"env": {"REGION": "eu"}}},
        }
    ]
    assert done.complete and not done.by_hand


def test_the_order_is_by_flow_and_name_and_the_text_the_same_each_time() -> None:
    several = [
        deployment(1, name="b"),
        deployment(2, name="a"),
        deployment(3, name="a", flow_id="f2"),
        deployment(4, name="A"),
    ]
    done = Api(*several).export()
    assert [item["name"] for item in items(done)] == ["A", "a", "b", "a"]
    assert Api(*reversed(several)).export().text == done.text


def test_no_deployment_at_all_is_a_list_without_items() -> None:
    done = Api().export()
    assert items(done) == [] and done.complete


def test_two_flows_of_one_file_are_two_entries() -> None:
    done = Api(
        deployment(1, name="daily"), deployment(2, name="daily", flow_id="f2", entrypoint="etl.py:load")
    ).export()
    assert [(item["name"], item["entrypoint"]) for item in items(done)] == [
        ("daily", "etl.py:etl"),
        ("daily", "etl.py:load"),
    ]
    assert not done.by_hand


def test_deployments_that_prefect_3_cannot_tell_apart_are_told() -> None:
    done = Api(deployment(1, name="daily"), deployment(2, name="daily", flow_id="f2")).export()
    [(remark, about)] = done.by_hand.items()
    assert "several flows have a deployment `daily`" in remark and about == ["etl/daily, load/daily"]


def test_the_same_file_and_name_in_two_directories_are_two_deployments() -> None:
    done = Api(deployment(1, name="daily"), deployment(2, name="daily", flow_id="f2", path="/srv/other")).export()
    assert len(items(done)) == 2 and not done.by_hand
    assert "/srv/other: load/daily" in report(done) and "/srv/flows: etl/daily" in report(done)


def test_what_has_no_entrypoint_is_left_out_and_told() -> None:
    done = Api(deployment(1, entrypoint=None, manifest_path="etl-manifest.json"), deployment(2)).export()
    assert len(items(done)) == 1
    assert any("its manifest is etl-manifest.json" in remark for remark in done.by_hand)


def test_braces_stay_what_they_are() -> None:
    text = "select {{ ds }}, {{ prefect.variables.x }}, {{ $HOME }}, {{a}}{{b}}, {{ not one }}, $HOME"
    done = Api(
        deployment(
            name="{{ name }}", description=text, tags=[text], version="{{ v }}", parameters={"sql": text, "deep": [{"x": text}]},
            infra_overrides={"env": {"SQL": text, "BLOCK": "{{ prefect.blocks.string.x }}"}},
        )
    ).export()  # fmt: skip
    [item] = items(done)
    assert PLACEHOLDER.findall(item["description"]) == ["{{ literal }}"] * 5
    item = registered_by_prefect(item)
    assert item["name"] == "{{ name }}" and item["description"] == text and item["tags"] == [text]
    assert item["version"] == "{{ v }}" and item["parameters"] == {"sql": text, "deep": [{"x": text}]}
    assert item["work_pool"]["job_variables"] == {"env": {"SQL": text, "BLOCK": "{{ prefect.blocks.string.x }}"}}
    assert done.need_blocks == ("string/x",)


@given(st.text(alphabet=st.sampled_from("{} xy.$-[]a\n"), max_size=40))
def test_every_text_is_registered_as_it_is(text: str) -> None:
    assert registered_by_prefect(literal(text)) == text


@given(
    name=st.text(min_size=1).filter(lambda text: text.strip() and not set(text) & set("/%&><")),
    tag=st.text(),
    key=st.text(),
)
def test_any_name_comes_back_as_it_was(name: str, tag: str, key: str) -> None:
    api = Api(
        deployment(
            name=name, tags=[tag], work_pool_name="p" + name, parameters={"x": {key: "v"}} if key != "$ref" else {}
        )
    )
    api.pools = [pool("p" + name, "process")]
    done = api.export()
    [item] = registered_by_prefect(items(done))
    assert item["name"] == name and item["work_pool"]["name"] == "p" + name
    assert item["tags"] == [tag]
    assert all(line.startswith(("#", "prefect ", "pip ")) or not line for line in _outside_quotes(report(done)))


def _outside_quotes(text: str) -> list[str]:
    """The lines of a shell script, what stands in quotes taken out."""
    return re.sub(r"'[^']*'", "''", text).split("\n")


def test_a_parameter_that_refers_to_a_block_is_left_out_and_told() -> None:
    done = Api(deployment(parameters={"rows": 1, "block": {"$ref": {"block_document_id": "b1"}}})).export()
    assert items(done)[0]["parameters"] == {"rows": 1}
    assert any("`block` refers to a block" in remark for remark in done.by_hand)


def test_pull_steps_stay() -> None:
    steps = [{"prefect.deployments.steps.git_clone": {"id": "clone", "repository": "https://x.example/y.git"}},
             {"prefect.deployments.steps.run_shell_script": {"script": "ls {{ clone.directory }}"}}]  # fmt: skip
    assert items(Api(deployment(pull_steps=steps)).export())[0]["pull"] == steps


def test_what_a_private_repository_needs_is_a_reference() -> None:
    api = Api(deployment(storage_document_id="b1", path=""))
    fields = {"repository": "https://github.com/o/r.git", "reference": "main", "access_token": "********"}
    api.blocks = [block("b1", "github", fields, "code")]
    done = api.export()
    [step] = items(done)[0]["pull"]
    inputs = step["prefect.deployments.steps.git_clone"]
    assert inputs["access_token"].startswith("{{ prefect.blocks.secret.")
    assert done.make_blocks and not done.complete
    assert "********" not in done.text


# -- work pools


def agents_api() -> Api:
    """A server with what agents ran: in processes, in a saved Docker block, in a saved job with patches."""
    api = Api(
        deployment(1, work_pool_name="default-agent-pool", infrastructure_document_id="b1"),
        deployment(2, work_pool_name="default-agent-pool", infrastructure_document_id="b2", work_queue_name="night"),
        deployment(3, work_pool_name="default-agent-pool", infrastructure_document_id="b2", work_queue_name="night",
                   infra_overrides={"env.B": "2", "image": "r/i:2"}),
        deployment(4, work_pool_name="default-agent-pool", infrastructure_document_id="b3", work_queue_name="night"),
    )  # fmt: skip
    patches = [{"op": "add", "path": "/spec/template/spec/nodeSelector", "value": {"gpu": "yes"}}]
    api.blocks = [
        block("b1", "process", {"env": {"A": "1"}, "stream_output": True}),
        block("b2", "docker-container", {"image": "r/i:1", "env": {"A": "1"}}, "etl-image"),
        block("b3", "kubernetes-job", {"image": "r/j:1", "namespace": "etl", "customizations": patches}, "etl-job"),
    ]
    api.pools = [pool("default-agent-pool", "prefect-agent"), pool("local", "process")]
    api.queues = {
        "default-agent-pool": [queue("default"), queue("night", concurrency_limit=5, priority=2), queue("unused")]
    }
    return api


def test_what_agents_ran_gets_a_pool_for_each_infrastructure_block() -> None:
    done = agents_api().export()
    assert [(each.name, each.type) for each in done.pools] == [
        ("local", "process"), ("etl-image", "docker"), ("etl-job", "kubernetes"), ("process", "process"),
    ]  # fmt: skip
    assert [item["work_pool"] for item in items(done)][:3] == [
        {"name": "process", "job_variables": {"env": {"A": "1"}}},
        {"name": "etl-image", "work_queue_name": "night", "job_variables": {"env": {"A": "1"}, "image": "r/i:1"}},
        {
            "name": "etl-image",
            "work_queue_name": "night",
            "job_variables": {"env": {"A": "1", "B": "2"}, "image": "r/i:2"},
        },
    ]
    assert commands(done.pools[1]) == [
        "prefect work-pool create etl-image --type docker",
        "prefect work-queue create night --pool etl-image --limit 5 --priority 2",
    ]
    assert list(done.templates) == ["etl-job.json"]
    assert '"gpu": "yes"' in done.templates["etl-job.json"]
    assert any("concurrency limit of 5" in remark for remark in done.by_hand)
    assert {"no deployment uses it: it is left out": ["work queue unused"]}.items() <= done.to_know.items()


def test_the_pool_for_what_agents_ran_can_be_named() -> None:
    assert [each.name for each in agents_api().export("new").pools] == [
        "local",
        "new-etl-image",
        "new-etl-job",
        "new-process",
    ]


def test_a_pool_that_the_server_has_takes_over_what_agents_ran_in_its_type() -> None:
    done = agents_api().export("local")
    assert [each.name for each in done.pools] == ["local", "local-etl-image", "local-etl-job"]
    assert items(done)[0]["work_pool"]["name"] == "local"


def test_an_infrastructure_block_that_a_worker_did_not_read_is_told() -> None:
    api = agents_api()
    api.deployments = [deployment(infrastructure_document_id="b2"), deployment(2, infrastructure_document_id="b1")]
    done = api.export()
    assert [item["work_pool"] for item in items(done)] == [{"name": "local"}, {"name": "local"}]
    assert [abouts for remark, abouts in done.to_know.items() if "left out: the workers" in remark] == [["etl/daily 1"]]


def test_one_kind_of_infrastructure_gets_just_the_name() -> None:
    api = Api(deployment(work_pool_name="default-agent-pool"))
    api.pools = [pool("default-agent-pool", "prefect-agent")]
    assert [each.name for each in api.export("new").pools] == ["new"]


def test_a_pool_of_agents_keeps_its_name_and_limit_where_one_kind_ran_in_it() -> None:
    api = Api(deployment(work_pool_name="gpu", work_queue_name="fast"))
    api.pools = [pool("gpu", "prefect-agent", concurrency_limit=4, is_paused=True)]
    api.queues = {"gpu": [queue("default", priority=2), queue("fast", priority=1)]}
    assert commands(api.export().pools[0]) == [
        "prefect work-pool create gpu --type process --paused",
        "prefect work-pool set-concurrency-limit gpu 4",
        "prefect work-queue create fast --pool gpu --priority 1",
    ]


def test_a_name_that_is_taken_or_reserved_is_not_used() -> None:
    api = Api(deployment(1, work_pool_name="default-agent-pool"), deployment(2, work_pool_name="prefect-agents"))
    api.pools = [
        pool("default-agent-pool", "prefect-agent"),
        pool("prefect-agents", "prefect-agent"),
        pool("process", "docker"),
    ]
    assert [each.name for each in api.export().pools] == ["process", "process-2", "my-prefect-agents"]


def test_typed_pools_are_made_again_with_queues_limits_and_what_is_theirs() -> None:
    api = Api(deployment())
    own = {"job_configuration": {}, "variables": {"properties": {"env": {"default": {"A": "1"}}}}}
    api.pools = [pool("local", "process", concurrency_limit=7, description="It's here", base_job_template=own)]
    api.queues = {"local": [queue("default", concurrency_limit=1), queue("a b", priority=2, is_paused=True)]}
    done = api.export()
    assert commands(done.pools[0], "made") == [
        "prefect work-pool create local --type process --base-job-template made/local.json",
        "prefect work-pool set-concurrency-limit local 7",
        "prefect work-pool update local --description 'It'\"'\"'s here'",
        "prefect work-queue set-concurrency-limit default 1 --pool local",
        "prefect work-queue create 'a b' --pool local --priority 2",
        "prefect work-queue pause 'a b' --pool local",
    ]
    assert json.loads(done.templates["local.json"]) == own


def test_templates_of_pools_that_sound_alike_are_two_files() -> None:
    api = Api(deployment())
    api.metadata = None
    api.pools = [pool("a b", "process"), pool("A/b", "process"), pool("...", "process")]
    assert list(api.export().templates) == ["pool.json", "A-b.json", "a-b-2.json"]


def test_queues_of_one_name_that_come_into_one_pool_are_one() -> None:
    api = Api(
        deployment(1, work_pool_name="a", work_queue_name="q"), deployment(2, work_pool_name="b", work_queue_name="q")
    )
    api.pools = [pool("a", "prefect-agent"), pool("b", "prefect-agent")]
    api.queues = {"a": [queue("q", concurrency_limit=1)], "b": [queue("q", concurrency_limit=2)]}
    done = api.export("new")
    assert commands(done.pools[0])[1:] == ["prefect work-queue create q --pool new --limit 1 --priority 1"]
    assert any("another queue of this name" in remark for remark in done.by_hand)


def test_the_template_of_the_type_is_not_written() -> None:
    assert Api(deployment()).export().templates == {}


def test_a_template_is_written_where_the_server_does_not_tell_its_own() -> None:
    api = Api(deployment())
    api.metadata = None
    assert list(api.export().templates) == ["local.json"]


def test_blocks_in_a_template_are_named_instead_of_their_ids() -> None:
    api = Api(deployment())
    reference = {"$ref": {"block_document_id": "b9"}}
    api.pools = [
        pool("local", "process", base_job_template={
            "job_configuration": {}, "variables": {"properties": {"credentials": {"default": reference}}}})
    ]  # fmt: skip
    api.blocks = [block("b9", "aws-credentials", {}, "prod")]
    done = api.export()
    made = json.loads(done.templates["local.json"])["variables"]["properties"]["credentials"]["default"]
    assert made == "{{ prefect.blocks.aws-credentials.prod }}"
    assert done.need_blocks == ("aws-credentials/prod",)


def test_an_infrastructure_block_of_somebody_else_is_told() -> None:
    api = Api(deployment(work_pool_name=None, infrastructure_document_id="b1"))
    api.blocks = [block("b1", "my-cluster", {"size": 3}, "mine")]
    done = api.export()
    assert any("`my-cluster`" in remark for remark in done.by_hand)
    assert items(done)[0]["work_pool"] == {"name": "{{ $PREFECT_DEFAULT_WORK_POOL_NAME }}"}


def test_blocks_that_are_gone_are_told() -> None:
    done = Api(deployment(work_pool_name=None, infrastructure_document_id="gone", storage_document_id="gone")).export()
    assert {"its infrastructure block is gone", "its storage block is gone"} <= {
        remark.partition(" from")[0] for remark in done.by_hand
    }


def test_queues_of_2_0_are_found_by_their_filters() -> None:
    api = Api(deployment(1, work_pool_name=None, work_queue_name=None, tags=["gpu", "x"]), version="2.0.4")
    api.pools = None
    api.queues = {"": [queue("any"), queue("gpus", filter={"tags": ["gpu"], "deployment_ids": None})]}
    assert items(api.export())[0]["work_pool"]["work_queue_name"] == "gpus"


def test_an_automation_that_runs_a_deployment_is_told() -> None:
    api = Api(deployment(1), deployment(2))
    api.automations = [
        {
            "id": "a1",
            "name": "after load",
            "trigger": {},
            "actions": [{"type": "run-deployment", "deployment_id": "d2"}],
        }
    ]
    [(remark, about)] = api.export().by_hand.items()
    assert "`after load`" in remark and about == ["etl/daily 2"]


# -- secrets

SECRET_TOKEN = "ghp_" + "a1B2" * 9


def all_texts(done: Export) -> str:
    return "\n".join([done.text, report(done, "t"), *done.templates.values()])


def test_no_secret_is_in_any_text() -> None:
    api = agents_api()
    api.blocks[0]["data"]["env"]["DB_PASSWORD"] = "hidden-1"
    api.deployments[0]["parameters"] = {
        "api_key": "hidden-2", "options": [{"dbPassword": "hidden-3"}], "url": "https://me:hidden-4@x.example/", "text": SECRET_TOKEN,
    }  # fmt: skip
    api.deployments[1]["infra_overrides"] = {"env.SOME_TOKEN": "hidden-5"}
    api.deployments[2]["pull_steps"] = [
        {"a.step": {"access_token": "hidden-6", "env": [{"name": "MY_SECRET", "value": "hidden-7"}]}}
    ]
    api.deployments[3]["storage_document_id"] = "b4"
    settings = {"key": "hidden-8", "secret": "hidden-9", "client_kwargs": {"aws_secret_access_key": "hidden-10"}}
    api.blocks.append(block("b4", "remote-file-system", {"basepath": "s3://b/c", "settings": settings}))
    assert api.pools is not None
    api.pools[1]["base_job_template"] = {
        "job_configuration": {"env": {"PROXY_PASSWORD": "hidden-11"}},
        "variables": {
            "properties": {
                "env": {"default": {"AWS_SECRET_ACCESS_KEY": "hidden-12"}},
                "api_key": {"default": "hidden-13"},
            }
        },
    }
    done = api.export()
    assert "hidden" not in all_texts(done) and SECRET_TOKEN not in all_texts(done)
    assert not done.complete
    [first, second, third, *_] = items(done)
    assert first["parameters"] == {
        "api_key": "{{ $API_KEY }}", "options": [{"dbPassword": "{{ $DB_PASSWORD }}"}], "url": "{{ $URL }}", "text": "{{ $TEXT }}",
    }  # fmt: skip
    env = registered_by_prefect(second["work_pool"]["job_variables"]["env"])
    assert env["SOME_TOKEN"] == "{{ prefect.blocks.secret.some-token }}"
    assert third["pull"][0]["a.step"]["access_token"] == "{{ prefect.blocks.secret.access-token }}"
    assert set(done.variables) == {"API_KEY", "DB_PASSWORD", "URL", "TEXT"}
    for name in ("db-password", "some-token", "access-token", "my-secret", "proxy-password", "aws-secret-access-key"):
        assert f'save("{name}")' in report(done)


def test_a_secret_with_quotes_and_lines_is_found_in_other_texts() -> None:
    secret = '7"x\\y\n9abc'
    done = Api(deployment(description=f"With {secret}.", parameters={"password": secret})).export()
    assert "9abc" not in all_texts(done)


def test_secrets_of_one_name_and_two_values_get_two_names() -> None:
    done = Api(*(deployment(number, parameters={"token": f"hidden-{number % 2}"}) for number in range(1, 4))).export()
    assert [item["parameters"]["token"] for item in items(done)] == ["{{ $TOKEN }}", "{{ $TOKEN_2 }}", "{{ $TOKEN }}"]


def test_a_secret_is_recognised_where_its_name_does_not_tell() -> None:
    done = Api(
        deployment(description="With hidden-1.", parameters={"password": "hidden-1", "text": "hidden-1"})
    ).export()
    assert items(done)[0]["parameters"]["text"].startswith("{{ $")
    assert "hidden" not in all_texts(done)
    assert any("inside of another text" in remark for remark in done.by_hand)


@pytest.mark.parametrize(
    ("name", "value"),
    [("key", "customer"), ("primary_key", "id"), ("max_tokens", 100), ("password", ""), ("secret_path", "/run/x"),
     ("credentials", "/etc/gcp.json"), ("monkey", "george"), ("token", "{{ prefect.blocks.secret.x }}"), ("keyboard", "qwerty")],
)  # fmt: skip
def test_what_only_sounds_like_a_secret_stays(name: str, value: Any) -> None:
    done = Api(deployment(parameters={name: value})).export()
    assert registered_by_prefect(items(done)[0]["parameters"]) == {name: value}
    assert not done.variables


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_hiding_keeps_the_shape_of_any_value(value: Any) -> None:
    def shape(held: Any) -> Any:
        if isinstance(held, dict):
            return {key: shape(inner) for key, inner in held.items()}
        return [shape(inner) for inner in held] if isinstance(held, list) else type(held)

    secrets = Secrets()
    secrets.learn(value)
    assert shape(secrets.by_variable(value, "x")) == shape(value) == shape(secrets.by_block(value, "x"))


# -- the command


class Handler(http.server.BaseHTTPRequestHandler):
    api: Api

    def _answer(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        answer = self.api(httpx.Request(self.command, f"http://x{self.path}", content=self.rfile.read(size)))
        self.send_response(answer.status_code)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served(api: Api) -> Iterator[str]:
    """The address of a server on the loopback interface that answers as `api`."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("OneApi", (Handler,), {"api": api})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/api"
        finally:
            server.shutdown()
            thread.join()


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["deployments", "export", *arguments])


def test_the_yaml_goes_to_standard_output_and_the_rest_to_standard_error() -> None:
    with served(Api(deployment())) as url:
        result = run("--api-url", url)
    assert result.exit_code == 0, result.stderr
    assert yaml.safe_load(result.stdout)["deployments"][0]["name"] == "daily 1"
    assert "prefect work-pool create local --type process" in result.stderr


def test_files_are_written_and_the_report_names_them(tmp_path: Path) -> None:
    with served(agents_api()) as url:
        result = run(
            "--api-url", url, "--output", str(tmp_path / "prefect.yaml"), "--templates", str(tmp_path / "made"),
            "--report", str(tmp_path / "report.sh"),
        )  # fmt: skip
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "")
    assert len(yaml.safe_load((tmp_path / "prefect.yaml").read_text())["deployments"]) == 4
    assert f"--base-job-template {tmp_path}/made/etl-job.json" in (tmp_path / "report.sh").read_text()
    assert "job_configuration" in json.loads((tmp_path / "made" / "etl-job.json").read_text())


def test_quiet_prints_the_yaml_alone() -> None:
    with served(Api(deployment())) as url:
        result = run("--api-url", url, "--quiet")
    assert result.exit_code == 0 and result.stderr == "" and result.stdout.startswith("#")


def test_a_template_that_is_not_written_is_something_left() -> None:
    api = Api(deployment())
    api.metadata = None
    with served(api) as url:
        result = run("--api-url", url)
    assert result.exit_code == 1 and "--templates DIR" in result.stderr


def test_two_outputs_in_one_file_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    api = Api(deployment())
    with served(api) as url:
        result = run("--api-url", url, "--output", str(tmp_path / "x"), "--report", f"{tmp_path}/./x")
    assert result.exit_code == 2 and "are the same file" in result.stderr
    assert not api.asked and not (tmp_path / "x").exists()


def test_a_file_in_place_of_the_directory_of_templates_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    api = Api(deployment())
    with served(api) as url:
        result = run("--api-url", url, "--templates", str(tmp_path / "x"))
    assert result.exit_code == 2 and "it is no directory" in result.stderr
    assert not api.asked


def test_nothing_listening_is_an_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/api"
        result = run("--api-url", url)
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.startswith(f"error: nothing answers at {url}")


def test_the_key_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_1")
    api = Api()
    api.first = [httpx.Response(401)]
    with served(api) as url:
        result = run("--api-url", url)
    assert result.exit_code == 2 and "does not take this API key" in result.stderr and "pnu_1" not in result.stderr


@pytest.mark.parametrize("name", ["", "a/b", "x%y"])
def test_a_name_that_no_work_pool_can_have_is_refused(name: str) -> None:
    result = run("--api-url", URL, "--work-pool", name)
    assert result.exit_code == 2 and "cannot be the name of a work pool" in result.stderr


def test_a_directory_that_is_not_there_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    result = run("--api-url", URL, "--output", str(tmp_path / "no" / "prefect.yaml"))
    assert result.exit_code == 2 and "there is no directory" in result.stderr
