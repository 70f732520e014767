"""Storage blocks of Prefect 2 as pull steps and as sources of flows on Prefect 3."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.deployments.storage import BLOCKS, Pull, block_of_class, block_of_slug, pull_steps, python_source
from tests.support.environments import PREFECT_2, PREFECT_3, QUIET, environment

MASKED = "********"
STEPS = "prefect.deployments.steps"


def only(pull: Pull) -> dict[str, Any]:
    """The inputs of the one step."""
    (step,) = pull.steps
    ((_, inputs),) = step.items()
    return dict(inputs)


def names(pull: Pull) -> list[str]:
    return [name.rpartition(".")[2] for step in pull.steps for name in step]


# -- which block


def test_a_class_is_known_by_every_home() -> None:
    assert block_of_class("prefect.filesystems.S3") is BLOCKS["s3"]
    assert block_of_class("prefect_aws.S3Bucket") is block_of_class("prefect_aws.s3.S3Bucket") is BLOCKS["s3-bucket"]
    assert block_of_class("boto3.S3") is None


def test_blocks_of_3_remain_and_the_others_do_not() -> None:
    gone = {slug for slug, block in BLOCKS.items() if not block.remains}
    assert gone == {"s3", "gcs", "azure", "github"}
    assert all(BLOCKS[slug].told for slug in gone)
    assert block_of_slug("gitlab") is BLOCKS["gitlab-repository"]


# -- git


@pytest.mark.parametrize(
    "slug, fields, inputs",
    [
        ("github", {"repository": "https://github.com/o/r"}, {"repository": "https://github.com/o/r"}),
        ("github", {"repository": "git@github.com:o/r.git"}, {"repository": "git@github.com:o/r.git"}),
        ("github", {"repository": "ssh://git@github.com/o/r"}, {"repository": "ssh://git@github.com/o/r"}),
        ("github", {"repository": "https://h/o/r/"}, {"repository": "https://h/o/r"}),
        (
            "github",
            {"repository": "https://h/o/r", "reference": "v1", "access_token": None, "include_git_objects": True},
            {"repository": "https://h/o/r", "branch": "v1"},
        ),
        (
            "gitlab-repository",
            {"repository": "https://h/o/r", "credentials": {"name": "mine", "block_type_slug": "gitlab-credentials"}},
            {"repository": "https://h/o/r", "credentials": "{{ prefect.blocks.gitlab-credentials.mine }}"},
        ),
        (
            "bitbucket-repository",
            {"repository": "https://h/o/r", "bitbucket_credentials": {"block_document": {"name": "mine"}}},
            {"repository": "https://h/o/r", "credentials": "{{ prefect.blocks.bitbucket-credentials.mine }}"},
        ),
        (
            "github-repository",
            {"repository_url": "https://h/o/r", "credentials": "{{ prefect.blocks.github-credentials.mine }}"},
            {"repository": "https://h/o/r", "credentials": "{{ prefect.blocks.github-credentials.mine }}"},
        ),
    ],
)
def test_a_repository_is_cloned(slug: str, fields: dict[str, Any], inputs: dict[str, Any]) -> None:
    pull = pull_steps(slug, fields)
    assert names(pull) == ["git_clone"]
    assert only(pull) == inputs


def test_a_token_is_a_reference_to_a_secret_that_has_to_be_saved() -> None:
    pull = pull_steps("github", {"repository": "https://github.com/o/my_repo.git", "access_token": "ghp_1"})
    assert only(pull)["access_token"] == "{{ prefect.blocks.secret.my-repo-access-token }}"
    assert pull.blocks == ('from prefect.blocks.system import Secret; Secret(value=...).save("my-repo-access-token")',)
    assert "ghp_1" not in repr(pull)


def test_a_token_in_the_url_is_taken_out() -> None:
    pull = pull_steps("github", {"repository": "https://user:ghp_1@github.com/o/r"}, block_name="code")
    assert only(pull) == {
        "repository": "https://github.com/o/r",
        "access_token": "{{ prefect.blocks.secret.code-access-token }}",
    }
    assert "ghp_1" not in repr(pull)


def test_the_path_of_a_deployment_is_not_a_directory_of_the_clone() -> None:
    pull = pull_steps("github", {"repository": "https://h/o/r"}, path="flows/")
    assert only(pull) == {"repository": "https://h/o/r"}
    assert any("`flows`" in note for note in pull.notes)
    assert not pull_steps("github", {"repository": "https://h/o/r"}, path=".").notes


def test_what_a_clone_cannot_do_is_noted() -> None:
    notes = pull_steps("github", {"repository": "https://h/o/r", "include_git_objects": False}).notes
    assert any("include_git_objects" in note for note in notes)


def test_a_block_with_credentials_of_its_own_is_used_itself() -> None:
    fields = {"repository": "https://h/o/r", "credentials": {"token": MASKED}}
    pull = pull_steps("gitlab-repository", fields, block_name="code")
    assert only(pull) == {
        "requires": "prefect-gitlab",
        "block_type_slug": "gitlab-repository",
        "block_document_name": "code",
    }


def test_a_block_that_is_only_known_by_name_is_pulled_with_its_successor() -> None:
    pull = pull_steps("github", {}, block_name="code")
    assert only(pull)["block_type_slug"] == "github-repository"
    assert only(pull)["block_document_name"] == "code"
    assert pull.blocks[0].startswith(
        "from prefect_github import GitHubRepository; GitHubRepository(repository_url=..., "
    )
    assert any("`repository` is `repository_url`" in note for note in pull.notes)


# -- buckets


@pytest.mark.parametrize(
    "slug, fields, path, name, inputs",
    [
        ("s3", {"bucket_path": "b"}, None, None, {"bucket": "b", "folder": ""}),
        ("s3", {"bucket_path": "b/a/c/"}, "sub", None, {"bucket": "b", "folder": "a/c/sub/"}),
        (
            "s3",
            {"bucket_path": "b", "aws_access_key_id": MASKED, "aws_secret_access_key": MASKED},
            None,
            "prod",
            {"bucket": "b", "folder": "", "credentials": "{{ prefect.blocks.aws-credentials.prod }}"},
        ),
        ("gcs", {"bucket_path": "b/x", "project": "p"}, ".", None, {"bucket": "b", "folder": "x/"}),
        (
            "gcs",
            {"bucket_path": "B_1", "service_account_info": MASKED},
            None,
            None,
            {"bucket": "B_1", "folder": "", "credentials": "{{ prefect.blocks.gcp-credentials.b-1 }}"},
        ),
        (
            "azure",
            {"bucket_path": "c/f", "azure_storage_account_name": "acc", "azure_storage_anon": False},
            None,
            None,
            {"container": "c", "folder": "f/", "credentials": {"account_url": "https://acc.blob.core.windows.net/"}},
        ),
        (
            "azure",
            {"bucket_path": "f/g", "azure_storage_container": "c", "azure_storage_connection_string": MASKED},
            None,
            "az",
            {
                "container": "c",
                "folder": "f/g/",
                "credentials": "{{ prefect.blocks.azure-blob-storage-credentials.az }}",
            },
        ),
        ("s3-bucket", {"bucket_name": "b", "bucket_folder": "f"}, None, None, {"bucket": "b", "folder": "f/"}),
        ("s3-bucket", {"bucket_name": "b", "bucket_folder": "f"}, "q", None, {"bucket": "b", "folder": "q/"}),
        ("gcs-bucket", {"bucket": "b", "bucket_folder": "f/"}, "q", None, {"bucket": "b", "folder": "f/q/"}),
        (
            "s3-bucket",
            {"bucket_name": "b", "credentials": {"name": "m", "block_type_slug": "minio-credentials"}},
            None,
            None,
            {"bucket": "b", "folder": "", "credentials": "{{ prefect.blocks.minio-credentials.m }}"},
        ),
    ],
)
def test_a_bucket_is_pulled_with_its_integration(
    slug: str, fields: dict[str, Any], path: Optional[str], name: Optional[str], inputs: dict[str, Any]
) -> None:
    pull = pull_steps(slug, fields, path, name)
    found = only(pull)
    assert found.pop("requires") == pull.requires[0]
    assert found == inputs
    assert names(pull)[0].startswith("pull_from_")
    ((pushed, what),) = pull.push[0].items()
    assert pushed.rpartition(".")[2].startswith("push_to_") and what == only(pull)


def test_credentials_of_a_bucket_have_to_be_saved() -> None:
    pull = pull_steps("s3", {"bucket_path": "b", "aws_access_key_id": "AKIA1", "aws_secret_access_key": "s3cr3t"})
    assert pull.blocks == (
        'from prefect_aws import AwsCredentials; AwsCredentials(aws_access_key_id=..., aws_secret_access_key=...).save("b")',
    )
    assert "AKIA1" not in repr(pull) and "s3cr3t" not in repr(pull)


@pytest.mark.parametrize(
    "slug, fields",
    [
        ("s3", {}),
        ("azure", {"bucket_path": "f", "azure_storage_container": MASKED}),
        ("s3-bucket", {"bucket_name": "b", "credentials": {"aws_secret_access_key": MASKED}}),
        ("azure-blob-storage-container", {"container_name": "c"}),
    ],
)
def test_a_bucket_that_cannot_be_seen_is_pulled_with_a_block(slug: str, fields: dict[str, Any]) -> None:
    pull = pull_steps(slug, fields, "sub", "prod")
    assert names(pull) == ["pull_with_block", "set_working_directory"]
    assert next(iter(pull.steps[0].values()))["block_type_slug"] == BLOCKS[slug].successor_slug
    assert next(iter(pull.steps[1].values()))["directory"] == "{{ code.directory }}/sub"


def test_a_masked_account_needs_a_credentials_block() -> None:
    pull = pull_steps("azure", {"bucket_path": "c", "azure_storage_account_name": MASKED})
    assert "azure-blob-storage-credentials" in only(pull)["credentials"]
    assert MASKED not in repr(pull)


# -- directories and fsspec


@pytest.mark.parametrize(
    "slug, fields, path, directory",
    [
        (None, {}, "/opt/prefect/flows", "/opt/prefect/flows"),
        ("local-file-system", {"basepath": "/code/"}, None, "/code"),
        ("local-file-system", {"basepath": "/code"}, "./a", "/code/a"),
        ("local-file-system", {"basepath": "/code"}, "/code/a", "/code/a"),
        ("local-file-system", {"basepath": "/"}, None, "/"),
        ("local-file-system", {"basepath": "~/code"}, None, "{{ $HOME }}/code"),
    ],
)
def test_a_directory_is_where_the_flow_runs(
    slug: Optional[str], fields: dict[str, Any], path: Optional[str], directory: str
) -> None:
    pull = pull_steps(slug, fields, path)
    assert names(pull) == ["set_working_directory"]
    assert only(pull) == {"directory": directory}


def test_no_directory_no_steps() -> None:
    assert pull_steps(None, {}, None).steps == ()
    assert pull_steps(None, {}, None).notes


def test_a_block_saved_anonymously_is_not_pulled_with_its_name() -> None:
    fields = {"_is_anonymous": True, "_block_document_name": "anonymous-1", "smb_host": "h", "share_path": "/s"}
    pull = pull_steps("smb", fields)
    assert "anonymous" not in only(pull)["block_document_name"]
    assert pull.blocks == ('from prefect.filesystems import SMB; SMB(share_path=..., smb_host=...).save("smb-code")',)


def test_an_address_of_a_bucket_is_read_with_fsspec() -> None:
    pull = pull_steps("remote-file-system", {"basepath": "s3://b/p/", "settings": {"use_ssl": False}}, "sub")
    assert names(pull) == ["pull_from_remote_storage"]
    assert only(pull) == {"requires": "s3fs", "url": "s3://b/p/sub", "use_ssl": False}


def test_secrets_among_the_settings_become_references() -> None:
    settings = {"key": "AKIA1", "client_kwargs": {"endpoint_url": "http://minio:9000", "aws_session_token": "tok"}}
    pull = pull_steps("remote-file-system", {"basepath": "s3://b", "settings": settings})
    assert only(pull)["key"] == "{{ prefect.blocks.secret.b-key }}"
    assert only(pull)["client_kwargs"] == {
        "endpoint_url": "http://minio:9000",
        "aws_session_token": "{{ prefect.blocks.secret.b-aws-session-token }}",
    }
    assert "AKIA1" not in repr(pull)


def test_a_named_file_system_with_secrets_is_used_itself() -> None:
    fields = {"basepath": "s3://b", "settings": {"key": "AKIA1"}}
    pull = pull_steps("remote-file-system", fields, None, "minio")
    assert only(pull) == {"block_type_slug": "remote-file-system", "block_document_name": "minio"}


def test_an_address_with_a_host_is_not_read_with_fsspec() -> None:
    """`pull_from_remote_storage` would take the host for a part of the path."""
    assert names(pull_steps("remote-file-system", {"basepath": "sftp://host/code"})) == ["pull_with_block"]


VALUES = st.one_of(st.none(), st.booleans(), st.text(max_size=20), st.dictionaries(st.text(max_size=5), st.text()))
FIELDS = sorted({row.field for block in BLOCKS.values() for row in block.rows} | {"_block_document_name", "x"})


@given(
    slug=st.sampled_from([*BLOCKS, "gitlab", "other"]),
    fields=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6),
    path=st.one_of(st.none(), st.text(max_size=12)),
    name=st.one_of(st.none(), st.from_regex("[a-z][a-z0-9-]{0,8}", fullmatch=True)),
)
def test_any_block_gives_steps_or_a_note_and_no_secret(
    slug: str, fields: dict[str, Any], path: Optional[str], name: Optional[str]
) -> None:
    block = block_of_slug(slug)
    secrets = {row.field for row in block.rows if row.secret} if block is not None else set()
    marked = {
        key: ("S3CR3T" if key in secrets and key not in ("azure_storage_account_name", "azure_storage_container", "settings") else value)
        for key, value in fields.items()
    }  # fmt: skip
    pull = pull_steps(slug, marked, path, name)
    assert pull.steps or pull.notes
    assert "S3CR3T" not in repr(pull)
    json.dumps(pull.steps)


# -- Python


@pytest.mark.parametrize(
    "slug, fields, path, expression",
    [
        ("github", {"repository": '"https://h/o/r"'}, None, 'GitRepository(url="https://h/o/r")'),
        (
            "github",
            {"repository": "'https://h/o/r/'", "reference": "BRANCH", "access_token": "None"},
            "flows",
            'GitRepository(url="https://h/o/r", branch=BRANCH)',
        ),
        (
            "github",
            {"repository": "URL", "access_token": 'Secret.load("pat").get()'},
            None,
            'GitRepository(url=URL, credentials={"access_token": Secret.load("pat")})',
        ),
        (
            "gitlab-repository",
            {"repository": "URL", "credentials": 'GitLabCredentials.load("x")'},
            None,
            'GitRepository(url=URL, credentials=GitLabCredentials.load("x"))',
        ),
        ("s3", {"bucket_path": '"b/f"'}, "sub", 'RemoteStorage(url="s3://b/f/sub")'),
        ("s3", {"bucket_path": "BUCKET"}, None, 'RemoteStorage(url=f"s3://{BUCKET}")'),
        ("s3", {"bucket_path": "name()"}, "a", 'RemoteStorage(url="s3://" + str(name()) + "/a")'),
        ("gcs", {"bucket_path": '"b"', "project": '"p"'}, None, 'RemoteStorage(url="gcs://b")'),
        (
            "azure",
            {"bucket_path": '"f"', "azure_storage_container": '"c"', "azure_storage_account_name": '"a"'},
            None,
            'RemoteStorage(url="az://c/f", account_name="a")',
        ),
        (
            "remote-file-system",
            {"basepath": '"s3://b/"', "settings": '{"client_kwargs": {"endpoint_url": "http://m"}}'},
            "f",
            'RemoteStorage(url="s3://b/f", client_kwargs={"endpoint_url": "http://m"})',
        ),
        ("local-file-system", {"basepath": '"/code"'}, None, '"/code"'),
        ("local-file-system", {"basepath": '"/code/"'}, "a", '"/code/a"'),
        ("local-file-system", {"basepath": "ROOT"}, None, "str(ROOT)"),
    ],
)
def test_a_block_built_in_place_becomes_a_source(
    slug: str, fields: dict[str, str], path: Optional[str], expression: str
) -> None:
    source = python_source(slug, fields, path)
    assert source.expression == expression
    assert source.certain
    ast.parse(expression, mode="eval")


@pytest.mark.parametrize(
    "slug, fields, expression",
    [
        (
            "github",
            {"repository": '"https://h/o/r"', "access_token": 'os.environ["T"]'},
            'GitRepository(url="https://h/o/r", credentials={"access_token": Secret.load("r-access-token")})',
        ),
        (
            "s3",
            {"bucket_path": '"b"', "aws_access_key_id": '"AKIA1"'},
            'RemoteStorage(url="s3://b", key=Secret.load("aws-access-key-id"))',
        ),
        (
            "remote-file-system",
            {"basepath": '"s3://b"', "settings": '{"key": "AKIA1"}'},
            'RemoteStorage(url="s3://b", key=Secret.load("b-key"))',
        ),
    ],
)
def test_a_secret_in_the_code_has_to_be_saved_first(slug: str, fields: dict[str, str], expression: str) -> None:
    source = python_source(slug, fields)
    assert source.expression == expression
    assert not source.certain
    assert "prefect.blocks.system.Secret" in source.imports
    assert "AKIA1" not in repr(source)


@pytest.mark.parametrize(
    "slug, path, expression, certain, prefix",
    [
        ("s3", None, 'S3Bucket.load("x")', False, ""),
        ("github", "flows", 'GitHubRepository.load("x")', False, ""),
        ("s3-bucket", None, 'S3Bucket.load("x")', True, ""),
        ("gcs-bucket", "flows", 'GcsBucket.load("x")', False, "flows"),
        ("remote-file-system", None, 'RemoteFileSystem.load("x")', True, ""),
        ("smb", None, 'SMB.load("x")', True, ""),
    ],
)
def test_a_block_loaded_by_name_is_the_source(
    slug: str, path: Optional[str], expression: str, certain: bool, prefix: str
) -> None:
    source = python_source(slug, {}, path, loaded='"x"')
    assert (source.expression, source.certain, source.prefix) == (expression, certain, prefix)
    assert source.imports == (BLOCKS[slug].successor,)


@pytest.mark.parametrize(
    "slug, fields",
    [
        ("smb", {"smb_host": '"h"'}),
        ("remote-file-system", {"basepath": '"sftp://h/x"'}),
        ("remote-file-system", {"basepath": '"s3://b"', "settings": "SETTINGS"}),
        ("s3-bucket", {"bucket_name": '"b"', "credentials": "AwsCredentials()"}),
        ("other", {}),
    ],
)
def test_a_block_that_has_to_be_saved_has_no_expression(slug: str, fields: dict[str, str]) -> None:
    source = python_source(slug, fields)
    assert source.expression is None and source.notes


# -- against the real packages


def run_there(version: str, program: str, *arguments: str, cwd: Path, home: Optional[Path] = None) -> Any:
    """The last line that a program prints, as JSON, run by a real Prefect."""
    real = environment(version)
    variables = {**real.variables(home or cwd / ".home"), "HOME": str(cwd), "GIT_CONFIG_GLOBAL": "/dev/null"}
    done = subprocess.run(
        [str(real.python), "-c", program, *arguments],
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def run_bare(version: str, program: str, argument: str, cwd: Path) -> Any:
    """As `run_there`, for what needs no database."""
    from migrator.knowledge.generate.environments import installed

    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "PYTHON"))}
    done = subprocess.run(
        [str(installed(version)), "-c", program, argument],
        cwd=cwd,
        env={**variables, **QUIET, "PREFECT_HOME": str(cwd / "home")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


FIELDS_PROGRAM = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
found = {}
for name in json.loads(sys.argv[1]):
    module, _, kind = name.rpartition(".")
    try:
        block = getattr(importlib.import_module(module), kind)
    except ImportError as error:
        found[name] = None
        continue
    fields = getattr(block, "model_fields", None) or block.__fields__
    found[name] = [block.get_block_type_slug(), sorted(fields)]
print(json.dumps(found))
"""


