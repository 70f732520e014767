"""The storage blocks that Prefect 3 does not have, where code loads, makes or names them. Those of deployments are the business of PF301."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Optional

from migrator.deployments.storage import BLOCKS, Block, block_of_class
from migrator.findings import Applicability, Edit, Severity
from migrator.model.guards import only_on
from migrator.model.module import FLOW_DECORATORS, TASK_DECORATORS, Kind, Module, Reference
from migrator.model.names import FUNCTIONS, is_none, span
from migrator.rewriting.imports import new_import_edit
from migrator.rewriting.names import add_import, can_add_import, local_name, remove_imports_of
from migrator.rules.base import Context, Draft, Mend, rule, unneeded_imports
from migrator.rules.deployments.calls import stands_alone
from migrator.rules.deployments.edits import flag_before, for_each_major, guarded_imports, imports_of_3

_URL = "https://docs.prefect.io/v3/advanced/results"
_LOADS = frozenset({"prefect.blocks.core.Block.load", "prefect.blocks.core.Block.aload"})
_GONE = {slug: block for slug, block in BLOCKS.items() if not block.remains}
_NAMED = re.compile(rf"({'|'.join(_GONE)})/(.+)", re.S)
_STORES = frozenset({"s3", "gcs", "azure"})
_WIDTH = 100


@rule("PF310", "removed-storage-block", Severity.ERROR, "unsafe or none", _URL)
def removed_storage_block(context: Context) -> Iterator[Draft]:
    """Use the block of the integration in place of `S3`, `GCS`, `Azure` and `GitHub` of `prefect.filesystems`.

    Prefect 3 has none of the four, and a document that was saved as one of them cannot be loaded there, on an upgraded server neither. `S3Bucket` of
    prefect-aws, `GcsBucket` of prefect-gcp, `AzureBlobStorageContainer` of prefect-azure and `GitHubRepository` of prefect-github do the same on 2.x and 3.x, with
    other fields: the block has to be made anew. `LocalFileSystem`, `RemoteFileSystem` and `SMB` stay, their documents as well.

    | of 2.x | on 3.x |
    |---|---|
    | `S3(bucket_path="b/folder", aws_access_key_id=..., aws_secret_access_key=...)` | `S3Bucket(bucket_name="b", bucket_folder="folder", credentials=AwsCredentials(aws_access_key_id=..., aws_secret_access_key=...))` |
    | `GCS(bucket_path="b/folder", service_account_info=..., project=...)` | `GcsBucket(bucket="b", bucket_folder="folder", gcp_credentials=GcpCredentials(service_account_info=..., project=...))` |
    | `Azure(bucket_path="c/folder", azure_storage_connection_string=...)` | `AzureBlobStorageContainer(container_name="c", base_folder="folder", credentials=AzureBlobStorageCredentials(connection_string=...))` |
    | `GitHub(repository=..., reference=..., access_token=...)` | `GitHubRepository(repository_url=..., reference=..., credentials=GitHubCredentials(token=...))` |

    What is otherwise in the new blocks: `S3Bucket.get_directory(from_path)` does not add the `bucket_folder` to the path; `write_path` gives the key, without `s3://bucket/`;
    there is no `filesystem`, and `basepath` is the folder; they need boto3, google-cloud-storage or azure-storage-blob in place of s3fs, gcsfs or adlfs. A folder of results that
    is read by its address stays the same.

    ## Example
    ```python
    from prefect import flow
    from prefect.filesystems import S3

    S3(bucket_path="my-bucket/results", aws_access_key_id="AKIA", aws_secret_access_key="...").save("prod", overwrite=True)

    @flow
    def etl():
        return S3.load("prod").read_path("orders.csv")
    ```

    ## Use instead
    ```python
    from prefect import flow
    from prefect_aws import AwsCredentials, S3Bucket

    S3Bucket(
        bucket_name="my-bucket",
        bucket_folder="results",
        credentials=AwsCredentials(aws_access_key_id="AKIA", aws_secret_access_key="..."),
    ).save("prod", overwrite=True)

    @flow
    def etl():
        return S3Bucket.load("prod").read_path("orders.csv")
    ```

    ## Fix safety
    Unsafe: the block must be made anew before the code can load it, and the integration be installed. No fix where the bucket and the folder cannot be told apart (`bucket_path` is a
    variable), where the code asks the block for a field that the new one does not have, for keys of an Azure account, and for the storage of a deployment, which becomes the source of `from_source` (PF301).
    """
    module = context.module
    if "filesystems" not in module.text:
        return
    found = [
        (reference, used)
        for reference in module.references
        for used in (_used(reference),)
        if used is not None and not context.may_fail(reference.use.parents, reference.node)
    ]
    if not found:
        return
    rewritings = {reference.node: _rewritten(context, reference, used) for reference, used in found}
    mended = [rewriting for rewriting in rewritings.values() if rewriting is not None]
    gone = [reference for reference, _ in found if rewritings[reference.node] is not None]
    mend = Mend(Applicability.UNSAFE, "Use the block of the integration", partial(_edits, context, mended, gone))
    for reference, used in found:
        if used.call is None:
            continue
        rewriting = rewritings[reference.node]
        yield context.draft(used.call, _told(context, reference, used), mend if rewriting is not None else None)


@rule("PF311", "removed-storage-slug", Severity.ERROR, "unsafe", _URL)
def removed_storage_slug(context: Context) -> Iterator[Draft]:
    """Name a block of the integration where a string names an `s3`, `gcs`, `azure` or `github` block.

    `result_storage="s3/prod"` and `Block.load("s3/prod")` name a block by its type and its name. Prefect 3 does not have these types; a flow whose result storage is one raises before its
    function begins, and its run stays `Running` on the server. The types of the integrations are `s3-bucket`, `gcs-bucket`, `azure-blob-storage-container` and `github-repository`;
    PF310 tells how their blocks are made.

    ## Example
    ```python
    from prefect import flow

    @flow(persist_result=True, result_storage="s3/prod")
    def etl():
        return 1
    ```

    ## Use instead
    ```python
    from prefect import flow

    @flow(persist_result=True, result_storage="s3-bucket/prod")
    def etl():
        return 1
    ```

    ## Fix safety
    Unsafe: the block must be made anew under its name.
    """
    module = context.module
    if not module.references or not any(f"{slug}/" in module.text for slug in _GONE):
        return
    for string, parents in _naming_strings(context):
        match = _NAMED.fullmatch(str(string.value))
        if match is None or context.may_fail(parents, string):
            continue
        block = _GONE[match[1]]
        start, _ = span(string, module.index)
        opening = re.match(r"[rRuU]?[\"']+", module.text[start:])
        if opening is None or not module.text.startswith(f"{match[1]}/", start + opening.end()):
            continue
        start += opening.end()
        edit = Edit(start, start + len(match[1]), block.successor_slug)
        told = f"Prefect 3 has no blocks of the type `{match[1]}`, and loads no document of it: {_recipe(block, match[2])}, and name it `{block.successor_slug}/{match[2]}`"
        mend = Mend(
            Applicability.UNSAFE, f"Name the `{block.successor_slug}` block", lambda edit=edit: [edit]  # type: ignore[misc]
        )  # fmt: skip
        yield context.draft(string, told, mend)


RULES = (removed_storage_block, removed_storage_slug)


@dataclass(frozen=True)
class _Used:
    """What is done with one of the classes."""

    block: Block
    end: int
    """Where the class's name ends in the text."""
    call: Optional[ast.Call]
    """The call that makes a block, or loads one; None where the class stands for itself."""
    loads: bool = False


