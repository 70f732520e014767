"""Storage blocks of Prefect 2: where a deployment's code lay, and how Prefect 3 gets it from there.

Read in the sources of 2.20.26, 3.8.8 and the integrations of both, and run where no cloud is needed:

- An agent called `block.get_directory(from_path=deployment.path, local_path=".")` and loaded the entrypoint relative to where it was. File systems
  download the contents of basepath/path, so the entrypoint is relative to that; git blocks copy only that directory, but to `./path`, so the entrypoint is
  relative to the repository.
- Prefect 3 runs pull steps. `prefect.deployments.steps.git_clone`, `set_working_directory`, `pull_from_remote_storage` and `pull_with_block` are in all of
  3.x, `git_clone(directories=)` since 3.1, `git_clone(commit_sha=)` since 3.4; `branch` takes a tag as well (`git clone --branch`).
- `prefect.filesystems` of 3.x has `LocalFileSystem`, `RemoteFileSystem` and `SMB`; `S3`, `GCS`, `Azure` and `GitHub` raise on import, and their saved documents
  cannot be loaded as a block of the integrations, which have other fields.
- A step's `requires` is imported by its name before pip is asked for it. `prefect-azure[blob_storage]`, as Prefect's own templates have it, is no name of a
  module: pip is asked in every run, also where it is installed, and where pip fails Prefect warns and goes on.

Nothing here gives out a secret: what is secret in a block is only ever named by a reference to a block of 3.x that holds it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional
from urllib.parse import urlsplit, urlunsplit

from migrator.deployments.infrastructure import reference
from migrator.deployments.secrets import is_masked, is_secret_setting

_STEPS = "prefect.deployments.steps"
_GIT_REPOSITORY = "prefect.runner.storage.GitRepository"
_REMOTE_STORAGE = "prefect.runner.storage.RemoteStorage"
_SECRET = "prefect.blocks.system.Secret"


@dataclass(frozen=True)
class Row:
    """What a block's field is on Prefect 3: the successor's field (`credentials.x` for one of its credentials block), None where there is none."""

    field: str
    becomes: Optional[str]
    note: str = ""
    secret: bool = False


@dataclass(frozen=True)
class Block:
    """A storage block of Prefect 2 and what has taken its place."""

    slug: str
    classes: tuple[str, ...]
    """Every qualified name that 2.x has it under."""
    successor: str
    """The class on Prefect 3; its own first name where it has stayed."""
    successor_slug: str
    package: Optional[str]
    """What has to be installed for the successor."""
    rows: tuple[Row, ...]
    told: str = ""
    """How a block of this type is made anew on Prefect 3; empty where it has stayed."""

    @property
    def remains(self) -> bool:
        """Whether Prefect 3 (with the package) loads a saved document of this type."""
        return self.slug == self.successor_slug


_LOCAL = "local-file-system"
EXPANDUSER = "os.path.expanduser"
_REMOTE = "remote-file-system"
_FIELDS_OF_GIT = {
    "github": ("repository", "access_token", "github-credentials"),
    "github-repository": ("repository_url", "credentials", "github-credentials"),
    "gitlab-repository": ("repository", "credentials", "gitlab-credentials"),
    "bitbucket-repository": ("repository", "bitbucket_credentials", "bitbucket-credentials"),
}
"""Of the blocks for git: the field of the URL, the one of the credentials, and the type of these on Prefect 3."""


def _homes(name: str, *modules: str) -> tuple[str, ...]:
    return tuple(f"{module}.{name}" for module in modules)


_ALL = (
    Block(
        _LOCAL,
        _homes("LocalFileSystem", "prefect.filesystems"),
        "prefect.filesystems.LocalFileSystem",
        _LOCAL,
        None,
        (Row("basepath", "basepath"),),
    ),
    Block(
        _REMOTE,
        _homes("RemoteFileSystem", "prefect.filesystems"),
        "prefect.filesystems.RemoteFileSystem",
        _REMOTE,
        None,
        (Row("basepath", "basepath"), Row("settings", "settings", secret=True)),
    ),
    Block(
        "smb",
        _homes("SMB", "prefect.filesystems"),
        "prefect.filesystems.SMB",
        "smb",
        None,
        (
            *(Row(name, name) for name in ("share_path", "smb_host", "smb_port")),
            *(Row(name, name, secret=True) for name in ("smb_username", "smb_password")),
        ),
    ),
    Block(
        "s3",
        _homes("S3", "prefect.filesystems"),
        "prefect_aws.S3Bucket",
        "s3-bucket",
        "prefect-aws",
        (
            Row("bucket_path", "bucket_name", "what follows the first `/` is the `bucket_folder`"),
            Row("aws_access_key_id", "credentials.aws_access_key_id", secret=True),
            Row("aws_secret_access_key", "credentials.aws_secret_access_key", secret=True),
        ),
        "make the block anew as `prefect_aws.S3Bucket`: `bucket_path` `bucket/folder` is `bucket_name` `bucket` and `bucket_folder` `folder`, and "
        "`aws_access_key_id` and `aws_secret_access_key` go into `credentials=AwsCredentials(...)`",
    ),
    Block(
        "gcs",
        _homes("GCS", "prefect.filesystems"),
        "prefect_gcp.GcsBucket",
        "gcs-bucket",
        "prefect-gcp",
        (
            Row("bucket_path", "bucket", "what follows the first `/` is the `bucket_folder`"),
            Row("service_account_info", "gcp_credentials.service_account_info", secret=True),
            Row("project", "gcp_credentials.project", "2.x did not use it for the file system"),
        ),
        "make the block anew as `prefect_gcp.GcsBucket`: `bucket_path` `bucket/folder` is `bucket` `bucket` and `bucket_folder` `folder`, and "
        "`service_account_info` and `project` go into `gcp_credentials=GcpCredentials(...)`",
    ),
    Block(
        "azure",
        _homes("Azure", "prefect.filesystems"),
        "prefect_azure.AzureBlobStorageContainer",
        "azure-blob-storage-container",
        "prefect-azure[blob_storage]",
        (
            Row("bucket_path", "container_name", "what follows the first `/` is the `base_folder`"),
            Row("azure_storage_connection_string", "credentials.connection_string", secret=True),
            Row(
                "azure_storage_account_name",
                "credentials.account_url",
                "https://<account>.blob.core.windows.net/",
                True,
            ),
            Row("azure_storage_account_key", None, "put it into the connection string", True),
            Row("azure_storage_tenant_id", "credentials.tenant_id", secret=True),
            Row("azure_storage_client_id", "credentials.client_id", secret=True),
            Row("azure_storage_client_secret", "credentials.client_secret", secret=True),
            Row("azure_storage_anon", None, "without keys, credentials come from the environment"),
            Row("azure_storage_container", "container_name", "then `bucket_path` is the `base_folder`", True),
        ),
        "make the block anew as `prefect_azure.AzureBlobStorageContainer`: `bucket_path` `container/folder` is `container_name` `container` and `base_folder` "
        "`folder` (with `azure_storage_container`, that is the `container_name`), and the connection string or the account goes into "
        "`credentials=AzureBlobStorageCredentials(connection_string=... or account_url=...)`",
    ),
    Block(
        "github",
        _homes("GitHub", "prefect.filesystems"),
        "prefect_github.GitHubRepository",
        "github-repository",
        "prefect-github",
        (
            Row("repository", "repository_url"),
            Row("reference", "reference"),
            Row("access_token", "credentials.token", secret=True),
            Row("include_git_objects", None, "the clone always has its `.git`"),
        ),
        "make the block anew as `prefect_github.GitHubRepository`: `repository` is `repository_url`, `reference` stays, and `access_token` goes into "
        "`credentials=GitHubCredentials(token=...)`",
    ),
    Block(
        "s3-bucket",
        _homes("S3Bucket", "prefect_aws", "prefect_aws.s3"),
        "prefect_aws.S3Bucket",
        "s3-bucket",
        "prefect-aws",
        tuple(Row(name, name) for name in ("bucket_name", "bucket_folder", "credentials")),
    ),
    Block(
        "gcs-bucket",
        _homes("GcsBucket", "prefect_gcp", "prefect_gcp.cloud_storage"),
        "prefect_gcp.GcsBucket",
        "gcs-bucket",
        "prefect-gcp",
        tuple(Row(name, name) for name in ("bucket", "bucket_folder", "gcp_credentials")),
    ),
    Block(
        "azure-blob-storage-container",
        _homes("AzureBlobStorageContainer", "prefect_azure", "prefect_azure.blob_storage"),
        "prefect_azure.AzureBlobStorageContainer",
        "azure-blob-storage-container",
        "prefect-azure[blob_storage]",
        tuple(Row(name, name) for name in ("container_name", "base_folder", "credentials")),
    ),
    Block(
        "github-repository",
        _homes("GitHubRepository", "prefect_github", "prefect_github.repository"),
        "prefect_github.GitHubRepository",
        "github-repository",
        "prefect-github",
        tuple(Row(name, name) for name in ("repository_url", "reference", "credentials")),
    ),
    Block(
        "gitlab-repository",
        _homes("GitLabRepository", "prefect_gitlab", "prefect_gitlab.repositories"),
        "prefect_gitlab.GitLabRepository",
        "gitlab-repository",
        "prefect-gitlab",
        tuple(Row(name, name) for name in ("repository", "reference", "git_depth", "credentials")),
    ),
    Block(
        "bitbucket-repository",
        _homes("BitBucketRepository", "prefect_bitbucket", "prefect_bitbucket.repository"),
        "prefect_bitbucket.BitBucketRepository",
        "bitbucket-repository",
        "prefect-bitbucket",
        tuple(Row(name, name) for name in ("repository", "reference", "bitbucket_credentials")),
    ),
)

BLOCKS: Mapping[str, Block] = {block.slug: block for block in _ALL}
"""The storage blocks by the slug of their type."""

_OTHER_SLUGS = {"gitlab": "gitlab-repository", "bitbucket": "bitbucket-repository"}
_BY_CLASS = {name: block for block in _ALL for name in block.classes}


def block_of_class(qualified: str) -> Optional[Block]:
    """The storage block that a qualified name of 2.x means."""
    return _BY_CLASS.get(qualified)


def block_of_slug(slug: str) -> Optional[Block]:
    """The storage block of a type's slug."""
    return BLOCKS.get(_OTHER_SLUGS.get(slug, slug))