@pytest.mark.prefect
def test_every_field_of_every_block_of_2_is_told(tmp_path: Path) -> None:
    homes = {name: block for block in BLOCKS.values() for name in block.classes}
    found = run_bare(f"integrations-{PREFECT_2}", FIELDS_PROGRAM, json.dumps(list(homes)), tmp_path)
    assert found == {name: [block.slug, sorted(row.field for row in block.rows)] for name, block in homes.items()}


@pytest.mark.prefect
def test_successors_exist_with_the_fields_that_are_told(tmp_path: Path) -> None:
    classes = sorted({name for block in BLOCKS.values() for name in (*block.classes, block.successor)})
    found = run_bare(f"integrations-{PREFECT_3}", FIELDS_PROGRAM, json.dumps(classes), tmp_path)
    for block in BLOCKS.values():
        slug, fields = found[block.successor]
        assert slug == block.successor_slug
        told = {row.becomes.partition(".")[0] for row in block.rows if row.becomes is not None}
        assert told <= set(fields)
        assert (found[block.classes[0]] is not None) is block.remains


CREDENTIALS_PROGRAM = """
import json, sys
out = []
for line in json.loads(sys.argv[1]):
    statement, _, call = line.partition("; ")
    scope = {}
    exec(statement, scope)
    kind, _, rest = call.partition("(")
    names = [each.partition("=")[0].strip() for each in rest.rpartition(").save")[0].split(",") if "=" in each]
    out += [f"{kind}.{name}" for name in names if name not in scope[kind].model_fields]
print(json.dumps(out))
"""