@dataclass(frozen=True)
class _Rewriting:
    edits: tuple[Edit, ...]
    needs: tuple[str, ...]
    flag: Optional[ast.stmt] = None
    """What brings `PREFECT_3`, where the block of 2.x stays on a branch of its own."""


def _used(reference: Reference) -> Optional[_Used]:
    """The use of one of the classes by its own name; None for others, and for attributes other than `load`."""
    if not reference.direct or not reference.qualified.startswith("prefect.filesystems."):
        return None
    for dotted, _, end in reference.prefixes:
        block = block_of_class(dotted)
        if block is None or block.remains:
            continue
        rest = reference.qualified[len(dotted) + 1 :]
        if rest == "load":
            return _Used(block, end, reference.call, True) if reference.call is not None else None
        if rest:
            return None
        return _Used(block, end, reference.call) if reference.call is not None or _is_a_type(reference) else None
    return None


def _is_a_type(reference: Reference) -> bool:
    """Whether a class stands in an annotation, or is asked for by `isinstance`."""
    inner: ast.AST = reference.node
    for parent in reversed(reference.use.parents):
        if isinstance(parent, (ast.Subscript, ast.Tuple, ast.BinOp)):
            inner = parent
            continue
        if isinstance(parent, ast.Call):
            return isinstance(parent.func, ast.Name) and parent.func.id == "isinstance"
        if isinstance(parent, ast.AnnAssign):
            return parent.annotation is inner
        return isinstance(parent, ast.arg) or (isinstance(parent, FUNCTIONS) and parent.returns is inner)
    return False


