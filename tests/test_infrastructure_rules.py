"""Infrastructure blocks in Python code: what is said of them, and where nothing is."""

from __future__ import annotations

import pytest

from migrator.config import Settings
from migrator.findings import Finding
from tests.support.examples import prove, prove_untouched
from tests.support.recording import check_source

SELECT = ("PF320", "PF321", "PF322")


def told(code: str, *, select: tuple[str, ...] = SELECT, work_pool: str | None = None) -> list[Finding]:
    report = check_source(code.encode(), "flows.py", Settings(select=select, work_pool=work_pool))
    assert report.failure is None
    return list(report.findings)


def only(code: str, **more: str) -> Finding:
    (found,) = told(code, **more)  # type: ignore[arg-type]
    return found


# -- blocks that are built


BUILT = {
    "saved_at_once": (
        "from prefect.infrastructure import DockerContainer\n\n"
        'DockerContainer(image="etl:7", env={"STAGE": "prod"}, auto_remove=True).save("prod", overwrite=True)\n',
        [
            "`prefect work-pool create prod --type docker`",
            "`prefect-docker`",
            '{"env": {"STAGE": "prod"}, "image": "etl:7", "auto_remove": True}',
        ],
    ),
    "saved_by_its_variable": (
        "from prefect.infrastructure import Process as P\n\n"
        'block = P(command=["python", "-m", "my runner", "x"], working_dir="/srv")\nblock.save(name="local")\n',
        [
            "`prefect work-pool create local --type process`",
            """{"command": "python -m 'my runner' x", "working_dir": "/srv"}""",
        ],
    ),
    "never_saved": (
        "import prefect.infrastructure.kubernetes\n\n"
        'job = prefect.infrastructure.kubernetes.KubernetesJob(namespace="flows")\n',
        ["`prefect work-pool create NAME --type kubernetes`", '{"namespace": "flows"}', "backoff_limit"],
    ),
    "with_expressions": (
        "import os\nfrom prefect.infrastructure import DockerContainer\n\n"
        'DockerContainer(image=IMAGE, env={"TOKEN": os.environ["TOKEN"], "PASSWORD": "abc"}, command=words)\n',
        [
            '"TOKEN": os.environ["TOKEN"]',
            '"PASSWORD": "{{ prefect.blocks.secret.password }}"',
            '"image": IMAGE',
            "`command=words` has to be followed by hand: it becomes `command`, as one string",
        ],
    ),
    "with_an_enumeration": (
        "from prefect.infrastructure.container import DockerContainer, ImagePullPolicy\n\n"
        "DockerContainer(image_pull_policy=ImagePullPolicy.IF_NOT_PRESENT)\n",
        ['{"image_pull_policy": "IfNotPresent"}'],
    ),
    "with_patches": (
        "from prefect.infrastructure import KubernetesJob\n\n"
        "KubernetesJob(customizations=[\n"
        '    {"op": "add", "path": "/spec/template/spec/nodeSelector", "value": {"pool": "batch"}},\n'
        ']).save("batch")\n',
        [
            "--type kubernetes --base-job-template batch-template.json`",
            '"nodeSelector": {"pool": "batch"}',
            "`job_configuration.job_manifest`",
        ],
    ),
    "with_a_manifest_from_a_file": (
        "from prefect.infrastructure import KubernetesJob\n\n"
        'KubernetesJob(namespace="flows", job=KubernetesJob.job_from_file("job.yaml"))\n',
        [
            '`job=KubernetesJob.job_from_file("job.yaml")` has to be followed by hand',
            "becomes `job_configuration.job_manifest`",
        ],
    ),
    "with_credentials_that_are_loaded": (
        "from prefect_aws import AwsCredentials, ECSTask\n\n"
        'ECSTask(aws_credentials=AwsCredentials.load("prod"), cpu="512", stream_output=True)\n',
        [
            '`"{{ prefect.blocks.aws-credentials.prod }}"` as the default of `aws_credentials`',
            '"cpu": 512',
            "`stream_output` has no place there",
        ],
    ),
    "with_credentials_that_are_built": (
        "from prefect_gcp import CloudRunJob, GcpCredentials\n\n"
        'credentials = GcpCredentials(service_account_info={"private_key": "hidden"})\n'
        'CloudRunJob(image="gcr.io/p/etl:7", region="eu", credentials=credentials, cpu=2, memory=512, memory_unit="Mi")\n',
        ['"cpu": "2000m", "memory": "512Mi", "max_retries": 3', "`credentials` has no place there"],
    ),
    "with_a_registry": (
        "from prefect.infrastructure import DockerContainer\nfrom prefect.infrastructure.docker import DockerRegistry\n\n"
        'DockerContainer(image_registry=DockerRegistry.load("hub"))\n',
        ['"{{ prefect.blocks.docker-registry-credentials.hub }}"` as the default of', "DockerRegistryCredentials"],
    ),
    "with_fields_that_cannot_be_followed": (
        "from prefect.infrastructure import Process\n\nProcess(**settings)\n",
        ["`prefect work-pool create NAME --type process`", "cannot be followed"],
    ),
    "of_an_image_of_prefect_2": (
        "from prefect.infrastructure import DockerContainer\n\n"
        'DockerContainer(image="prefecthq/prefect:2.20.26-python3.11")\n',
        ['{"image": "prefecthq/prefect:3-python3.11"}'],
    ),
}