SEEN: list[Pull] = [
    pull_steps("s3", {"bucket_path": "b/f", "aws_access_key_id": MASKED, "aws_secret_access_key": MASKED}),
    pull_steps("s3", {"bucket_path": "b/f"}),
    pull_steps("gcs", {"bucket_path": "b/f", "service_account_info": MASKED}),
    pull_steps("azure", {"bucket_path": "b/f", "azure_storage_connection_string": MASKED}),
    pull_steps("azure", {"bucket_path": "b/f", "azure_storage_account_name": "a"}),
    pull_steps("azure", {"bucket_path": "b", "azure_storage_tenant_id": "t", "azure_storage_client_id": "c", "azure_storage_client_secret": "s"}),
    pull_steps("github", {"repository": "https://h/o/r", "reference": "v1", "access_token": MASKED}),
    pull_steps("gitlab-repository", {"repository": "https://h/o/r", "credentials": {"name": "x"}}),
    pull_steps("smb", {"smb_host": "h", "share_path": "s"}, "sub"),
    pull_steps("remote-file-system", {"basepath": "s3://b", "settings": {"key": "x"}}),
    pull_steps("local-file-system", {"basepath": "/code"}),
    *(pull_steps(slug, {}, None, "named") for slug in BLOCKS),
]  # fmt: skip

