"""Commands of Prefect 2 in scripts and the like, and what each becomes."""

from __future__ import annotations

import pytest

from migrator.findings import Applicability, Finding
from tests.support.examples import prove_files

PREFECT_YAML = "# Register these deployments with: prefect deploy --all\ndeployments:\n"
POOL = '"$PREFECT_DEFAULT_WORK_POOL_NAME"'


def prove_line(
    before: str, after: str, *, name: str = "deploy.sh", target: str = "3", work_pool: str | None = None
) -> list[Finding]:
    """Proves what one text becomes; gives what `check` said of it."""
    reports = prove_files({name: before}, {name: after}, select=("PF35",), target=target, work_pool=work_pool)
    return [finding for report in reports for finding in report.findings]


BUILDS = {
    "a_pool": (
        "prefect deployment build flows.py:etl -n a -p pool",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool",
    ),
    "applied": (
        "prefect deployment build flows.py:etl -n a -p pool --apply",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool",
    ),
    "asked_for_help": ("prefect deployment build --help", "prefect --no-prompt deploy --help"),
    "applied_in_the_middle": (
        "prefect deployment build -a -n a -p pool flows.py:etl",
        "prefect --no-prompt deploy -n a -p pool flows.py:etl",
    ),
    "no_pool": (
        "prefect deployment build flows.py:etl -n a -q q",
        f"prefect --no-prompt deploy flows.py:etl -n a -p {POOL} -q q",
    ),
    "a_path_from_here": (
        "prefect deployment build './flows/a b.py:etl' -n a -p pool",
        "prefect --no-prompt deploy 'flows/a b.py:etl' -n a -p pool",
    ),
    "plural": (
        "prefect deployments build flows.py:etl --name=a --pool=pool",
        "prefect --no-prompt deploy flows.py:etl --name=a --pool=pool",
    ),
    "not_asking_already": (
        "prefect --no-prompt deployment build flows.py:etl -n a -p pool",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool",
    ),
    "version": (
        "prefect deployment build flows.py:etl -n a -p pool -v $GITHUB_SHA",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool --version $GITHUB_SHA",
    ),
    "version_glued": (
        "prefect deployment build flows.py:etl -n a -p pool -v1",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool --version 1",
    ),
    "version_in_words": (
        "prefect deployment build flows.py:etl -n a -p pool --version 1",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool --version 1",
    ),
    "what_stays": (
        "prefect deployment build flows.py:etl -n a -p pool -t x --tag y --description 'it is' --param a=1 --params '{\"b\": 2}'",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool -t x --tag y --description 'it is' --param a=1 --params '{\"b\": 2}'",
    ),
    "cron": (
        "prefect deployment build flows.py:etl -n a -p pool --cron '0 3 * * *' --timezone Europe/Berlin",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool --cron '0 3 * * *' --timezone Europe/Berlin",
    ),
    "interval": (
        "prefect deployment build flows.py:etl -n a -p pool --interval 60 --anchor-date 2024-01-01",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool --interval 60 --anchor-date 2024-01-01",
    ),
    "no_schedule": (
        "prefect deployment build flows.py:etl -n a -p pool --no-schedule",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool",
    ),
    "nothing_written_or_uploaded": (
        "prefect deployment build flows.py:etl -n a -p pool -o x.yaml --skip-upload",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool",
    ),
    "given_twice": (
        "prefect deployment build flows.py:etl -n a -q x -p pool -q y",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool -q y",
    ),
    "process": (
        "prefect deployment build flows.py:etl -n a -p pool -i process",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool",
    ),
    "block_of_a_process": (
        "prefect deployment build flows.py:etl -n a -ib process/prod -q q",
        "prefect --no-prompt deploy flows.py:etl -n a -p prod -q q",
    ),
    "block_with_a_variable": (
        'prefect deployment build flows.py:etl -n a --infra-block "process/$BLOCK"',
        'prefect --no-prompt deploy flows.py:etl -n a -p "$BLOCK"',
    ),
    "block_beside_a_pool": (
        "prefect deployment build flows.py:etl -n a -ib process/prod -p pool",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool",
    ),
    "override_of_a_variable": (
        "prefect deployment build flows.py:etl -n a -p pool --override image=x:$TAG",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool --job-variable image=x:$TAG",
    ),
    "overrides_of_the_environment": (
        "prefect deployment build flows.py:etl -n a -p pool --override env.A=1 -t x --override env.B='x=y'",
        'prefect --no-prompt deploy flows.py:etl -n a -p pool --job-variable \'{"env":{"A":"1","B":"x\\u003dy"}}\' -t x',
    ),
    "limit": (
        "prefect deployment build flows.py:etl -n a -p pool -q q --limit 1 -a",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool -q q && prefect work-queue set-concurrency-limit q 1 --pool pool",
    ),
    "applied_on_the_next_line": (
        "prefect deployment build flows.py:etl -n a -p pool\nprefect deployment apply etl-deployment.yaml",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool",
    ),
    "applied_in_the_chain": (
        "prefect deployment build flows.py:etl -n a -p pool -o ./x && \\\n  prefect deployment apply x.yaml",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool",
    ),
    "applied_before_something_else": (
        "prefect deployment build flows.py:etl -n a -p pool -o x.yaml\nprefect deployment apply x.yaml && echo done",
        "prefect --no-prompt deploy flows.py:etl -n a -p pool\necho done",
    ),
    "two_applied_at_once": (
        "prefect deployment build flows.py:a -n a -p pool\nprefect deployment build flows.py:b -n a -p pool\nprefect deployment apply a-deployment.yaml b-deployment.yaml  # both",
        "prefect --no-prompt deploy flows.py:a -n a -p pool\nprefect --no-prompt deploy flows.py:b -n a -p pool\n# both",
    ),
    "variables_in_the_name_of_the_file": (
        "prefect deployment build flows.py:$FLOW -n a -p pool\nprefect deployment apply $FLOW-deployment.yaml",
        "prefect --no-prompt deploy flows.py:$FLOW -n a -p pool",
    ),
}