@pytest.mark.parametrize("name", BUILT)
def test_a_built_block_is_told_as_a_work_pool(name: str) -> None:
    code, wanted = BUILT[name]
    (found,) = (each for each in told(code) if each.code == "PF320")
    assert found.fix is None
    assert "hidden" not in found.message and "abc" not in found.message
    for text in wanted:
        assert text in found.message, found.message


def test_the_pool_of_the_settings_is_named() -> None:
    code = "from prefect.infrastructure import Process\n\nProcess()\n"
    assert "work-pool create agents --type process" in only(code, work_pool="agents").message


# -- blocks that are loaded, derived from, mentioned


def test_a_loaded_block_is_told_with_its_name() -> None:
    found = only('from prefect_aws.ecs import ECSTask\n\nblock = ECSTask.load("prod")\n')
    assert found.code == "PF320"
    assert "`prefect work-pool create prod --type ecs`" in found.message
    assert "migrator deployments export" in found.message


def test_a_subclass_is_told_with_the_worker_and_its_fields() -> None:
    code = (
        "from prefect.infrastructure import KubernetesJob\n\n"
        "class Gpu(KubernetesJob):\n    gpus: int = 1\n    namespace: str = 'gpu'\n    _hidden: int = 0\n"
    )
    found = only(code)
    assert found.code == "PF321"
    assert "`gpus` would be" in found.message
    assert "`prefect_kubernetes.worker.KubernetesWorker`" in found.message


def test_an_annotation_is_told_shortly() -> None:
    found = only("from prefect.infrastructure import Process\n\ndef run(block: Process): ...\n")
    assert (found.code, found.message) == (
        "PF320",
        "`Process` does not exist on Prefect 3; its place has a work pool of the type `process`",
    )


# -- methods