def _told(context: Context, reference: Reference, used: _Used) -> str:
    block = used.block
    kind = block.classes[0].rpartition(".")[2]
    successor = block.successor.rpartition(".")[2]
    told = f"Prefect 3 has no `{kind}` blocks"
    if _is_of_a_deployment(context, reference):
        return f"{told}: the storage of a deployment becomes the source of `flow.from_source(source=...)` (`migrator rule PF301`)"
    read = _field_read(context, reference, used)
    if read is not None:
        told += f" and `{successor}` has no such field as `{read}`"
    if used.loads and used.call is not None:
        name = used.call.args[0] if used.call.args else None
        known = name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else None
        return (
            f"{told}, and loads no document of them: {_recipe(block, known)}, then load it with `{successor}.load(...)`"
        )
    return f"{told}: {block.told} (needs `{block.package}`)"


def _recipe(block: Block, name: Optional[str]) -> str:
    saved = f'`.save("{name}")`' if name is not None else "save it under the same name"
    return f"{block.told}; {saved} (needs `{block.package}`)".replace("; `.save", ", with `.save")


def _is_of_a_deployment(context: Context, reference: Reference) -> bool:
    """Whether the block is the storage of a deployment: given as `storage=`, itself or by the variable that holds it."""
    for parent in reversed(reference.use.parents):
        if isinstance(parent, ast.keyword):
            return parent.arg == "storage"
        if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
            return bool(re.search(rf"\bstorage\s*=\s*{parent.targets[0].id}\b", context.module.text))
        if not isinstance(parent, (ast.Call, ast.Attribute, ast.Await)):
            return False
    return False


_NOT_IN_SUCCESSOR: Mapping[str, frozenset[str]] = {
    "s3": frozenset({"bucket_path", "aws_access_key_id", "aws_secret_access_key", "filesystem"}),
    "gcs": frozenset({"bucket_path", "service_account_info", "project", "filesystem"}),
    "azure": frozenset({"bucket_path", "azure_storage_connection_string", "basepath", "filesystem"}),
    "github": frozenset({"repository", "access_token", "include_git_objects"}),
}
"""Attributes of the blocks of 2.x that the block of the integration does not have."""


def _field_read(context: Context, reference: Reference, used: _Used) -> Optional[str]:
    """The text of an attribute that the code asks of the block, and that its successor does not have; None where there is none."""
    if used.call is None:
        return None
    parents = list(reference.use.parents[: reference.use.parents.index(used.call)])
    if parents and isinstance(parents[-1], ast.Await):
        parents.pop()
    parent = parents[-1] if parents else None
    names: set[str] = set()
    if isinstance(parent, (ast.Assign, ast.AnnAssign)):
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
    gone = _NOT_IN_SUCCESSOR[used.block.slug]
    for node in [parent] if isinstance(parent, ast.Attribute) else ast.walk(context.module.tree) if names else ():
        if isinstance(node, ast.Attribute) and node.attr in gone:
            if node is parent or (isinstance(node.value, ast.Name) and node.value.id in names):
                return context.module.source(node)
    return None


# -- how it is rewritten


def _rewritten(context: Context, reference: Reference, used: _Used) -> Optional[_Rewriting]:
    module = context.module
    block = used.block
    if reference.use.in_string or not can_add_import(module, block.successor):
        return None
    of_a_deployment = _is_of_a_deployment(context, reference)
    if of_a_deployment and not context.target.both:
        return None
    if _field_read(context, reference, used) is not None:
        return None
    if of_a_deployment:
        return _with_branches(context, reference, used)
    name = local_name(module, block.successor)
    renamed = Edit(reference.start, used.end, name)
    if used.call is None or used.loads:
        return _Rewriting((renamed,), (block.successor,))
    made = _made(context, block, used.call)
    if made is None:
        return None
    arguments, needs = made
    if not all(can_add_import(module, dotted) for dotted in needs):
        return None
    start, end = span(used.call, module.index)
    return _Rewriting(
        (Edit(start, end, _call(module, start, f"{name}", arguments)),), (block.successor, *needs)
    )  # fmt: skip