# -- pull steps


@dataclass(frozen=True)
class Pull:
    """How Prefect 3 gets at the code, as `prefect.yaml` has it."""

    steps: tuple[dict[str, Any], ...]
    """The `pull` section. Empty where nothing can be said; `notes` then tells why."""
    push: tuple[dict[str, Any], ...] = ()
    """The `push` section that uploads the code as 2.x did when it built the deployment; empty where 2.x did not, or nothing does on 3.x."""
    requires: tuple[str, ...] = ()
    """What has to be installed where the code is pulled, as pip takes it."""
    blocks: tuple[str, ...] = ()
    """Python that makes the blocks that the steps refer to, `...` where a secret belongs: one statement an element."""
    notes: tuple[str, ...] = ()
    """What is otherwise than on 2.x, and what cannot be carried over."""


def pull_steps(
    slug: Optional[str], fields: Mapping[str, Any], path: Optional[str] = None, block_name: Optional[str] = None
) -> Pull:
    """The pull steps for code in a storage block of 2.x.

    `slug` is the block's type, None for a deployment without storage (its `path` is a directory of the agent's machine or image); `fields` what is known of
    the block, as its YAML or its document has it (empty for a block that is only known by name); `path` the deployment's; `block_name` the name under which
    the block is saved. Values of secrets may be missing or masked; they are not looked at but for being there.
    """
    if slug is None:
        slug, fields = _LOCAL, {}
    block = block_of_slug(slug)
    path = (path or "").strip()
    named = _name_of(fields, block_name)
    known = {key: value for key, value in fields.items() if value not in (None, "") and not _is_about_the_block(key)}
    if block is None:
        return _pulled_with_block(Block(slug, (), "", slug, None, ()), path, named)
    if block.slug == _LOCAL:
        return _local(block, known, path, named)
    if block.slug in _FIELDS_OF_GIT:
        return _git(block, known, path, named)
    if block.slug in ("smb", _REMOTE):
        return _remote(block, known, path, named)
    return _bucket(block, known, path, named)