@pytest.mark.parametrize("name", BUILDS)
def test_build_becomes_one_deploy(name: str) -> None:
    before, after = BUILDS[name]
    found = prove_line(before + "\n", after + "\n")
    assert all(finding.fix and finding.fix.applicability is Applicability.UNSAFE for finding in found)


BY_HAND = {
    "no_name": "prefect deployment build flows.py:etl",
    "an_unknown_option": "prefect deployment build flows.py:etl -n a --colour red",
    "arguments_in_a_variable": "prefect deployment build flows.py:etl -n a $OPTIONS",
    "a_block_in_a_variable": "prefect deployment build flows.py:etl -n a -ib $BLOCK",
    "storage_in_a_variable": "prefect deployment build flows.py:etl -n a -sb s3/$BLOCK",
    "storage_and_no_flow": "prefect deployment build flows.py:etl -n a -sb s3/prod",
    "an_override_in_a_variable": "prefect deployment build flows.py:etl -n a -p p --override env.A=$A",
    "a_limit_without_queue": "prefect deployment build flows.py:etl -n a -p p --limit 3",
    "a_file_that_is_not_there": "prefect deployment apply etl-deployment.yaml",
    "files_by_pattern": "prefect deployment apply deployments/*.yaml",
    "a_prefix_of_queues": "prefect agent start -p pool -m 'etl-'",
    "tags": "prefect agent start -p pool -t a",
    "a_manifest": "prefect kubernetes manifest agent | kubectl apply -f -",
    "a_paused_schedule": "prefect deployment pause-schedule etl/a",
    "a_schedule_by_other_rules": "prefect deployment set-schedule etl/a --cron '* * * * *' --day_or false",
    "a_flow_by_its_name": "prefect deploy -f etl -n a -p pool",
    "a_project": "prefect project register-flow flows.py:etl",
    "specifications": "prefect deployment create deployments.py",
    "an_agent_in_a_list": None,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_what_has_no_certain_translation_is_left_with_the_reason(name: str) -> None:
    line = BY_HAND[name]
    if line is None:
        text, file = 'CMD ["prefect", "agent", "start", "-q", "etl"]\n', "Dockerfile"
    else:
        text, file = line + "\n", "deploy.sh"
    found = prove_line(text, text, name=file)
    assert found and all(finding.fix is None for finding in found)


LINES = {
    "agent": ("prefect agent start -q etl", f"prefect worker start --pool {POOL} -q etl"),
    "agent_of_a_pool": ("prefect agent start --pool p -q a -q b -l 5", "prefect worker start --pool p -q a -q b -l 5"),
    "agent_of_the_agents_pool": (
        "prefect agent start -p default-agent-pool -q a",
        f"prefect worker start -p {POOL} -q a",
    ),
    "agent_of_2_0": ("prefect agent start etl", f"prefect worker start --pool {POOL} -q etl"),
    "agent_options": (
        "prefect agent start -p p --hide-welcome --run-once --prefetch-seconds 10",
        "prefect worker start -p p --run-once --prefetch-seconds 10",
    ),
    "agent_of_an_api": (
        "prefect agent start --api http://host:4200/api -p p",
        "PREFECT_API_URL=http://host:4200/api prefect worker start -p p",
    ),
    "schedule": (
        "prefect deployment set-schedule etl/a --interval 60",
        "prefect deployment schedule create etl/a --interval 60 --replace -y",
    ),
    "schedule_as_by_default": (
        "prefect deployment set-schedule etl/a --cron '* * * * *' --day_or true",
        "prefect deployment schedule create etl/a --cron '* * * * *' --replace -y",
    ),
    "schedule_taken_away": (
        "prefect deployment set-schedule etl/a --no-schedule",
        "prefect deployment schedule clear etl/a -y",
    ),
    "queue": ("prefect work-queue create q -l 3", f"prefect work-queue create q -l 3 --pool {POOL}"),
    "queue_of_tags": ("prefect work-queue create q -t a -p p", "prefect work-queue create q -p p"),
    "queue_limit": (
        "prefect work-queue set-concurrency-limit q 3",
        f"prefect work-queue set-concurrency-limit q 3 --pool {POOL}",
    ),
    "pool_of_agents": (
        "prefect work-pool create p -t prefect-agent",
        "prefect work-pool create p -t process",
    ),
    "pool_of_no_type": ("prefect work-pool create p", "prefect work-pool create p --type process"),
    "ci": ("prefect deploy --all --ci", "prefect --no-prompt deploy --all"),
    "variables": (
        "prefect deploy x.py:f -n a -p p -v image=$IMAGE --variable b=2",
        "prefect deploy x.py:f -n a -p p --job-variable image=$IMAGE --job-variable b=2",
    ),
    "deploy_given_twice": (
        "prefect deploy x.py:f -n a -q a -p p -q b",
        "prefect deploy x.py:f -n a -p p -q b",
    ),
    "project": ("prefect project init --recipe git", "prefect init --recipe git"),
}


@pytest.mark.parametrize("name", LINES)
def test_command_becomes_its_successor(name: str) -> None:
    before, after = LINES[name]
    prove_line(f"set -e\n{before} # as ever\n", f"set -e\n{after} # as ever\n")


UNTOUCHED = {
    "deploy": "prefect --no-prompt deploy flows.py:etl -n a -p pool --cron '* * * * *' -t a -t b",
    "worker": "prefect worker start --pool p -q a -q b",
    "schedule": "prefect deployment schedule create etl/a --cron '* * * * *' --replace -y",
    "queue_of_a_pool": "prefect work-queue create q --pool p",
    "queue_by_id": "prefect work-queue pause 3272acd8-c915-4382-880c-16d15375ef6b",
    "typed_pool": "prefect work-pool create p --type docker",
    "blocks": "prefect block register -m prefect_aws\nprefect block register --file blocks.py",
    "runs": "prefect deployment run etl/a -p x=1",
    "comments": "# prefect deployment build x.py:f -n a\necho prefect agent start",
    "other_programs": "kubectl create deployment build\nhelm agent start\nfoo deployment apply x.yaml",
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_runs_on_3_is_left_alone(name: str) -> None:
    text = UNTOUCHED[name] + "\n"
    assert prove_line(text, text) == []


def test_named_pool_takes_the_place_of_the_variable() -> None:
    found = prove_line(
        'CMD ["prefect", "agent", "start", "-q", "etl"]\n',
        'CMD ["prefect", "worker", "start", "--pool", "my pool", "-q", "etl"]\n',
        name="Dockerfile",
        work_pool="my pool",
    )
    assert "work-pool create" in found[0].message
    prove_line(
        "prefect deployment build x.py:f -n a\n",
        "prefect --no-prompt deploy x.py:f -n a -p 'my pool'\n",
        work_pool="my pool",
    )


def test_variable_is_spelled_as_the_file_needs_it() -> None:
    prove_line(
        "run:\n\t@prefect agent start -q a\n",
        'run:\n\t@prefect worker start --pool "$$PREFECT_DEFAULT_WORK_POOL_NAME" -q a\n',
        name="Makefile",
    )
    prove_line(
        "prefect agent start -q a\n",
        'prefect worker start --pool "$env:PREFECT_DEFAULT_WORK_POOL_NAME" -q a\n',
        name="agent.ps1",
    )


def test_parameters_stay_unchecked_where_the_target_can_say_it() -> None:
    prove_line(
        "prefect deployment build x.py:f -n a -p p && ls\n",
        "prefect --no-prompt deploy x.py:f -n a -p p --no-enforce-parameter-schema && ls\n",
        target="3.4",
    )


def test_both_majors_are_told_from_when_the_commands_are_there() -> None:
    found = prove_line(
        "prefect deployment build x.py:f -n a -p p\n", "prefect --no-prompt deploy x.py:f -n a -p p\n", target="both"
    )
    assert "2.10" in found[0].message


FLOW = "from prefect import flow\n\n\n@flow\ndef etl():\n    pass\n"


def test_storage_block_becomes_an_entry_with_pull_steps() -> None:
    prove_files(
        {
            "flows/etl.py": FLOW,
            "scripts/deploy.sh": "prefect deployment build flows/etl.py:etl \\\n  -n nightly -q etl \\\n  -sb s3/prod/flows -ib process/prod \\\n  -t $TAG -v $SHA --interval 60 \\\n  -a --skip-upload\n",
        },
        {
            "flows/etl.py": FLOW,
            "scripts/deploy.sh": "prefect --no-prompt deploy \\\n  -n etl/nightly \\\n  -t $TAG --version $SHA\n",
            "prefect.yaml": """# Register these deployments with: prefect deploy --all
deployments:
  - name: nightly
    entrypoint: flows/etl.py:etl
    enforce_parameter_schema: false
    schedules:
      - interval: 60
    pull:
      - prefect.deployments.steps.pull_with_block:
          id: code
          requires: prefect-aws
          block_type_slug: s3-bucket
          block_document_name: prod
      - prefect.deployments.steps.set_working_directory:
          directory: "{{ code.directory }}/flows"
    work_pool:
      name: prod
      work_queue_name: etl
""",
        },
        select=("PF35",),
    )


def test_container_has_its_code_in_the_image() -> None:
    prove_files(
        {
            "flows/etl.py": FLOW,
            "Makefile": "deploy:\n\tprefect deployment build flows/etl.py:etl -n a -ib docker-container/prod --override env.A=1 -a\n",
        },
        {
            "flows/etl.py": FLOW,
            "Makefile": "deploy:\n\tprefect --no-prompt deploy -n etl/a\n",
            "prefect.yaml": """# Register these deployments with: prefect deploy --all
deployments:
  - name: a
    entrypoint: flows/etl.py:etl
    enforce_parameter_schema: false
    pull:
      - prefect.deployments.steps.set_working_directory:
          directory: /opt/prefect/flows
    work_pool:
      name: prod
      job_variables:
        env:
          A: "1"
""",
        },
        select=("PF35",),
    )


def test_entries_of_a_text_stand_together() -> None:
    made = prove_files(
        {
            "etl.py": FLOW,
            "deploy.sh": "prefect deployment build etl.py:etl -n a -p p -a\nprefect deployment build etl.py:etl -n b -p p -sb github/code -a\n",
        },
        {
            "etl.py": FLOW,
            "deploy.sh": "prefect --no-prompt deploy -n etl/a\nprefect --no-prompt deploy -n etl/b\n",
            "prefect.yaml": """# Register these deployments with: prefect deploy --all
deployments:
  - name: a
    entrypoint: etl.py:etl
    enforce_parameter_schema: false
    work_pool:
      name: p
  - name: b
    entrypoint: etl.py:etl
    enforce_parameter_schema: false
    pull:
      - prefect.deployments.steps.pull_with_block:
          requires: prefect-github
          block_type_slug: github-repository
          block_document_name: code
    work_pool:
      name: p
""",
        },
        select=("PF35",),
    )
    assert made


def test_contradicting_builds_of_one_deployment_do_not_overwrite_each_other() -> None:
    text = "prefect deployment build etl.py:etl -n a -p p -sb s3/x -a\nprefect deployment build etl.py:etl -n a -p p -sb s3/y -a\n"
    reports = prove_files({"etl.py": FLOW, "deploy.sh": text}, {"etl.py": FLOW, "deploy.sh": text}, select=("PF35",))
    assert all("other settings" in finding.message for report in reports for finding in report.findings)


def test_documents_make_no_files() -> None:
    prove_files(
        {"etl.py": FLOW, "README.md": "```bash\nprefect deployment build etl.py:etl -n a -sb s3/x -a\n```\n"},
        {"etl.py": FLOW, "README.md": "```bash\nprefect --no-prompt deploy -n etl/a\n```\n"},
        select=("PF35",),
    )


def test_pool_without_a_type_is_no_matter_where_somebody_can_be_asked() -> None:
    text = "```bash\nprefect work-pool create p\n```\n"
    assert prove_line(text, text, name="README.md") == []


def test_lists_of_kubernetes_are_one_command() -> None:
    prove_line(
        "containers:\n  - command: [prefect]\n    args:\n      - agent\n      - start\n      - -q\n      - etl\n",
        "containers:\n  - command: [prefect]\n    args:\n      - worker\n      - start\n      - --pool\n      - p\n      - -q\n      - etl\n",
        name="agent.yaml",
        work_pool="p",
    )


def test_workflow_keeps_its_shape() -> None:
    prove_line(
        """jobs:
  deploy:
    steps:
      - name: prefect deployment build and apply
        run: |
          for f in a b; do prefect deployment build flows/$f.py:main -n $f -p pool -o $f.yaml; prefect deployment apply $f.yaml; done
      - run: prefect deployment build y.py:y -n y -p pool --override env.A=1 && prefect deployment apply y-deployment.yaml
      - run: "prefect deployment build z.py:z -n z -p pool --override env.A=1"
script:
  - prefect deployment build z.py:z -n z -p pool -o ./z
  - prefect deployment apply ./z.yaml
""",
        """jobs:
  deploy:
    steps:
      - name: prefect deployment build and apply
        run: |
          for f in a b; do prefect --no-prompt deploy flows/$f.py:main -n $f -p pool; done
      - run: prefect --no-prompt deploy y.py:y -n y -p pool --job-variable '{"env":{"A":"1"}}'
      - run: "prefect --no-prompt deploy z.py:z -n z -p pool --job-variable '{\\"env\\":{\\"A\\":\\"1\\"}}'"
script:
  - prefect --no-prompt deploy z.py:z -n z -p pool
""",
        name="ci.yaml",
    )


def test_apply_registers_what_the_file_becomes() -> None:
    deployment = (
        "name: nightly\nflow_name: my-etl\nwork_pool_name: p\nentrypoint: etl.py:etl\nparameter_openapi_schema: {}\n"
    )
    prove_files(
        {"etl.py": FLOW, "d/etl.yaml": deployment, "deploy.sh": "prefect deployment apply ./d/etl.yaml --upload\n"},
        {"etl.py": FLOW, "d/etl.yaml": deployment, "deploy.sh": "prefect --no-prompt deploy -n etl/nightly\n"},
        select=("PF351",),
    )


NIGHTLY = "name: nightly\nflow_name: my-etl\nwork_pool_name: p\nentrypoint: etl.py:etl\nparameter_openapi_schema: {}\n"


def test_apply_from_another_directory_than_that_of_the_prefect_yaml_is_by_hand() -> None:
    files = {"b/etl.py": FLOW, "b/d/etl.yaml": NIGHTLY, "deploy.sh": "prefect deployment apply b/d/etl.yaml\n"}
    (finding,) = (each for report in prove_files(files, files, select=("PF351",)) for each in report.findings)
    assert "of `b`: `prefect deploy` has to run there" in finding.message


def test_apply_of_files_that_contradict_each_other_is_by_hand_and_both_stay() -> None:
    files = {
        "etl.py": FLOW,
        "dev/etl.yaml": NIGHTLY,
        "prod/etl.yaml": NIGHTLY + "parameters: {day: today}\n",
        "deploy.sh": "prefect deployment apply dev/etl.yaml\nprefect deployment apply prod/etl.yaml\n",
    }
    reports = prove_files(files, files, select=("PF330", "PF351"))
    assert all("by hand" in finding.message for report in reports for finding in report.findings)
    assert sum(len(report.findings) for report in reports) == 4
    same = {**files, "prod/etl.yaml": NIGHTLY}
    made = f"{PREFECT_YAML}  - name: nightly\n    entrypoint: etl.py:etl\n    enforce_parameter_schema: false\n    work_pool:\n      name: p\n"
    after = {"etl.py": FLOW, "prefect.yaml": made, "deploy.sh": "prefect --no-prompt deploy -n etl/nightly\n" * 2}
    prove_files(same, after, select=("PF330", "PF351"))


def test_a_prefect_yaml_where_the_text_may_have_gone_is_kept_out() -> None:
    before = "cd one\nprefect deployment build flows/etl.py:etl -n a -p p -a\n"
    others = {"one/flows/etl.py": FLOW, "one/prefect.yaml": "prefect-version: 3.0.0\nname: one\n"}
    after = "cd one\nprefect --no-prompt deploy flows/etl.py:etl -n a -p p --prefect-file none.yaml\n"
    prove_files({**others, "deploy.sh": before}, {**others, "deploy.sh": after}, select=("PF35",))


def test_a_build_does_not_get_the_steps_that_a_prefect_yaml_has_for_others() -> None:
    file = "prefect-version: 3.0.0\npull:\n- prefect.deployments.steps.set_working_directory:\n    directory: /opt\n"
    before = "prefect deployment build etl.py:etl -n a -p p -a\nprefect deployment build etl.py:etl -n b -p p -sb github/code --path x --limit 3 -a\n"
    after = (
        "prefect --no-prompt deploy etl.py:etl -n a -p p --prefect-file none.yaml\n"
        "prefect deployment build etl.py:etl -n b -p p -sb github/code --path x --limit 3 -a\n"
    )
    prove_files(
        {"etl.py": FLOW, "deploy.sh": before, "prefect.yaml": file},
        {"etl.py": FLOW, "deploy.sh": after, "prefect.yaml": file},
        select=("PF35",),
    )


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("x.yml", 'run: "prefect agent start -q \\"a b\\""\n', 'run: "prefect worker start --pool p -q \\"a b\\""\n'),
        ("x.yml", "run: 'prefect deployment build a.py:f -n ''a b'' -a'\n", "run: 'prefect --no-prompt deploy a.py:f -n ''a b'' -p p'\n"),
        ("x.yml", 'run: "prefect deployment build a.py:f -n \\"a b\\""\n', 'run: "prefect --no-prompt deploy a.py:f -n \\"a b\\" -p p"\n'),
        ("x.sh", 'bash -c "prefect deployment build a.py:f -n \\"a b\\""\n', 'bash -c "prefect --no-prompt deploy a.py:f -n \\"a b\\" -p p"\n'),
    ],
)  # fmt: skip
def test_what_is_added_stands_behind_the_whole_of_an_escaped_quote(name: str, before: str, after: str) -> None:
    prove_line(before, after, name=name, work_pool="p")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Jenkinsfile", 'steps {\n  sh "prefect agent start -q etl"\n}\n'),
        ("tox.ini", "[testenv]\ncommands =\n    prefect agent start -q etl\n"),
        ("supervisord.conf", "[program:agent]\ncommand=prefect agent start -q etl\n"),
        (".pre-commit-config.yaml", "repos:\n- hooks:\n  - entry: prefect agent start -q etl\n"),
    ],
)
def test_a_variable_is_not_written_where_its_quotes_or_no_shell_would_stand_in_the_way(name: str, text: str) -> None:
    (finding,) = prove_line(text, text, name=name)
    assert "by hand" in finding.message
    prove_line(text, text.replace("agent start", "worker start --pool p"), name=name, work_pool="p")