def _with_branches(context: Context, reference: Reference, used: _Used) -> Optional[_Rewriting]:
    """The variable of a block that deployments take on 2.x alone and others read as well: for each major its own block."""
    module, call = context.module, used.call
    if call is None or used.loads:
        return None
    parents = reference.use.parents[: reference.use.parents.index(call)]
    statement = parents[-1] if parents else None
    if not isinstance(statement, ast.Assign) or not stands_alone(context, statement):
        return None
    names = {target.id for target in statement.targets if isinstance(target, ast.Name)}
    taken = [
        use
        for use in module.names.uses
        if use.name in names and use.parents and isinstance(use.parents[-1], ast.keyword) and use.parents[-1].arg == "storage"
    ]  # fmt: skip
    flag = flag_before(module, statement.lineno)
    made = _made(context, used.block, call)
    if flag is None or made is None or any(only_on(use.parents, module) != 2 for use in taken):
        return None
    arguments, needs = made
    if not all(can_add_import(module, dotted) for dotted in needs):
        return None
    start, end = span(statement, module.index)
    at, till = span(call, module.index)
    new = _call(module, at, local_name(module, used.block.successor), arguments)
    old = module.text[start:end]
    text = for_each_major(context, statement, f"{module.text[start:at]}{new}{module.text[till:end]}", old)
    return _Rewriting((Edit(start, end, text),), (used.block.successor, *needs), flag)


def _call(module: Module, start: int, function: str, arguments: Sequence[str]) -> str:
    """A call on one line where it fits, else with an argument a line."""
    line = module.text.rfind("\n", 0, start) + 1
    whole = f"{function}({', '.join(arguments)})"
    if start - line + len(whole) <= _WIDTH and "\n" not in whole:
        return whole
    indent = re.match(r"[ \t]*", module.text[line:])
    inner = (indent[0] if indent else "") + "    "
    return f"{function}(\n" + "".join(f"{inner}{argument},\n" for argument in arguments) + f"{inner[:-4]})"


_IN_CREDENTIALS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "s3": (
        "credentials",
        "prefect_aws.AwsCredentials",
        {"aws_access_key_id": "aws_access_key_id", "aws_secret_access_key": "aws_secret_access_key"},
    ),
    "gcs": (
        "gcp_credentials",
        "prefect_gcp.GcpCredentials",
        {"service_account_info": "service_account_info", "project": "project"},
    ),
    "azure": (
        "credentials",
        "prefect_azure.AzureBlobStorageCredentials",
        {"azure_storage_connection_string": "connection_string"},
    ),
    "github": ("credentials", "prefect_github.GitHubCredentials", {"access_token": "token"}),
}
"""The argument of the successor that holds the credentials, their block, and its fields by those of 2.x."""
_BUCKET_AND_FOLDER = {
    "s3": ("bucket_name", "bucket_folder"),
    "gcs": ("bucket", "bucket_folder"),
    "azure": ("container_name", "base_folder"),
}


def _made(context: Context, block: Block, call: ast.Call) -> Optional[tuple[list[str], tuple[str, ...]]]:
    """The arguments of the successor, and what they need to import; None where something cannot be carried over."""
    module = context.module
    if call.args or any(keyword.arg is None for keyword in call.keywords) or "#" in module.source(call):
        return None
    given = {str(keyword.arg): keyword.value for keyword in call.keywords if not is_none(keyword.value)}
    holder, credentials, fields = _IN_CREDENTIALS[block.slug]
    arguments: list[str] = []
    held: list[str] = []
    for name, value in given.items():
        source = module.source(value)
        if name in fields:
            held.append(f"{fields[name]}={source}")
        elif name == "bucket_path":
            parts = _split(value, source)
            if parts is None:
                return None
            bucket, folder = _BUCKET_AND_FOLDER[block.slug]
            arguments.append(f"{bucket}={parts[0]}")
            arguments += [f"{folder}={parts[1]}"] if parts[1] is not None else []
        elif block.slug == "github" and name in ("repository", "reference"):
            arguments.append(f"{'repository_url' if name == 'repository' else name}={source}")
        elif not (name in ("include_git_objects", "azure_storage_anon") and _is_true(value)):
            return None
    if not held:
        return (arguments, ()) if block.slug != "azure" else None
    if not can_add_import(module, credentials):
        return None
    arguments.append(f"{holder}={local_name(module, credentials)}({', '.join(held)})")
    return arguments, (credentials,)


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


