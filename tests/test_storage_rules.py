"""The storage blocks that Prefect 3 does not have, in Python."""

from __future__ import annotations

import pytest

from tests.support.examples import prove, prove_untouched

CODES = ("PF310", "PF311")

REWRITTEN = {
    "loaded": (
        "from prefect.filesystems import S3\n\nblock = S3.load('x')\n",
        "from prefect_aws import S3Bucket\n\nblock = S3Bucket.load('x')\n",
    ),
    "loaded_in_a_coroutine": (
        "from prefect.filesystems import GCS\n\nasync def read():\n    return await (await GCS.load('x')).read_path('a')\n",
        "from prefect_gcp import GcsBucket\n\nasync def read():\n    return await (await GcsBucket.load('x')).read_path('a')\n",
    ),
    "alias": (
        "from prefect.filesystems import GitHub as Code\n\nblock = Code.load(name)\n",
        "from prefect_github import GitHubRepository\n\nblock = GitHubRepository.load(name)\n",
    ),
    "imported_module": (
        "import prefect.filesystems as fs\n\nblock = fs.S3.load('x')\nother = fs.LocalFileSystem.load('y')\n",
        "import prefect.filesystems as fs\nfrom prefect_aws import S3Bucket\n\nblock = S3Bucket.load('x')\nother = fs.LocalFileSystem.load('y')\n",
    ),
    "other_names_stay": (
        "from prefect.filesystems import S3, LocalFileSystem\n\nS3.load('x')\nLocalFileSystem.load('y')\n",
        "from prefect.filesystems import LocalFileSystem\nfrom prefect_aws import S3Bucket\n\nS3Bucket.load('x')\nLocalFileSystem.load('y')\n",
    ),
    "annotations_follow": (
        "from typing import Optional\nfrom prefect.filesystems import S3\n\ndef get(block: Optional[S3] = None) -> S3:\n    return block or S3.load('x')\n",
        "from typing import Optional\nfrom prefect_aws import S3Bucket\n\ndef get(block: Optional[S3Bucket] = None) -> S3Bucket:\n    return block or S3Bucket.load('x')\n",
    ),
    "result_storage": (
        "from prefect import flow\nfrom prefect.filesystems import S3\n\n@flow(result_storage=S3.load('x'))\ndef f(): ...\n",
        "from prefect import flow\nfrom prefect_aws import S3Bucket\n\n@flow(result_storage=S3Bucket.load('x'))\ndef f(): ...\n",
    ),
    "bucket_alone": (
        'from prefect.filesystems import S3\n\nS3(bucket_path="b").save("x")\n',
        'from prefect_aws import S3Bucket\n\nS3Bucket(bucket_name="b").save("x")\n',
    ),
    "folder_that_ends_with_a_slash": (
        "from prefect.filesystems import S3\n\nS3(bucket_path='b/a/c/').save('x')\n",
        "from prefect_aws import S3Bucket\n\nS3Bucket(bucket_name='b', bucket_folder='a/c').save('x')\n",
    ),
    "folder_of_variables": (
        'from prefect.filesystems import S3\n\nS3(bucket_path=f"b/{stage}/x", aws_access_key_id=None).save("x")\n',
        'from prefect_aws import S3Bucket\n\nS3Bucket(bucket_name="b", bucket_folder=f"{stage}/x").save("x")\n',
    ),
    "keys": (
        'from prefect.filesystems import S3\n\nS3(bucket_path="b", aws_access_key_id=KEY).save("x")\n',
        'from prefect_aws import AwsCredentials, S3Bucket\n\nS3Bucket(bucket_name="b", credentials=AwsCredentials(aws_access_key_id=KEY)).save("x")\n',
    ),
    "service_account": (
        'from prefect.filesystems import GCS\n\nGCS(bucket_path="b", service_account_info=INFO, project="p").save("x")\n',
        'from prefect_gcp import GcpCredentials, GcsBucket\n\nGcsBucket(bucket="b", gcp_credentials=GcpCredentials(service_account_info=INFO, project="p")).save("x")\n',
    ),
    "connection_string": (
        'from prefect.filesystems import Azure\n\nAzure(bucket_path="c/f", azure_storage_connection_string=S, azure_storage_anon=True).save("x")\n',
        'from prefect_azure import AzureBlobStorageContainer, AzureBlobStorageCredentials\n\nAzureBlobStorageContainer(\n    container_name="c",\n    base_folder="f",\n    credentials=AzureBlobStorageCredentials(connection_string=S),\n).save("x")\n',
    ),
    "github": (
        'from prefect.filesystems import GitHub\n\nGitHub(repository="https://github.com/o/r", reference="main").save("x")\n',
        'from prefect_github import GitHubRepository\n\nGitHubRepository(repository_url="https://github.com/o/r", reference="main").save("x")\n',
    ),
    "name_in_result_storage": (
        'from prefect import task\n\n@task(persist_result=True, result_storage="gcs/x")\ndef t(): ...\n',
        'from prefect import task\n\n@task(persist_result=True, result_storage="gcs-bucket/x")\ndef t(): ...\n',
    ),
    "name_in_options": (
        "import prefect as p\n\n@p.flow\ndef f(): ...\n\nf.with_options(result_storage='azure/x')()\n",
        "import prefect as p\n\n@p.flow\ndef f(): ...\n\nf.with_options(result_storage='azure-blob-storage-container/x')()\n",
    ),
    "name_given_to_block": (
        'from prefect.blocks.core import Block\n\nblock = Block.load("github/code")\n',
        'from prefect.blocks.core import Block\n\nblock = Block.load("github-repository/code")\n',
    ),
}