_ABOUT_THE_BLOCK = frozenset({"block_type_slug", "type"})


def _is_about_the_block(key: str) -> bool:
    return key.startswith("_") or key in _ABOUT_THE_BLOCK


def _name_of(fields: Mapping[str, Any], block_name: Optional[str]) -> Optional[str]:
    name = block_name or fields.get("_block_document_name")
    if not isinstance(name, str) or fields.get("_is_anonymous") or name.startswith("anonymous-"):
        return None
    return name


def _slugged(*parts: str) -> str:
    """A name that a block may have: lower case letters, digits and dashes."""
    return "-".join(filter(None, (re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts))) or "storage"


def _joined(*parts: Optional[str]) -> str:
    return "/".join(filter(None, ((part or "").strip("/") for part in parts)))


def _inside(path: str) -> str:
    """A deployment's path inside of a storage: relative, without the dots of `.` and `./flows`."""
    return "/".join(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))


def _step(name: str, **inputs: Any) -> dict[str, Any]:
    return {name: {key: value for key, value in inputs.items() if value is not None}}


_MUST_EXIST = "the block `{0}/{1}` must exist on the Prefect 3 server (`prefect block ls`)"


def _pulled_with_block(block: Block, path: str, name: Optional[str], notes: tuple[str, ...] = ()) -> Pull:
    """The code by a block of Prefect 3, into a directory of its own; with a path, from a directory in it."""
    name = name or _slugged(block.successor_slug, "code")
    inside = _inside(path)
    step = _step(
        f"{_STEPS}.pull_with_block",
        id="code" if inside else None,
        requires=block.package,
        block_type_slug=block.successor_slug,
        block_document_name=name,
    )
    steps = [step]
    if inside:
        steps.append(_step(f"{_STEPS}.set_working_directory", directory=f"{{{{ code.directory }}}}/{inside}"))
        notes += (f"the whole storage is downloaded, and the flow runs in `{inside}` of it; 2.x downloaded only that",)
    made: tuple[str, ...] = ()
    if block.remains:
        notes = (_MUST_EXIST.format(block.successor_slug, name), *notes)
    else:
        home, _, kind = block.successor.rpartition(".")
        made = (f'from {home} import {kind}; {kind}({_arguments(block)}).save("{name}")',)
        notes = (f"Prefect 3 has no `{block.slug}` blocks: {block.told}, saved as `{name}`", *notes)
    return Pull(tuple(steps), (), _packages(block), made, notes)


def _arguments(block: Block) -> str:
    return ", ".join(
        dict.fromkeys(f"{row.becomes.partition('.')[0]}=..." for row in block.rows if row.becomes is not None)
    )


def _packages(block: Block) -> tuple[str, ...]:
    return (block.package,) if block.package else ()