SIGNATURES_PROGRAM = """
import importlib, inspect, json, sys
wrong = []
for step in json.loads(sys.argv[1]):
    ((name, inputs),) = step.items()
    module, _, function = name.rpartition(".")
    try:
        inspect.signature(getattr(importlib.import_module(module), function)).bind(
            **{key: value for key, value in inputs.items() if key not in ("id", "requires")})
    except Exception as error:
        wrong.append(f"{name}: {error!r}")
print(json.dumps(wrong))
"""


@pytest.mark.prefect
def test_every_step_takes_these_inputs_on_3(tmp_path: Path) -> None:
    steps = [step for pull in SEEN for step in (*pull.steps, *pull.push)]
    assert run_bare(f"integrations-{PREFECT_3}", SIGNATURES_PROGRAM, json.dumps(steps), tmp_path) == []


@pytest.mark.prefect
def test_every_block_to_be_made_has_these_fields_on_3(tmp_path: Path) -> None:
    lines = [line for pull in SEEN for line in pull.blocks]
    assert run_bare(f"integrations-{PREFECT_3}", CREDENTIALS_PROGRAM, json.dumps(lines), tmp_path) == []


CLOUDS_PROGRAM = """
import asyncio, json, os, sys, tempfile
from pathlib import Path
from types import SimpleNamespace as Made
from unittest.mock import patch

KEYS = ["f/flow.py", "f/sub/more.py", "f/", "fx/other.py", "top.py"]

class S3:
    def get_paginator(self, name):
        return Made(paginate=lambda Bucket, Prefix: [{"Contents": [{"Key": k} for k in KEYS if k.startswith(Prefix)]}])
    def download_file(self, bucket, key, target):
        Path(target).write_text(key)

class Gcs:
    def __init__(self, **options): pass
    def list_blobs(self, bucket, prefix):
        return [Made(name=k, download_to_filename=lambda to, k=k: Path(to).write_text(k)) for k in KEYS if k.startswith(prefix)]

class Azure:
    def __init__(self, **options): pass
    def __enter__(self): return self
    def __exit__(self, *error): pass
    def list_blobs(self, name_starts_with, include):
        return [Made(name=k, metadata={}) for k in KEYS if k.startswith(name_starts_with)]
    def download_blob(self, blob):
        return Made(readinto=lambda f: f.write(blob.name.encode()))

import prefect_aws.deployments.steps as aws, prefect_gcp.deployments.steps as gcp, prefect_azure.deployments.steps as azure
aws.get_s3_client = lambda **k: S3()
gcp.StorageClient = Gcs
gcp.google = Made(auth=Made(default=lambda: (None, None)))
azure.ContainerClient = Azure
azure._get_azure_credential = lambda credentials: None
seen = []
for step in json.loads(sys.argv[1]):
    ((name, inputs),) = step.items()
    module, _, function = name.rpartition(".")
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        inputs.pop("requires")
        getattr(sys.modules[module], function)(**inputs)
        seen.append(sorted(str(p.relative_to(directory)) for p in Path(directory).rglob("*.py")))
        os.chdir("/")
print(json.dumps(seen))
"""