@pytest.mark.parametrize("target", ["3", "both"])
@pytest.mark.parametrize("name", REWRITTEN)
def test_the_integration_takes_its_place(name: str, target: str) -> None:
    """The same on both majors: the integrations have these blocks for 2.x as well."""
    before, after = REWRITTEN[name]
    prove(before, after, select=CODES, target=target)


LEFT = {
    "bucket_in_a_variable": "from prefect.filesystems import S3\n\nS3(bucket_path=PATH).save('x')\n",
    "keyword_dictionary": "from prefect.filesystems import S3\n\nS3(**fields).save('x')\n",
    "comment_among_the_arguments": "from prefect.filesystems import S3\n\nS3(\n    bucket_path='b',  # ours\n).save('x')\n",
    "account_key": "from prefect.filesystems import Azure\n\nAzure(bucket_path='b', azure_storage_account_key=KEY)\n",
    "field_that_is_asked_for": "from prefect.filesystems import S3\n\ns3 = S3.load('x')\nprint(s3.bucket_path)\n",
    "field_that_is_asked_for_at_once": "from prefect.filesystems import GitHub\n\nprint(GitHub.load('x').repository)\n",
    "field_of_an_awaited_block": "from prefect.filesystems import GCS\n\nasync def f():\n    gcs = await GCS.load('x')\n    gcs.filesystem.write_path('a', b'')\n",
    "without_git": "from prefect.filesystems import GitHub\n\nGitHub(repository=URL, include_git_objects=False)\n",
    "azure_from_the_environment": "from prefect.filesystems import Azure\n\nAzure(bucket_path='b')\n",
    "name_is_taken": "from prefect.filesystems import S3\n\nclass S3Bucket: ...\n\nS3.load('x')\n",
    "storage_of_a_deployment": "from prefect.deployments import Deployment\nfrom prefect.filesystems import S3\n\nDeployment.build_from_flow(f, 'n', storage=S3.load('x'))\n",
    "storage_of_a_deployment_by_variable": "from prefect.deployments import Deployment\nfrom prefect.filesystems import S3\n\nblock = S3.load('x')\nDeployment.build_from_flow(f, 'n', storage=block)\n",
}


@pytest.mark.parametrize("name", LEFT)
def test_what_cannot_be_carried_over_is_told(name: str) -> None:
    findings = prove(LEFT[name], LEFT[name], select=CODES)
    assert [finding.code for finding in findings] == ["PF310"]


def test_a_field_that_the_successor_has_as_well_is_asked_for() -> None:
    before = "from prefect.filesystems import S3\n\ns3 = S3.load('x')\nprint(s3.basepath, other.bucket_path)\n"
    after = "from prefect_aws import S3Bucket\n\ns3 = S3Bucket.load('x')\nprint(s3.basepath, other.bucket_path)\n"
    prove(before, after, select=CODES)


def test_the_message_tells_which_field_is_gone() -> None:
    (found,) = prove(LEFT["field_that_is_asked_for"], LEFT["field_that_is_asked_for"], select=CODES)
    assert "`S3Bucket` has no such field as `s3.bucket_path`" in found.message


def test_an_import_stays_for_what_is_left() -> None:
    before = "from prefect.filesystems import S3\n\nS3.load('x')\nS3(bucket_path=PATH)\n"
    after = "from prefect.filesystems import S3\nfrom prefect_aws import S3Bucket\n\nS3Bucket.load('x')\nS3(bucket_path=PATH)\n"
    prove(before, after, select=CODES)


UNTOUCHED = {
    "blocks_that_stay": "from prefect.filesystems import LocalFileSystem, RemoteFileSystem, SMB\n\nLocalFileSystem.load('x')\nRemoteFileSystem(basepath='s3://b').save('y')\nSMB.load('z')\n",
    "names_of_blocks_that_stay": "from prefect import flow\n\n@flow(result_storage='local-file-system/x')\ndef f(): ...\n",
    "already_written": "from prefect import flow\nfrom prefect_aws import S3Bucket\n\n@flow(result_storage='s3-bucket/x')\ndef f():\n    S3Bucket.load('x')\n",
    "another_s3": "from prefect import flow\nfrom mine.filesystems import S3\n\nS3.load('x')\n",
    "shadowed": "from prefect.filesystems import LocalFileSystem\n\ndef f(S3):\n    return S3.load('x')\n",
    "another_result_storage": "from prefect import flow\n\n@flow\ndef f():\n    save(result_storage='s3/x')\n",
    "another_block": "from prefect import flow\nfrom mine import Block\n\nBlock.load('s3/x')\n",
    "a_path": "from prefect import flow\n\n@flow\ndef f():\n    return open('s3/x')\n",
    "fallback": "try:\n    from prefect.filesystems import S3\nexcept ImportError:\n    S3 = None\n",
    "branch_for_2": "from compat import PREFECT_3\n\nif not PREFECT_3:\n    from prefect.filesystems import S3\n    S3.load('x')\n",
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_nothing_is_said_of(name: str) -> None:
    prove_untouched(UNTOUCHED[name], select=CODES)


def test_the_message_tells_how_the_block_is_made_anew() -> None:
    code = 'from prefect.filesystems import S3\n\nblock = S3.load("prod")\n'
    (finding,) = prove(
        code,
        code.replace("prefect.filesystems import S3", "prefect_aws import S3Bucket").replace("S3.", "S3Bucket."),
        select=CODES,
    )
    message = finding.message
    assert "`bucket_folder` `folder`" in message
    assert '.save("prod")' in message and "`prefect-aws`" in message