def _local(block: Block, known: Mapping[str, Any], path: str, name: Optional[str]) -> Pull:
    """2.x copied the directory to where the flow ran; 3.x runs the flow in it."""
    base = str(known.get("basepath", ""))
    if "$STORAGE_BASE_PATH" in path:
        return Pull((), notes=("it was served by `flow.serve()` of a remote source, which pulls the code itself",))
    if base:
        directory = path if _is_absolute(path) else f"{base.rstrip('/') or '/'}/{_inside(path)}".rstrip("/") or "/"
    elif name is not None and not _is_absolute(path):
        return _pulled_with_block(block, path, name)
    else:
        directory = path
    if not directory:
        return Pull(
            (),
            notes=("no directory is known: the deployment has neither a path nor a storage block with a `basepath`",),
        )
    notes = [
        "the flow runs in that directory itself, 2.x ran it in a copy of it: do not let it write where it must not"
    ]
    if directory == "~" or directory.startswith("~/"):
        directory = "{{ $HOME }}" + directory[1:]
    elif not _is_absolute(directory):
        notes.append(f"`{directory}` is relative to where the worker runs the flow: name the whole path")
    return Pull((_step(f"{_STEPS}.set_working_directory", directory=directory),), notes=tuple(notes))


def _is_absolute(path: str) -> bool:
    return (
        path.startswith(("/", "\\\\"))
        or path == "~"
        or path.startswith("~/")
        or bool(re.match(r"[A-Za-z]:[\\/]", path))
    )


def _git(block: Block, known: Mapping[str, Any], path: str, name: Optional[str]) -> Pull:
    """A clone, as 2.x made it: of one branch or tag, without history and submodules."""
    url_field, credentials_field, kind = _FIELDS_OF_GIT[block.slug]
    url = known.get(url_field)
    notes = _git_notes(block, known, path)
    if not isinstance(url, str):
        return replace(found := _pulled_with_block(block, "", name), notes=(*found.notes, *notes))
    url, embedded = _without_user(url.strip())
    inputs: dict[str, Any] = {"repository": url.rstrip("/")}
    if "reference" in known:
        inputs["branch"] = str(known["reference"])
    made: list[str] = []
    held = known.get(credentials_field)
    saved = _saved_credentials(held)
    if held is not None and block.slug != "github" and saved is None and name is not None:
        return replace(found := _pulled_with_block(block, "", name), notes=(*found.notes, *notes))
    if saved is not None:
        inputs["credentials"] = reference(saved[0] or kind, saved[1])
        notes.append(_MUST_EXIST.format(saved[0] or kind, saved[1]))
    elif held is not None or embedded:
        token = _slugged(name or url.rstrip("/").removesuffix(".git").rpartition("/")[2], "access-token")
        inputs["access_token"] = reference("secret", token)
        made.append(f'from prefect.blocks.system import Secret; Secret(value=...).save("{token}")')
        notes.append(f"save the token as the Secret block `{token}`; it is not copied")
        if embedded:
            notes.append(f"`{url_field}` has credentials in the URL: they are taken out")
        if held is not None and block.slug == "github":
            notes.append(
                "a token of the form `user:token` is to be split: `credentials: {username: ..., access_token: ...}` instead of `access_token`"
            )
    return Pull((_step(f"{_STEPS}.git_clone", **inputs),), (), (), tuple(made), tuple(notes))


def _git_notes(block: Block, known: Mapping[str, Any], path: str) -> list[str]:
    notes = []
    inside = _inside(path)
    if inside:
        notes.append(
            f"the whole repository is cloned, 2.x copied only `{inside}` of it; the entrypoint is relative to the repository on both"
        )
    if known.get("include_git_objects") is False:
        notes.append("`include_git_objects=False` has no equivalent: the clone has its `.git`")
    if known.get("git_depth", 1) != 1:
        notes.append("`git_depth` has no equivalent: the clone has no history")
    return notes


def _without_user(url: str) -> tuple[str, bool]:
    """A URL without user and password, and whether it had them; `ssh://git@...` stays."""
    parts = urlsplit(url)
    if parts.scheme in ("ssh", "git", "") or "@" not in parts.netloc:
        return url, False
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])), True


def _saved_credentials(value: Any) -> Optional[tuple[Optional[str], str]]:
    """The type and name of a credentials block that is saved, as the block's document or its YAML tells."""
    if isinstance(value, str):
        found = re.fullmatch(r"\{\{\s*prefect\.blocks\.([\w-]+)\.([\w-]+)\s*\}\}", value)
        return (found.group(1), found.group(2)) if found else None
    if not isinstance(value, Mapping):
        return None
    inner = value.get("block_document")
    holder = inner if isinstance(inner, Mapping) else value
    name = holder.get("_block_document_name") or holder.get("block_document_name") or holder.get("name")
    if not isinstance(name, str) or name.startswith("anonymous-"):
        return None
    kind = holder.get("block_type_slug") or holder.get("_block_type_slug")
    if not isinstance(kind, str):
        type_ = holder.get("block_type")
        kind = type_.get("slug") if isinstance(type_, Mapping) else None
    return (kind if isinstance(kind, str) else None), name


_OF_BUCKETS = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "memory": ""}
"""Protocols where the address starts with the bucket, and what fsspec needs for them.

`pull_from_remote_storage` gives fsspec the address without its protocol: with a host in it (smb, sftp, ftp, hdfs) that is another path."""