@pytest.mark.prefect
def test_the_steps_of_the_clouds_download_the_folder_and_not_its_neighbours(tmp_path: Path) -> None:
    account = {"azure_storage_account_name": "a"}
    pulls = [
        pull_steps(slug, {"bucket_path": f"b{folder}", **extra})
        for slug, extra in (("s3", {}), ("gcs", {}), ("azure", account))
        for folder in ("/f", "")
    ]
    seen = run_bare(
        f"integrations-{PREFECT_3}", CLOUDS_PROGRAM, json.dumps([pull.steps[0] for pull in pulls]), tmp_path
    )
    assert seen == [["flow.py", "sub/more.py"], ["f/flow.py", "f/sub/more.py", "fx/other.py", "top.py"]] * 3


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with a branch `main`, and an older commit that is tagged `v1`."""
    where = tmp_path_factory.mktemp("storage") / "code"
    (where / "flows").mkdir(parents=True)
    (where / "helper.py").write_text("VERSION = 1\n")
    (where / "flows" / "etl.py").write_text("from prefect import flow\n\n\n@flow\ndef etl():\n    return 1\n")
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}
    author = ["-c", "user.name=n", "-c", "user.email=e@example.org"]

    def git(*arguments: str) -> None:
        subprocess.run(["git", *author, *arguments], cwd=where, env=environ, check=True, capture_output=True)

    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "one")
    git("tag", "v1")
    (where / "helper.py").write_text("VERSION = 2\n")
    git("commit", "-am", "two")
    return where


ON_2 = """
import asyncio, json, os, sys, tempfile, warnings
warnings.simplefilter("ignore")
from pathlib import Path
import prefect.filesystems as filesystems