@pytest.mark.parametrize("name", ["CHANGELOG.md", "docs/changes.rst", "HISTORY.md", "docs/release-notes.md"])
def test_a_changelog_tells_of_what_was(name: str) -> None:
    text = "- Replaced `prefect agent start -q default` by workers.\n"
    assert not prove_line(text, text, name=name)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("prefect deployment build a.py:f -n a > /dev/null -a\n", "prefect --no-prompt deploy a.py:f -n a -p p > /dev/null\n"),
        ("prefect deployment build a.py:f -n a -a > log 2>&1 -o x.yaml --skip-upload\n", "prefect --no-prompt deploy a.py:f -n a -p p > log 2>&1\n"),
        ("prefect agent start > log --hide-welcome -q q\n", "prefect worker start --pool p > log -q q\n"),
        ("bash -c 'prefect deployment build a.py:f -n a 2> /dev/null -a'\n", "bash -c 'prefect --no-prompt deploy a.py:f -n a -p p 2> /dev/null'\n"),
    ],
)  # fmt: skip
def test_a_redirection_among_the_words_stays(before: str, after: str) -> None:
    prove_line(before, after, work_pool="p")


def test_compose_files_do_not_escape_what_compose_puts_in() -> None:
    before = 'services:\n  a:\n    command: bash -c "sleep 5 && prefect agent start -q q"\n'
    (finding,) = prove_line(before, before, name="docker-compose.yml")
    assert "by hand" in finding.message
    after = 'services:\n  a:\n    command: bash -c "sleep 5 && prefect worker start --pool p -q q"\n'
    prove_line(before, after, name="docker-compose.yml", work_pool="p")


def test_a_written_file_that_is_edited_before_it_is_applied_is_by_hand() -> None:
    text = "prefect deployment build a.py:f -n a -o a.yaml\nsed -i s/x/y/ a.yaml  # tune it\nprefect deployment apply a.yaml\n"
    assert all("by hand" in finding.message for finding in prove_line(text, text, work_pool="p"))
    only_said = "prefect deployment build a.py:f -n a -o a.yaml  # a.yaml is applied below\nprefect deployment apply a.yaml\ncat b/a.yaml\n"
    prove_line(
        only_said,
        "prefect --no-prompt deploy a.py:f -n a -p p  # a.yaml is applied below\ncat b/a.yaml\n",
        work_pool="p",
    )


def test_an_apply_behind_a_semicolon_goes_with_it() -> None:
    prove_line(
        "prefect deployment build a.py:f -n a -o a.yaml; prefect deployment apply a.yaml # now\ndate\n",
        "prefect --no-prompt deploy a.py:f -n a -p p # now\ndate\n",
        work_pool="p",
    )