def _remote(block: Block, known: Mapping[str, Any], path: str, name: Optional[str]) -> Pull:
    """fsspec directly where the address and the settings can be shown; otherwise the block itself, which has stayed on Prefect 3."""
    base = known.get("basepath")
    settings = known.get("settings") or {}
    scheme = urlsplit(base).scheme if isinstance(base, str) else ""
    shown = isinstance(settings, Mapping) and _has_no_secret(settings)
    if not isinstance(base, str) or scheme not in _OF_BUCKETS or (name is not None and not shown):
        pull = _pulled_with_block(block, path, name)
        if name is None:
            home, _, kind = block.successor.rpartition(".")
            given = ", ".join(f"{row.field}=..." for row in block.rows if row.field in known)
            made = f'from {home} import {kind}; {kind}({given}).save("{_slugged(block.slug, "code")}")'
            pull = replace(pull, blocks=(made,), notes=(*pull.notes, "the block has no name: save it under one"))
        return pull
    url = f"{base.rstrip('/')}/{_inside(path)}".rstrip("/")
    url, embedded = _without_user(url) if scheme not in ("az", "abfs") else (url, False)
    made_blocks: list[str] = []
    notes: list[str] = ["the credentials were in the address: they are taken out"] if embedded else []
    inputs = _shown_settings(settings, _slugged(urlsplit(base).netloc), made_blocks, notes)
    package = _OF_BUCKETS[scheme]
    step = {f"{_STEPS}.pull_from_remote_storage": {**({"requires": package} if package else {}), "url": url, **inputs}}
    return Pull((step,), (), (package,) if package else (), tuple(made_blocks), tuple(notes))


def _has_no_secret(settings: Mapping[str, Any]) -> bool:
    return not any(
        is_secret_setting(str(key))
        or (isinstance(value, Mapping) and not _has_no_secret(value))
        or (isinstance(value, str) and _without_user(value)[1])
        or isinstance(value, list)
        for key, value in settings.items()
    )


def _shown_settings(settings: Mapping[str, Any], prefix: str, made: list[str], notes: list[str]) -> dict[str, Any]:
    """The settings with every secret as a reference to a Secret block."""
    shown: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and not is_secret_setting(str(key)):
            shown[str(key)] = _shown_settings(value, prefix, made, notes)
        elif _has_no_secret({key: value}):
            shown[str(key)] = value
        else:
            name = _slugged(prefix, str(key))
            shown[str(key)] = reference("secret", name)
            made.append(f'from prefect.blocks.system import Secret; Secret(value=...).save("{name}")')
            notes.append(f"save the setting `{key}` as the Secret block `{name}`; it is not copied")
    return shown


@dataclass(frozen=True)
class _Place:
    """Where the code lies in a cloud's storage, and with what it is read."""

    bucket: str
    folder: str
    credentials: Any
    made: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


_CLOUDS = {
    "prefect_aws.S3Bucket": ("prefect_aws.deployments.steps.{}_s3", "bucket", "aws-credentials"),
    "prefect_gcp.GcsBucket": ("prefect_gcp.deployments.steps.{}_gcs", "bucket", "gcp-credentials"),
    "prefect_azure.AzureBlobStorageContainer": (
        "prefect_azure.deployments.steps.{}_azure_blob_storage",
        "container",
        "azure-blob-storage-credentials",
    ),
}


def _bucket(block: Block, known: Mapping[str, Any], path: str, name: Optional[str]) -> Pull:
    """The step of the integration, which downloads to where the flow runs, as 2.x did."""
    step, bucket, kind = _CLOUDS[block.successor]
    place = _place(block, known, path, name, kind)
    if place is None:
        pull = _pulled_with_block(block, path, name)
        if block.slug == "s3-bucket" and _inside(path):
            told = (
                f"2.x downloaded `{path}` of the bucket, whatever the block's `bucket_folder` was: check the directory"
            )
            pull = replace(pull, notes=(*pull.notes, told))
        return pull
    inputs: dict[str, Any] = {
        "requires": block.package,
        bucket: place.bucket,
        "folder": f"{place.folder}/" if place.folder else "",
    }
    if place.credentials is not None:
        inputs["credentials"] = place.credentials
    notes = place.notes
    push = _step(step.format("push_to"), **inputs)
    notes += (
        "2.x uploaded the code when the deployment was built; `prefect deploy` does so only with the `push` step",
    )
    return Pull((_step(step.format("pull_from"), **inputs),), (push,), _packages(block), place.made, notes)


