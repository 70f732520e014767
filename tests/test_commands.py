"""`prefect` commands in texts of every kind: what is found, what is not, and edits of words that leave the rest as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.deployments.commands import (
    Command,
    Source,
    Unwritable,
    commands,
    inserted,
    put_before,
    quoted,
    removed,
    replaced,
)
from migrator.deployments.options import BUILD, line_of
from migrator.findings import Edit, apply_edits
from migrator.sources.documents import Kind


def words(text: str, kind: Kind) -> list[list[str]]:
    found = commands(text, kind)
    for command in found:
        for word in command.words:
            assert text[word.start : word.end]
    return [[word.value for word in command.words] for command in found]


START = ["prefect", "agent", "start", "-q", "etl"]

SHELL = {
    "a_line": "prefect agent start -q etl\n",
    "no_newline_at_the_end": "prefect agent start -q etl",
    "carriage_returns": "set -e\r\nprefect agent start -q etl\r\n",
    "indented": "if true; then\n    prefect agent start -q etl\nfi\n",
    "in_a_chain": "cd /app && prefect agent start -q etl || exit 1\n",
    "after_a_semicolon": "cd /app; prefect agent start -q etl; echo done\n",
    "after_a_pipe": "yes | prefect agent start -q etl > log.txt 2>&1\n",
    "in_the_background": "prefect agent start -q etl &\nwait\n",
    "continued": "prefect agent start \\\n    -q \\\n    etl\n",
    "continued_in_powershell": "prefect agent start `\n    -q etl\n",
    "continued_in_a_batch_file": "prefect agent start ^\n    -q etl\n",
    "quoted": "prefect agent start -q 'etl'\n",
    "quoted_double": 'prefect "agent" start -q "etl"\n',
    "a_comment_behind": "prefect agent start -q etl # nightly prefect agent start\n",
    "with_variables": "PREFECT_API_URL=http://x prefect agent start -q etl\n",
    "sudo": "sudo -E prefect agent start -q etl\n",
    "exec": "exec prefect agent start -q etl\n",
    "nohup": "nohup prefect agent start -q etl &\n",
    "poetry": "poetry run prefect agent start -q etl\n",
    "uv": "uv run --frozen prefect agent start -q etl\n",
    "a_module": "python3.11 -m prefect agent start -q etl\n",
    "docker": "docker run -it --rm prefecthq/prefect:2-latest prefect agent start -q etl\n",
    "a_path": "/opt/venv/bin/prefect agent start -q etl\n",
    "substituted": "result=$(prefect agent start -q etl)\n",
    "substituted_in_quotes": 'echo "it says: $(prefect agent start -q etl)"\n',
    "backquotes": "x=`prefect agent start -q etl`\n",
    "a_shell_of_its_own": "bash -c 'cd /app && prefect agent start -q etl'\n",
    "a_shell_in_double_quotes": 'bash -lc "prefect agent start -q etl"\n',
    "another_user": "su - app -c 'prefect agent start -q etl'\n",
    "ssh": "ssh host 'prefect agent start -q etl'\n",
    "a_function": "start() { prefect agent start -q etl; }\n",
    "a_unit_file": "cat > x.service <<EOF\n[Service]\nExecStart=/usr/local/bin/prefect agent start -q etl\nEOF\n",
    "read_by_a_shell": "ssh host <<'EOF'\ncd /app\nprefect agent start -q etl\nEOF\n",
    "after_a_text_that_is_not_run": "cat <<EOF > README\nsome text's quote\nEOF\nprefect agent start -q etl\n",
    "plural": "prefect agent start -q etl\n",
    "placeholder_above": "kubectl create secret -n <namespace>\n\nprefect agent start -q etl > x\n",
}  # fmt: skip


@pytest.mark.parametrize("name", SHELL)
def test_command_in_a_script(name: str) -> None:
    (found,) = words(SHELL[name], Kind.SHELL)
    assert found[-4:] == START[1:] and found[0].endswith("prefect")


NOT_IN_SHELL = {
    "a_comment": "# prefect agent start -q etl\n",
    "an_indented_comment": "    # prefect deployment build x.py:f -n a\n",
    "printed": "echo prefect agent start -q etl\n",
    "printed_in_quotes": 'echo "now run: prefect agent start -q etl"\n',
    "assigned": 'USAGE="prefect agent start -q etl"\n',
    "another_program": "kubectl deployment build x\nnpx deployment build -n a\nmy-prefect agent start -q etl\n",
    "a_file_of_that_name": "cat prefect agent start\n./scripts/prefect.sh agent start\n",
    "no_command_of_prefect": "prefect agents-of-chaos start\nprefect version\nprefect deployment paint -n x\n",
    "searched": "grep -r 'prefect agent start' .\n",
    "an_unclosed_quote": "echo 'it\nprefect agent start -q etl\n",
    "a_text_that_is_not_run": "cat > notes.md <<EOF\nRun the prefect agent start command.\nEOF\n",
    "an_image": "docker pull prefecthq/prefect\n",
    "installed": "pip install prefect deploy\n",
}


@pytest.mark.parametrize("name", NOT_IN_SHELL)
def test_what_only_speaks_of_a_command_in_a_script(name: str) -> None:
    assert words(NOT_IN_SHELL[name], Kind.SHELL) == []


OTHERS = {
    "github_workflow": (Kind.YAML, "jobs:\n  a:\n    steps:\n      - name: Start\n        run: prefect agent start -q etl\n"),
    "github_workflow_block": (Kind.YAML, "steps:\n  - run: |\n      pip install .\n      prefect agent start \\\n        -q etl\n"),
    "folded_block": (Kind.YAML, "run: >\n  prefect agent start\n  -q etl\n"),
    "gitlab_script": (Kind.YAML, "deploy:\n  script:\n    - pip install .\n    - prefect agent start -q etl\n"),
    "compose_command": (Kind.YAML, "services:\n  agent:\n    command: prefect agent start -q etl\n"),
    "compose_double_quotes": (Kind.YAML, 'command: "prefect agent start -q \\"etl\\""\n'),
    "compose_single_quotes": (Kind.YAML, "command: 'prefect agent start -q ''etl'''\n"),
    "compose_list": (Kind.YAML, 'command: ["prefect", "agent", "start", "-q", "etl"]\n'),
    "compose_list_of_lines": (Kind.YAML, "command:\n  - prefect\n  - agent\n  - start\n  - -q\n  - etl\n"),
    "kubernetes_lists": (Kind.YAML, "containers:\n- name: a\n  command: [prefect]\n  args: [agent, start, -q, etl]\n"),
    "compose_lists": (Kind.YAML, "agent:\n  entrypoint: [prefect]\n  command:\n  - agent\n  - start\n  - -q\n  - etl\n"),
    "compose_shell": (Kind.YAML, 'command: ["/bin/sh", "-c", "cd /app && prefect agent start -q etl"]\n'),
    "several_lines": (Kind.YAML, "command:\n  prefect agent start\n  -q etl\n"),
    "tagged": (Kind.YAML, 'Command:\n  - !Sub "prefect agent start -q etl"\n'),
    "two_documents": (Kind.YAML, "a: 1\n---\nargs: [prefect, agent, start, -q, etl]\n"),
    "a_config_map": (Kind.YAML, "data:\n  start.sh: |\n    #!/bin/sh\n    prefect agent start -q etl\n"),
    "a_template": (Kind.YAML, "{{- if .Values.on }}\ncommand: prefect agent start -q etl\n{{- end }}\n"),
    "dockerfile_run": (Kind.DOCKERFILE, "FROM x\nRUN pip install . && \\\n    # now\n    prefect agent start -q etl\n"),
    "dockerfile_cmd": (Kind.DOCKERFILE, "FROM prefect\nCMD prefect agent start -q etl\n"),
    "dockerfile_list": (Kind.DOCKERFILE, 'ENTRYPOINT ["prefect", "agent", "start", \\\n  "-q", "etl"]\n'),
    "dockerfile_mount": (Kind.DOCKERFILE, "RUN --mount=type=cache,target=/x prefect agent start -q etl\n"),
    "dockerfile_heredoc": (Kind.DOCKERFILE, "RUN <<EOF\nset -e\nprefect agent start -q etl\nEOF\nCMD [\"x\"]\n"),
    "makefile": (Kind.MAKEFILE, "run: deps\n\t@prefect agent start -q etl\n"),
    "makefile_continued": (Kind.MAKEFILE, "run:\n\t-cd $(DIR) && \\\n\tprefect agent start \\\n\t\t-q etl\n"),
    "makefile_program": (Kind.MAKEFILE, "run:\n\t$(PYTHON) -m prefect agent start -q etl\n"),
    "justfile": (Kind.MAKEFILE, "run:\n    prefect agent start -q etl\n"),
    "markdown_block": (Kind.MARKUP, "Text.\n\n```bash\nprefect agent start -q etl\n```\n"),
    "markdown_prompt": (Kind.MARKUP, "```console\n$ prefect agent start -q etl\nStarting the prefect agent start -q other\n```\n"),
    "markdown_no_language": (Kind.MARKUP, "~~~\nprefect agent start -q etl\n~~~\n"),
    "markdown_in_a_list": (Kind.MARKUP, "1. Do it:\n   ```sh\n   prefect agent start -q etl\n   ```\n"),
    "markdown_indented": (Kind.MARKUP, "Do it:\n\n    $ prefect agent start -q etl\n"),
    "markdown_inline": (Kind.MARKUP, "Start it with `prefect agent start -q etl`.\n"),
    "markdown_table": (Kind.MARKUP, "| a | b |\n|---|---|\n| x | prefect agent start -q etl | y |\n"),
    "markdown_yaml": (Kind.MARKUP, "```yaml\ncommand: prefect agent start -q etl\n```\n"),
    "markdown_dockerfile": (Kind.MARKUP, "```dockerfile\nCMD [\"prefect\", \"agent\", \"start\", \"-q\", \"etl\"]\n```\n"),
    "rst_block": (Kind.MARKUP, "Do it:\n\n.. code-block:: bash\n\n   prefect agent start -q etl\n\nThen.\n"),
    "rst_inline": (Kind.MARKUP, "Start it with ``prefect agent start -q etl``.\n"),
    "unit_file": (Kind.OTHER, "[Service]\nExecStart=/opt/venv/bin/prefect agent start -q etl\n"),
    "procfile": (Kind.OTHER, "web: gunicorn app\nworker: prefect agent start -q etl\n"),
    "supervisor": (Kind.OTHER, "[program:agent]\ncommand=prefect agent start -q etl\n"),
    "tox": (Kind.OTHER, "[testenv]\ncommands =\n    prefect agent start -q etl\n"),
    "terraform": (Kind.OTHER, 'x = {\n  command = ["prefect", "agent", "start", "-q", "etl"]\n}\n'),
    "jenkins": (Kind.OTHER, "steps {\n  sh 'prefect agent start -q etl'\n}\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_command_in_a_text_of_another_kind(name: str) -> None:
    kind, text = OTHERS[name]
    (found,) = words(text, kind)
    assert found[-4:] == START[1:] and found[0].endswith("prefect")


NOT_IN_OTHERS = {
    "a_step_name": (Kind.YAML, "- name: prefect deployment build and apply\n  run: make\n"),
    "a_yaml_comment": (Kind.YAML, "a: 1 # prefect agent start -q etl\n# command: prefect agent start -q etl\n"),
    "a_description": (Kind.YAML, "description: prefect agent start -q etl runs it\n"),
    "a_plain_value": (Kind.YAML, "topic: prefect agent start\n"),
    "a_list_of_names": (Kind.YAML, "requires: [prefect, agent]\n"),
    "a_shell_comment_in_a_block": (Kind.YAML, "run: |\n  # prefect agent start -q etl\n  true\n"),
    "a_dockerfile_comment": (Kind.DOCKERFILE, "# CMD prefect agent start -q etl\nENV X=prefect\n"),
    "a_make_variable": (Kind.MAKEFILE, "# prefect agent start\nHELP = prefect agent start -q etl\n"),
    "prose": (Kind.MARKUP, "The prefect deployment build command and prefect agent start -q etl are gone.\n"),
    "a_mention": (Kind.MARKUP, "`prefect deployment build` and `prefect agent start` are commands.\n"),
    "a_python_block": (Kind.MARKUP, '```python\nrun("x")\n# prefect agent start -q etl\n```\n'),
    "a_heading": (Kind.MARKUP, "# prefect agent start -q etl\n"),
    "a_unit_comment": (Kind.OTHER, "# ExecStart=prefect agent start -q etl\nDescription=Prefect agent start\n"),
    "terraform_prose": (Kind.OTHER, 'description = "memory of the prefect agent start command"\n'),
    "patterns": (Kind.IGNORE, "prefect agent start -q etl\n"),
}


@pytest.mark.parametrize("name", NOT_IN_OTHERS)
def test_what_only_speaks_of_a_command_in_a_text_of_another_kind(name: str) -> None:
    kind, text = NOT_IN_OTHERS[name]
    assert words(text, kind) == []


def test_values_keep_variables_and_templates() -> None:
    text = 'prefect deployment build "./$FILE:${FLOW}" -n ${{ matrix.flow }} -q {{ queue }} -v $(git rev-parse HEAD) -t a\\ b\n'
    (command,) = commands(text, Kind.SHELL)
    assert [(word.value, word.dynamic) for word in command.arguments] == [
        ("./$FILE:${FLOW}", True),
        ("-n", False),
        ("${{ matrix.flow }}", True),
        ("-q", False),
        ("{{ queue }}", True),
        ("-v", False),
        ("$(git rev-parse HEAD)", True),
        ("-t", False),
        ("a b", False),
    ]


def test_redirections_and_what_follows_are_no_arguments() -> None:
    (command,) = commands("prefect deployment build x.py:f -n a 2>&1 >> out.log; prefect version\n", Kind.SHELL)
    assert [word.value for word in command.arguments] == ["x.py:f", "-n", "a"]


def test_options_are_told_apart_in_all_spellings() -> None:
    (command,) = commands(
        "prefect --no-prompt deployments build -nname x.py:f --tag=a -t b -sb s3/x -a --unknown\n", Kind.SHELL
    )
    line = line_of(command, BUILD)
    assert [(each.row.spellings[0], each.value) for each in line.given] == [
        ("--name", "name"),
        ("ENTRYPOINT", "x.py:f"),
        ("--tag", "a"),
        ("--tag", "b"),
        ("--storage-block", "s3/x"),
        ("--apply", ""),
    ]
    assert [word.value for word in line.unknown] == ["--unknown"]


def edited(text: str, kind: Kind) -> str:
    """`agent start -q etl` as `worker start --pool "my pool" -q etl`, without `--hide-welcome`."""
    (command,) = commands(text, kind)
    by_value = {word.value: word for word in command.words}
    edits: list[Edit] = [replaced(command, by_value["agent"], "worker")]
    edits.append(inserted(command, by_value["start"], "--pool", "my pool"))
    edits += removed(command, by_value["--hide-welcome"])
    edits.append(put_before(command, by_value["etl"], "-q"))
    return apply_edits(text, edits)


EDITS = {
    "shell": (
        Kind.SHELL,
        "  prefect agent start --hide-welcome \\\n    'etl' # now\n",
        "  prefect worker start --pool 'my pool' \\\n    -q 'etl' # now\n",
    ),
    "a_line_of_its_own": (
        Kind.SHELL,
        "prefect agent start etl \\\n  --hide-welcome \\\n  --limit 3\n",
        "prefect worker start --pool 'my pool' -q etl \\\n  --limit 3\n",
    ),
    "nested_in_single_quotes": (
        Kind.SHELL,
        "bash -c 'prefect agent start etl --hide-welcome'\n",
        "bash -c 'prefect worker start --pool '\\''my pool'\\'' -q etl'\n",
    ),
    "yaml_single_quotes": (
        Kind.YAML,
        "command: 'prefect agent start etl --hide-welcome'\n",
        "command: 'prefect worker start --pool ''my pool'' -q etl'\n",
    ),
    "json_list": (
        Kind.DOCKERFILE,
        'CMD ["prefect", "agent", "start", "--hide-welcome", "etl"]\n',
        'CMD ["prefect", "worker", "start", "--pool", "my pool", "-q", "etl"]\n',
    ),
    "block_list": (
        Kind.YAML,
        "command:\n  - prefect\n  - agent # one\n  - start\n  - --hide-welcome\n  - etl\n",
        'command:\n  - prefect\n  - worker # one\n  - start\n  - --pool\n  - "my pool"\n  - -q\n  - etl\n',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_edits_keep_the_rest(name: str) -> None:
    kind, before, after = EDITS[name]
    assert edited(before, kind) == after


def test_variables_are_not_written_where_no_shell_reads_them() -> None:
    (command,) = commands('CMD ["prefect", "agent", "start"]\n', Kind.DOCKERFILE)
    with pytest.raises(Unwritable):
        inserted(command, command.words[-1], "--pool", Source('"$POOL"'))


def test_plain_yaml_takes_no_text_that_would_end_it() -> None:
    (command,) = commands("run: prefect agent start -q x\n", Kind.YAML)
    with pytest.raises(Unwritable):
        inserted(command, command.words[-1], "a: b")


PIECES = st.sampled_from(
    (
        "prefect", " ", "\n", "'", '"', "\\", "\\\n", "$(", ")", "`", "<<EOF\n", "EOF\n", "{{", "}}", "#", ";", "&&", "|", ">",
        "agent", "start", "-q", "deployment build", "run: ", "- ", "[", "]", ",", "```\n", "```bash\n", "CMD ", "\t", "é", ":",
    )
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join), st.sampled_from(list(Kind)))
def test_no_text_fails_and_every_word_stands_where_it_says(text: str, kind: Kind) -> None:
    for command in commands(text, kind):
        last = -1
        for word in command.words:
            assert last <= word.start < word.end <= len(text)
            last = word.end
        assert text[command.words[0].start : command.words[0].end].strip("'\"@-+").endswith("prefect")


ARGUMENTS = st.lists(st.text("ab ='\"$\\;&|#é{}", min_size=1, max_size=6), min_size=1, max_size=4)


@given(ARGUMENTS)
def test_quoted_values_come_back(values: list[str]) -> None:
    text = "prefect deployment run " + " ".join(quoted(value) for value in values) + "\n"
    (command,) = commands(text, Kind.SHELL)
    assert [word.value for word in command.arguments] == values


@given(ARGUMENTS, st.sampled_from(["{}\n", "bash -c '{}'\n", 'bash -c "{}"\n']))
def test_inserted_values_come_back_at_every_depth(values: list[str], around: str) -> None:
    text = around.format("prefect deployment run x")
    (command,) = commands(text, Kind.SHELL)
    new = apply_edits(text, [inserted(command, command.words[-1], *values)])
    if "bash -c '" in around and "'\\''" in new:
        return  # several pieces of quoted text are not looked into
    (again,) = commands(new, Kind.SHELL)
    assert [word.value for word in again.arguments] == ["x", *values]


@given(ARGUMENTS)
def test_inserted_values_come_back_in_lists(values: list[str]) -> None:
    for text, kind in (
        ('CMD ["prefect", "deployment", "run", "x"]\n', Kind.DOCKERFILE),
        ("command: [prefect, deployment, run, x]\n", Kind.YAML),
        ("command:\n- prefect\n- deployment\n- run\n- x\n", Kind.YAML),
    ):
        (command,) = commands(text, kind)
        new = apply_edits(text, [inserted(command, command.words[-1], *values)])
        (again,) = commands(new, kind)
        assert [word.value for word in again.arguments] == ["x", *values]


def test_no_word_is_touched_by_edits_of_none() -> None:
    (command,) = commands("prefect agent start -q etl\n", Kind.SHELL)
    assert isinstance(command, Command) and removed(command) == ()