METHODS = {
    "publish": ('DockerContainer.load("prod").publish_as_work_pool()', "`prefect work-pool create prod --type docker`"),
    "run": ("DockerContainer(image='x').run()", "create_docker_container"),
    "type": ("DockerContainer(image='x').get_corresponding_worker_type()", "It is `docker`"),
    "template": (
        "DockerContainer(image='x').generate_work_pool_base_job_template()",
        "get-default-base-job-template --type docker",
    ),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_told(name: str) -> None:
    call, wanted = METHODS[name]
    found = [
        each for each in told(f"from prefect.infrastructure import DockerContainer\n\n{call}\n") if each.code == "PF322"
    ]
    assert len(found) == 1
    assert wanted in found[0].message


def test_a_method_of_a_variable_is_told_with_the_name_it_is_saved_under() -> None:
    code = (
        "from prefect_gcp.cloud_run import CloudRunJob\n\n"
        "async def publish():\n"
        '    block = await CloudRunJob.load("nightly")\n'
        "    await block.publish_as_work_pool()\n"
    )
    assert [found.code for found in told(code)] == ["PF320", "PF322"]
    assert "work-pool create nightly --type cloud-run-v2" in told(code)[1].message


def test_the_manifest_of_a_file_is_told_once() -> None:
    code = 'from prefect.infrastructure import KubernetesJob\n\njob = KubernetesJob.job_from_file("job.yaml")\n'
    found = only(code)
    assert found.code == "PF322"
    assert "--base-job-template FILE`" in found.message


# -- a registry has a successor


def test_a_docker_registry_becomes_that_of_prefect_docker() -> None:
    prove(
        'from prefect.infrastructure.container import DockerRegistry\n\nDockerRegistry(username="u", password=word).save("hub")\n',
        "from prefect_docker.credentials import DockerRegistryCredentials\n\n"
        'DockerRegistryCredentials(username="u", password=word).save("hub")\n',
        select=("PF101", "PF102"),
    )


# -- nothing twice


def test_the_import_is_told_by_the_rule_of_names_and_the_use_by_this_one() -> None:
    code = "from prefect.infrastructure import Process\n\nProcess()\n"
    found = told(code, select=("PF1", "PF3"))
    assert [each.code for each in found] == ["PF101", "PF320"]
    assert "--type process" in found[0].message


@pytest.mark.parametrize(
    "code",
    [
        "import prefect.infrastructure.container as c\n\nc.DockerContainer()\n",
        "import prefect\n\nprefect.infrastructure.DockerContainer()\n",
        "from prefect import infrastructure\n\ninfrastructure.DockerContainer()\n",
    ],
)
def test_a_dotted_use_is_told_once(code: str) -> None:
    assert [each.code for each in told(code, select=("PF1", "PF32")) if each.start > code.index("\n\n")] == ["PF320"]


def test_the_block_of_a_deployment_is_told_with_the_deployment() -> None:
    code = (
        "from prefect.deployments import Deployment\nfrom prefect.infrastructure import Process\n\n"
        'Deployment.build_from_flow(flow=etl, name="n", infrastructure=Process(env={"A": "1"}))\n'
    )
    assert told(code) == []


def test_a_variable_that_a_deployment_is_given_is_told_shortly() -> None:
    code = (
        "from prefect.deployments import Deployment\nfrom prefect.infrastructure import Process\n\n"
        'block = Process(env={"A": "1"})\n'
        'Deployment.build_from_flow(flow=etl, name="n", infrastructure=block)\n'
    )
    assert "told with the deployment" in only(code).message


NOTHING = {
    "another_class_of_the_name": "import prefect\nfrom multiprocessing import Process\n\nProcess(target=print).run()\n",
    "the_kubernetes_job_that_stays": (
        'from prefect_kubernetes.jobs import KubernetesJob\n\nKubernetesJob(v1_job={}).save("job")\n'
    ),
    "a_shadowed_name": (
        "import prefect\nfrom prefect.infrastructure import Process\n\ndef work(Process):\n    return Process().run()\n"
    ),
    "code_for_2_alone": (
        "import prefect\n\nif prefect.__version__.startswith('2'):\n"
        "    from prefect.infrastructure import Process\n    Process().run()\n"
    ),
    "an_import_that_may_fail": (
        "try:\n    from prefect.infrastructure import Process\n    Process()\nexcept ImportError:\n    Process = None\n"
    ),
    "a_method_of_another": "from prefect import flow\n\nclass Runner:\n    def run(self): ...\n\nRunner().run()\n",
}


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_is_told(name: str) -> None:
    prove_untouched(NOTHING[name], select=SELECT)