def _place(block: Block, known: Mapping[str, Any], path: str, name: Optional[str], kind: str) -> Optional[_Place]:
    inside = _inside(path)
    if block.remains:
        bucket_field, folder_field, credentials_field = (row.field for row in block.rows)
        bucket, base, held = known.get(bucket_field), str(known.get(folder_field, "")), known.get(credentials_field)
        saved = _saved_credentials(held)
        if not isinstance(bucket, str) or is_masked(bucket) or (saved is None and _has_values(held)):
            return None
        if saved is None and kind.startswith("azure"):
            return None
        notes: tuple[str, ...] = ()
        folder = _joined(base, inside)
        if block.slug == "s3-bucket" and inside:
            folder = inside
            if base:
                notes = (
                    f"2.x downloaded `{inside}` of the bucket and did not look at the block's `bucket_folder` `{base}`, which it uploaded to: check the folder",
                )
        if saved is None:
            return _Place(bucket, folder, None, (), notes)
        notes += (_MUST_EXIST.format(saved[0] or kind, saved[1]),)
        return _Place(bucket, folder, reference(saved[0] or kind, saved[1]), (), notes)
    given = known.get("bucket_path")
    if not isinstance(given, str):
        return None
    bucket, _, base = re.sub(r"^\w+://", "", given).strip("/").partition("/")
    container = known.get("azure_storage_container")
    if not bucket:
        return None
    if container is not None:
        if is_masked(container):
            return None
        bucket, base = str(container), given
    folder = _joined(base, inside)
    secret = [row for row in block.rows if row.secret and row.field in known and row.field != "azure_storage_container"]
    account = known.get("azure_storage_account_name")
    if [row.field for row in secret] == ["azure_storage_account_name"] and not is_masked(account):
        url = f"https://{account}.blob.core.windows.net/"
        told = "without keys the step takes Azure's default credentials (environment, managed identity, `az login`)"
        return _Place(bucket, folder, {"account_url": url}, (), (told,))
    if not secret and block.slug != "azure":
        return _Place(bucket, folder, None)
    credentials = name or _slugged(bucket)
    home, _, package_class = _CREDENTIALS[kind].rpartition(".")
    arguments = ", ".join(
        dict.fromkeys(f"{row.becomes.partition('.')[2]}=..." for row in secret if row.becomes and "." in row.becomes)
    )
    made = f'from {home} import {package_class}; {package_class}({arguments or "..."}).save("{credentials}")'
    names = ", ".join(f"`{row.field}`" for row in secret) or "the credentials, which 2.x took from the environment,"
    notes = (f"save {names} as the block `{kind}/{credentials}`; they are not copied",)
    notes += tuple(f"`{row.field}` has no field of its own: {row.note}" for row in secret if row.becomes is None)
    return _Place(bucket, folder, reference(kind, credentials), (made,), notes)


_CREDENTIALS = {
    "aws-credentials": "prefect_aws.AwsCredentials",
    "gcp-credentials": "prefect_gcp.GcpCredentials",
    "azure-blob-storage-credentials": "prefect_azure.AzureBlobStorageCredentials",
}


def _has_values(value: Any) -> bool:
    """Whether a credentials block that has no name holds anything; one without values stands for the environment's."""
    if isinstance(value, Mapping):
        return any(_has_values(each) for key, each in value.items() if not _is_about_the_block(str(key)))
    return value not in (None, "", False, True) and not isinstance(value, (int, float))


# -- Python


@dataclass(frozen=True)
class Source:
    """What `flow.from_source(source=...)` is given."""

    expression: Optional[str]
    """Source text; None where there is none, `notes` then tells what to do."""
    imports: tuple[str, ...] = ()
    """Qualified names that the expression uses under their last name."""
    notes: tuple[str, ...] = ()
    certain: bool = True
    """Whether it is what 2.x read, as far as the code shows; otherwise a block or a secret has to be made first, or something should be looked at."""
    prefix: str = ""
    """The directory of the source in which the entrypoint of 2.x lies: `from_source(entrypoint=f"{prefix}/{entrypoint}")`."""
    requires: tuple[str, ...] = ()
    """What has to be installed, as pip takes it."""


def python_source(
    slug: str, fields: Mapping[str, str], path: Optional[str] = None, loaded: Optional[str] = None
) -> Source:
    """The source for the storage block that Python code gave to a deployment of 2.x.

    `fields` are the source texts of the keyword arguments of a block that is built in place; `loaded` is the source text of the name where it is loaded
    (`S3.load("prod")`: `'"prod"'`). `path` is the deployment's, its value. Code is read from the source while deploying, and again for every run.
    """
    block = block_of_slug(slug)
    given = {name: text.strip() for name, text in fields.items() if text.strip() not in ("None", '""', "''")}
    if block is None:
        return Source(
            None, notes=(f"`{slug}` is not known as a storage: give `from_source` a block with `get_directory`",)
        )
    if loaded is not None:
        return _loaded(block, loaded, path or "")
    if block.slug == _LOCAL:
        return _local_source(given, path or "")
    if block.slug in _FIELDS_OF_GIT:
        return _git_source(block, given, path or "")
    if block.slug == "smb":
        return Source(None, notes=(_SAVE_FIRST.format("SMB"),), certain=False)
    return _remote_source(block, given, path or "")


_SAVE_FIRST = 'the block has to be saved first, `{0}(...).save("name")`; then give `{0}.load("name")` to `from_source`'


def _loaded(block: Block, name: str, path: str) -> Source:
    kind = block.successor.rpartition(".")[2]
    notes: list[str] = []
    inside = _inside(path)
    if not block.remains:
        notes.append(f"{block.told}, saved under the same name")
    if inside and block.slug in _FIELDS_OF_GIT:
        notes += _git_notes(block, {}, path)
        inside = ""
    elif inside and block.slug == "s3-bucket":
        notes.append(
            f"2.x downloaded `{inside}` of the bucket, whatever the block's `bucket_folder` was: check the entrypoint"
        )
    elif inside:
        notes.append(f"the whole storage is downloaded; the entrypoint is in `{inside}` of it")
    return Source(
        f"{kind}.load({name})", (block.successor,), tuple(notes), block.remains and not inside, inside, _packages(block)
    )