_PLAIN_TEXT = re.compile(r"""(?P<f>[fF]?)(?P<quote>["'])(?P<bucket>[^{}/\\"'\n]+)/*(?P<folder>/[^\\"'\n]+?)?/*(?P=quote)""")  # fmt: skip


def _split(value: ast.expr, source: str) -> Optional[tuple[str, Optional[str]]]:
    """The texts of the bucket and of the folder in it; None where the first `/` cannot be seen."""
    match = _PLAIN_TEXT.fullmatch(source)
    if match is None or not isinstance(value, (ast.Constant, ast.JoinedStr)):
        return None
    if ":" in match["bucket"]:
        return None
    quote, folder = match["quote"], (match["folder"] or "").strip("/")
    if not folder:
        return f"{quote}{match['bucket']}{quote}", None
    prefix = match["f"] if "{" in folder else ""
    return f"{quote}{match['bucket']}{quote}", f"{prefix}{quote}{folder}{quote}"


def _edits(context: Context, rewritings: Iterable[_Rewriting], gone: Iterable[Reference]) -> Iterator[Edit]:
    """All edits of the module, with the imports that they need and without those that nothing uses any more."""
    module = context.module
    rewritings = list(rewritings)
    for rewriting in rewritings:
        yield from rewriting.edits
    yield from _imports(
        module, sorted({home for rewriting in rewritings if rewriting.flag is None for home in rewriting.needs})
    )
    flags = [rewriting.flag for rewriting in rewritings if rewriting.flag is not None]
    unused = list(unneeded_imports(context, list(gone), but_on_2=bool(flags)))
    if flags:
        of_3 = sorted({home for rewriting in rewritings if rewriting.flag is not None for home in rewriting.needs})
        yield from imports_of_3(module, of_3, flags[0])
        yield from guarded_imports(context, unused)
    else:
        yield from remove_imports_of(module, unused)


def _imports(module: Module, needed: Iterable[str]) -> Iterator[Edit]:
    """Imports what is not imported yet, what comes from one package in one statement."""
    homes: dict[str, list[str]] = {}
    for dotted in needed:
        home, _, name = dotted.rpartition(".")
        homes.setdefault(home, []).append(name)
    for home, names in homes.items():
        is_known = any(isinstance(each, ast.ImportFrom) and each.module == home for each in module.tree.body)
        if len(names) > 1 and not is_known:
            yield new_import_edit(module.text, module.tree, f"from {home} import {', '.join(names)}")
            continue
        for name in names:
            yield from add_import(module, f"{home}.{name}")


# -- strings


def _naming_strings(context: Context) -> Iterator[tuple[ast.Constant, tuple[ast.AST, ...]]]:
    """The strings that name a block: `result_storage=` of flows and tasks, and what `Block.load` is given; with the nodes around each."""
    module = context.module
    for reference in module.references:
        call = reference.call
        if call is None:
            continue
        parents = (*reference.use.parents,)
        if reference.qualified in _LOADS and call.args:
            given: Optional[ast.expr] = call.args[0]
        elif _makes_a_run(reference):
            given = next((each.value for each in call.keywords if each.arg == "result_storage"), None)
        else:
            continue
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            is_load = reference.qualified in _LOADS
            if is_load or given.value.partition("/")[0] in _STORES:
                yield given, parents


def _makes_a_run(reference: Reference) -> bool:
    """Whether a call makes a flow or a task, or one with other options."""
    if reference.qualified:
        return reference.qualified in TASK_DECORATORS | FLOW_DECORATORS
    definition = reference.definition
    if definition is None:
        return False
    if definition.kind in (Kind.TASK_DECORATOR, Kind.FLOW_DECORATOR):
        return not reference.rest
    return definition.kind in (Kind.TASK, Kind.FLOW) and reference.rest == ("with_options",)