async def main():
    seen = []
    for kind, fields, path in json.loads(sys.argv[1]):
        with tempfile.TemporaryDirectory() as directory:
            os.chdir(directory)
            await getattr(filesystems, kind)(**fields).get_directory(from_path=path, local_path=".")
            seen.append({str(p.relative_to(directory)): p.read_text() for p in sorted(Path(directory).rglob("*.py"))})
            os.chdir("/")
    print(json.dumps(seen))

asyncio.run(main())
"""

ON_3 = """
import asyncio, json, os, sys, tempfile
from pathlib import Path
import fsspec
from prefect.blocks.system import Secret
from prefect.deployments.steps.core import run_steps
from prefect.filesystems import LocalFileSystem

async def main():
    plan = json.loads(sys.argv[1])
    await LocalFileSystem(basepath=plan["base"]).save("code", overwrite=True)
    await Secret(value="pat").save("code-access-token", overwrite=True)
    memory = fsspec.filesystem("memory")
    memory.put(plan["base"] + "/", "/code/", recursive=True)
    seen = []
    for steps in plan["steps"]:
        with tempfile.TemporaryDirectory() as directory:
            os.chdir(directory)
            output = await run_steps(steps, print_function=lambda *a, **k: None)
            os.chdir(output["directory"])
            seen.append({str(p.relative_to(Path.cwd())): p.read_text() for p in sorted(Path.cwd().rglob("*.py"))})
            os.chdir("/")
    print(json.dumps(seen))