def _local_source(given: Mapping[str, str], path: str) -> Source:
    note = "the flow runs in that directory itself, 2.x uploaded the code to it and ran the flow in a copy"
    base = given.get("basepath")
    if base is None or _is_absolute(path):
        return _at_home(Source(_quoted(path or "."), notes=(note,), certain=bool(path)))
    inside = _inside(path)
    if inside:
        return _at_home(Source(_concatenated("", base, f"/{inside}", strip_end=True), notes=(note,)))
    literal = _literal(base)
    if literal is not None and literal.startswith("~"):
        return _at_home(Source(base, notes=(note,)))
    return Source(base if literal is not None or base.startswith("str(") else f"str({base})", notes=(note,))


def _at_home(source: Source) -> Source:
    """The source, with a `~` at its beginning resolved by the code: `from_source` takes it for a directory of that name."""
    if source.expression is None or not re.match(r"[rRuUfF]*[\"']+~", source.expression):
        return source
    return replace(source, expression=f"expanduser({source.expression})", imports=(*source.imports, EXPANDUSER))


def _git_source(block: Block, given: Mapping[str, str], path: str) -> Source:
    url_field, credentials_field, _ = _FIELDS_OF_GIT[block.slug]
    url = given.get(url_field)
    if url is None:
        return Source(None, notes=(f"`{url_field}=` is not to be seen",), certain=False)
    notes = _git_notes(block, {k: _literal_of_any(v) for k, v in given.items()}, path)
    imports = [_GIT_REPOSITORY]
    certain = "git_depth" not in given
    written = _literal(url)
    embedded = False
    if written is not None:
        plain, embedded = _without_user(written.strip())
        plain = plain.rstrip("/")
        url = url if plain == written else _quoted(plain)
    arguments = [f"url={url}"]
    if "reference" in given:
        arguments.append(f"branch={given['reference']}")
    held = given.get(credentials_field)
    if held is not None and block.slug != "github":
        arguments.append(f"credentials={held}")
        if ".load(" not in held:
            certain = False
            notes.append(f"`{credentials_field}` must be a saved block: load it by its name")
    elif held is not None or embedded:
        secret = _secret_block(held) if held is not None else None
        if secret is None:
            name = _slugged(_repository_name(written), "access-token")
            secret = f'Secret.load("{name}")'
            imports.append(_SECRET)
            certain = False
            notes.append(
                f"save the token as the Secret block `{name}`: Prefect 3 takes it only from a block when deploying"
            )
        arguments.append(f'credentials={{"access_token": {secret}}}')
    return Source(f"GitRepository({', '.join(arguments)})", tuple(imports), tuple(notes), certain)


def _repository_name(url: Optional[str]) -> str:
    if url is None:
        return "repository"
    return url.rstrip("/").rpartition("/")[2].removesuffix(".git")


_FSSPEC_NAMES = {
    "aws_access_key_id": "key",
    "aws_secret_access_key": "secret",
    "service_account_info": "token",
    "azure_storage_connection_string": "connection_string",
    "azure_storage_account_name": "account_name",
    "azure_storage_account_key": "account_key",
    "azure_storage_tenant_id": "tenant_id",
    "azure_storage_client_id": "client_id",
    "azure_storage_client_secret": "client_secret",
    "azure_storage_anon": "anon",
}
"""What the blocks of 2.x gave to fsspec, by their fields."""

_NOT_SECRET = frozenset({"account_name", "anon"})


def _remote_source(block: Block, given: Mapping[str, str], path: str) -> Source:
    """`RemoteStorage`, which reads with fsspec, as the blocks of 2.x did."""
    inside = _inside(path)
    end = f"/{inside}" if inside else ""
    imports = [_REMOTE_STORAGE]
    notes: list[str] = []
    certain = True
    kind = block.successor.rpartition(".")[2]
    settings: dict[str, str] = {}
    if block.slug == _REMOTE:
        base = given.get("basepath")
        written = _literal(base) if base is not None else None
        scheme = urlsplit(written).scheme if written is not None else ""
        if base is None or scheme not in _OF_BUCKETS or (written is not None and _without_user(written)[1]):
            return Source(None, notes=(_SAVE_FIRST.format(kind),), certain=False)
        package = _OF_BUCKETS[scheme]
        url = _concatenated("", base, end, strip_end=True)
        parsed = _settings(given.get("settings", "{}"))
        if parsed is None:
            return Source(None, notes=(_SAVE_FIRST.format(kind),), certain=False)
        settings = parsed
    elif block.remains:
        bucket_field, folder_field, credentials_field = (row.field for row in block.rows)
        if credentials_field in given or bucket_field not in given or block.slug.startswith("azure"):
            return Source(None, notes=(_SAVE_FIRST.format(kind),), certain=False, requires=_packages(block))
        scheme = {"s3-bucket": "s3", "gcs-bucket": "gs"}[block.slug]
        package = _OF_BUCKETS[scheme]
        folder = given.get(folder_field)
        if folder is not None and _literal(folder) is None:
            return Source(None, notes=(_SAVE_FIRST.format(kind),), certain=False, requires=_packages(block))
        where = inside if block.slug == "s3-bucket" and inside else _joined(_literal(folder or '""'), inside)
        url = _concatenated(f"{scheme}://", given[bucket_field], f"/{where}" if where else "")
        notes.append(f"`RemoteStorage` reads with `{package}`, in place of the block, which would have to be saved")
        certain = False
    else:
        scheme = {"s3": "s3", "gcs": "gcs", "azure": "az"}[block.slug]
        package = _OF_BUCKETS[scheme]
        bucket = given.get("bucket_path")
        if bucket is None:
            return Source(None, notes=("`bucket_path=` is not to be seen",), certain=False)
        container = given.get("azure_storage_container")
        if container is not None:
            if _literal(container) is None or _literal(bucket) is None:
                return Source(None, notes=("name the container: `RemoteStorage(url=\"az://container/folder\", ...)`",), certain=False)  # fmt: skip
            url = _quoted(f"az://{_joined(_literal(container), _literal(bucket), inside)}")
        else:
            url = _concatenated(f"{scheme}://", bucket, end, strip_end=True)
        settings = {_FSSPEC_NAMES[name]: text for name, text in given.items() if name in _FSSPEC_NAMES}
    arguments = [f"url={url}"]
    for name, text in settings.items():
        if name not in _NOT_SECRET and (
            is_secret_setting(name) or name.startswith(("tenant", "client_id", "connection"))
        ):
            secret = _secret_block(text)
            if secret is None:
                saved = _slugged(_saved_as(block, name, given))
                secret = f'Secret.load("{saved}")'
                certain = False
                imports.append(_SECRET)
                notes.append(f"save `{name}` as the Secret block `{saved}`: what is given as text would be readable in the deployment")  # fmt: skip
            text = secret
        arguments.append(f"{name}={text}")
    if block.slug == "gcs" and "token" in settings:
        certain = False
        notes.append("the Secret has to hold the service account as JSON, not as text")
    return Source(
        f"RemoteStorage({', '.join(arguments)})",
        tuple(dict.fromkeys(imports)),
        tuple(notes),
        certain,
        requires=(package,) if package else (),
    )


def _saved_as(block: Block, setting: str, given: Mapping[str, str]) -> str:
    """A name for the Secret block that holds a setting: of the block's field, or of the bucket and the setting."""
    if block.slug == _REMOTE:
        return f"{urlsplit(_literal(given['basepath']) or '').netloc} {setting}"
    return next((field for field, name in _FSSPEC_NAMES.items() if name == setting and _has(block, field)), setting)


def _has(block: Block, field: str) -> bool:
    return any(row.field == field for row in block.rows)


def _settings(text: str) -> Optional[dict[str, str]]:
    """The entries of a dictionary display that can be keywords; None where they cannot all be seen."""
    tree = _parsed(text)
    if not isinstance(tree, ast.Dict):
        return None
    found: dict[str, str] = {}
    for key, value in zip(tree.keys, tree.values):
        name = key.value if isinstance(key, ast.Constant) else None
        if not isinstance(name, str) or not name.isidentifier() or name in ("url", "pull_interval"):
            return None
        if not is_secret_setting(name) and _mentions_secret(value):
            return None
        found[name] = ast.get_source_segment(text, value) or ""
    return found


def _mentions_secret(value: ast.expr) -> bool:
    return any(
        isinstance(key, ast.Constant) and isinstance(key.value, str) and is_secret_setting(key.value)
        for node in ast.walk(value)
        if isinstance(node, ast.Dict)
        for key in node.keys
    )


def _secret_block(text: str) -> Optional[str]:
    """`Secret.load("x")` of `Secret.load("x").get()`: Prefect 3 puts a reference to the block into the deployment."""
    tree = _parsed(text)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "SecretStr" and tree.args:
        text = ast.get_source_segment(text, tree.args[0]) or ""
        tree = tree.args[0]
    if not isinstance(tree, ast.Call) or tree.args or tree.keywords or not isinstance(tree.func, ast.Attribute):
        return None
    held = tree.func.value
    is_loaded = (
        tree.func.attr == "get"
        and isinstance(held, ast.Call)
        and isinstance(held.func, ast.Attribute)
        and held.func.attr == "load"
        and ast.unparse(held.func.value).rpartition(".")[2] == "Secret"
    )
    return ast.unparse(held).replace("'", '"') if is_loaded else None


def _parsed(text: str) -> Optional[ast.expr]:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _literal(text: str) -> Optional[str]:
    tree = _parsed(text)
    return tree.value if isinstance(tree, ast.Constant) and isinstance(tree.value, str) else None


def _literal_of_any(text: str) -> Any:
    tree = _parsed(text)
    return tree.value if isinstance(tree, ast.Constant) else text


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _concatenated(start: str, text: str, end: str, strip_end: bool = False) -> str:
    """Source text of a string with something before and after it: a literal, or an f-string of a plain name."""
    literal = _literal(text)
    if literal is not None:
        if start or end:
            literal = re.sub(r"^\w+://", "", literal) if start else literal
            return _quoted(f"{start}{literal.rstrip('/') if strip_end else literal}{end}")
        return text
    if not start and not end:
        return text
    if isinstance(_parsed(text), ast.Name) or re.fullmatch(r"[A-Za-z_][\w.]*", text):
        return f'f"{start}{{{text}}}{end}"'
    parts = [_quoted(start) if start else "", f"str({text})", _quoted(end) if end else ""]
    return " + ".join(filter(None, parts))