asyncio.run(main())
"""


@pytest.mark.prefect
def test_the_steps_bring_what_the_blocks_of_2_brought(repository: Path, tmp_path: Path) -> None:
    """The entrypoint lies where it lay: relative to the directory of a file system, relative to the repository of git."""
    url = f"file://{repository}"
    cases: list[tuple[str, str, dict[str, Any], Optional[str], Optional[str]]] = [
        ("GitHub", "github", {"repository": url}, None, None),
        ("GitHub", "github", {"repository": url, "reference": "main"}, None, None),
        ("GitHub", "github", {"repository": url, "reference": "v1"}, None, None),
        ("GitHub", "github", {"repository": url}, "flows", None),
        ("LocalFileSystem", "local-file-system", {"basepath": str(repository)}, None, None),
        ("LocalFileSystem", "local-file-system", {"basepath": str(repository)}, "flows", None),
    ]
    there = [[kind, fields, path] for kind, _, fields, path, _ in cases]
    of_2 = run_there(PREFECT_2, ON_2, json.dumps(there), cwd=tmp_path)
    pulls = [pull_steps(slug, fields, path, name) for _, slug, fields, path, name in cases]
    pulls.append(pull_steps("local-file-system", {}, None, "code"))
    pulls.append(pull_steps("local-file-system", {}, "flows", "code"))
    pulls.append(pull_steps("remote-file-system", {"basepath": "memory://code/"}, "flows"))
    pulls.append(pull_steps("local-file-system", {"basepath": "~/linked"}))
    pulls.append(pull_steps("github", {"repository": url, "access_token": MASKED}, None, "code"))
    (tmp_path / "linked").symlink_to(repository)
    with environment(PREFECT_3).home() as home:
        plan = json.dumps({"base": str(repository), "steps": [list(pull.steps) for pull in pulls]})
        of_3 = run_there(PREFECT_3, ON_3, plan, cwd=tmp_path, home=home)
    whole, inside = of_2[0], of_2[5]
    assert whole == {"helper.py": "VERSION = 2\n", "flows/etl.py": inside["etl.py"]}
    assert of_3[:3] == of_2[:3]
    assert of_2[2]["helper.py"] == "VERSION = 1\n"
    assert of_2[3] == {"flows/etl.py": inside["etl.py"]} and of_3[3] == whole
    assert of_3[4:6] == of_2[4:6]
    assert of_3[6:] == [whole, inside, inside, whole, whole]


FROM_SOURCE = """
import json, os, sys, tempfile
from prefect import flow
from prefect.blocks.system import Secret
from prefect.filesystems import LocalFileSystem
from prefect.runner.storage import GitRepository, RemoteStorage
import fsspec

plan = json.loads(sys.argv[1])
LocalFileSystem(basepath=plan["base"]).save("code")
fsspec.filesystem("memory").put(plan["base"] + "/", "/code/", recursive=True)
Secret(value="pat").save("code-access-token")
seen = []
for expression, entrypoint in plan["sources"]:
    loaded = flow.from_source(source=eval(expression), entrypoint=entrypoint)
    made = loaded.to_deployment("d")
    step = made.storage.to_pull_step()
    seen.append([loaded.name, made.entrypoint, next(iter(step)).rpartition(".")[2]])
print(json.dumps(seen))
"""


@pytest.mark.prefect
@pytest.mark.parametrize("version", ["3.0.11", PREFECT_3])
def test_sources_load_the_flow_and_can_be_registered(repository: Path, tmp_path: Path, version: str) -> None:
    url = repr(f"file://{repository}")
    sources = [
        python_source("github", {"repository": url}),
        python_source("github", {"repository": url, "reference": '"v1"'}),
        python_source("github", {"repository": url, "access_token": 'Secret.load("code-access-token").get()'}),
        python_source("local-file-system", {"basepath": repr(str(repository))}),
        python_source("local-file-system", {}, None, loaded='"code"'),
        python_source("remote-file-system", {"basepath": '"memory://code"'}),
    ]
    with environment(version).home() as home:
        plan = json.dumps(
            {"base": str(repository), "sources": [[source.expression, "flows/etl.py:etl"] for source in sources]}
        )
        seen = run_there(version, FROM_SOURCE, plan, cwd=tmp_path, home=home)
    steps = ["git_clone"] * 3 + ["set_working_directory", "pull_with_block", "pull_from_remote_storage"]
    assert seen == [["etl", "flows/etl.py:etl", step] for step in steps]
