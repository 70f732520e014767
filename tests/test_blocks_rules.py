"""Blocks and variables (PF510 to PF515): what is rewritten, what is only reported, and what is left alone."""

from __future__ import annotations

import pytest

from migrator.rules.blocks.variables import as_text
from tests.support.examples import findings_in, prove, prove_untouched

SYSTEM, VARIABLE, NOTIFICATION, MODEL, PARAMETER, STRICT = (
    ("PF510",),
    ("PF511",),
    ("PF512",),
    ("PF513",),
    ("PF514",),
    ("PF515",),
)


# -- JSON, String and DateTime blocks

READ = {
    "value": ('JSON.load("cfg").value', 'Variable.get("cfg")'),
    "a part of it": ('JSON.load("cfg").value["a"]["b"]', 'Variable.get("cfg")["a"]["b"]'),
    "a method of it": ('JSON.load("cfg").value.get("a")', 'Variable.get("cfg").get("a")'),
    "by keyword": ('JSON.load(name="cfg").value', 'Variable.get("cfg")'),
    "hyphens": ("JSON.load('my-own-cfg').value", "Variable.get('my_own_cfg')"),
    "a name from elsewhere": ("JSON.load(name).value", 'Variable.get(name.replace("-", "_"))'),
    "as a dictionary": ('JSON.load("cfg").dict()["value"]["a"]', 'Variable.get("cfg")["a"]'),
    "asked from a dictionary": ('JSON.load("cfg").dict().get("value")', 'Variable.get("cfg")'),
    "in a call": ('print(JSON.load("cfg").value, 1)', 'print(Variable.get("cfg"), 1)'),
}


@pytest.mark.parametrize(("read", "wanted"), READ.values(), ids=READ)
def test_value_of_a_json_block_is_read_from_a_variable(read: str, wanted: str) -> None:
    before = f"from prefect.blocks.system import JSON\n\ndef load(name):\n    return {read}\n"
    after = f"from prefect.variables import Variable\n\ndef load(name):\n    return {wanted}\n"
    prove(before, after, select=SYSTEM)


AWAITED = {
    "value": ('(await JSON.load("cfg")).value', 'await Variable.get("cfg")'),
    "a part of it": ('(await JSON.load("cfg")).value["a"]', '(await Variable.get("cfg"))["a"]'),
}


@pytest.mark.parametrize(("read", "wanted"), AWAITED.values(), ids=AWAITED)
def test_awaited_block_becomes_an_awaited_variable(read: str, wanted: str) -> None:
    before = f"from prefect.blocks.system import JSON\n\nasync def load():\n    return {read}\n"
    after = f"from prefect.variables import Variable\n\nasync def load():\n    return {wanted}\n"
    prove(before, after, select=SYSTEM)


def test_block_that_is_kept_in_a_variable_loses_value_at_each_use() -> None:
    before = """
    from prefect import flow
    from prefect.blocks.system import JSON, Secret

    @flow
    async def etl():
        config = await JSON.load("cfg")  # the tables
        for table in config.value["tables"]:
            print(table, config.value, (lambda: config.dict()["value"])())
        return Secret
    """
    after = """
    from prefect import flow
    from prefect.blocks.system import Secret
    from prefect.variables import Variable

    @flow
    async def etl():
        config = await Variable.get("cfg")  # the tables
        for table in config["tables"]:
            print(table, config, (lambda: config)())
        return Secret
    """
    prove(before, after, select=SYSTEM)


NOT_CERTAIN = {
    "the block itself goes elsewhere": 'block = JSON.load("cfg")\n    send(block)\n    return block.value',
    "bound twice": 'block = JSON.load("cfg")\n    block = block or 1\n    return block.value',
    "another argument": 'return JSON.load("cfg", validate=False).value',
    "written to": 'block = JSON.load("cfg")\n    block.value = 1',
    "a computed name": 'return JSON.load("cfg" + suffix).value',
    "a name from elsewhere, in an f-string": 'return f"{JSON.load(suffix).value}"',
    "its id": 'return JSON.load("cfg")._block_document_id',
    "not awaited by a lambda": 'return [f.value for f in [JSON.load("cfg")]]',
    "made, saved, and the id is used": 'return JSON(value=1).save("cfg")',
    "made and given away": "return JSON(value=1)",
}


@pytest.mark.parametrize("body", NOT_CERTAIN.values(), ids=NOT_CERTAIN)
def test_other_uses_of_a_block_are_reported_without_a_fix(body: str) -> None:
    code = f"from prefect.blocks.system import JSON\n\ndef load(suffix):\n    {body}\n"
    assert prove(code, code, select=SYSTEM)


def test_coroutine_that_nobody_awaits_is_left_alone() -> None:
    code = "from prefect.blocks.system import JSON\n\nasync def load():\n    return JSON.load('a').value\n"
    assert prove(code, code, select=SYSTEM)


def test_block_of_a_module_that_others_import_is_kept() -> None:
    code = "from prefect.blocks.system import JSON\n\nblock = JSON.load('a')\nprint(block.value)\n"
    assert prove(code, code, select=SYSTEM, files={"other.py": "from flows import block\n"})


SAVED = {
    "at once": (
        'JSON(value={"a": 1}).save("my-cfg", overwrite=True)',
        'Variable.set("my_cfg", {"a": 1}, overwrite=True)',
    ),
    "without overwrite": ('String(value="x").save(name="s")', 'Variable.set("s", "x")'),
    "a date": (
        'DateTime(value=datetime.now()).save("d", overwrite=True)',
        'Variable.set("d", datetime.now().isoformat(), overwrite=True)',
    ),
    "through a variable": (
        'block = JSON(value=[1])\nblock.save("a", overwrite=True)\nprint(block.value)',
        'block = [1]\nVariable.set("a", block, overwrite=True)\nprint(block)',
    ),
}


@pytest.mark.parametrize(("made", "wanted"), SAVED.values(), ids=SAVED)
def test_block_that_is_made_and_saved_becomes_a_variable(made: str, wanted: str) -> None:
    name = made.partition("(")[0].rpartition(" ")[2]
    head = "from datetime import datetime\n\n"
    before = f"{head}from prefect.blocks.system import {name}\n\n{made}\n"
    after = f"{head}from prefect.variables import Variable\n\n{wanted}\n"
    prove(before, after, select=SYSTEM)
    assert prove(before, before, select=SYSTEM, target="both")


def test_date_is_read_with_the_spelling_that_the_module_has() -> None:
    before = "import datetime\nfrom prefect.blocks.system import DateTime\n\nlast = DateTime.load('d').value\n"
    after = "import datetime\nfrom prefect.variables import Variable\n\nlast = datetime.datetime.fromisoformat(Variable.get('d'))\n"
    prove(before, after, select=SYSTEM)


def test_generic_block_with_the_slug_of_a_system_block() -> None:
    before = 'from prefect.blocks.core import Block\n\nduck = Block.load("string/my-duck").value\n'
    after = 'from prefect.variables import Variable\n\nduck = Variable.get("my_duck")\n'
    prove(before, after, select=SYSTEM)
    prove_untouched('from prefect.blocks.core import Block\n\nb = Block.load("secret/x")\n', select=SYSTEM)


def test_both_majors_read_with_compat() -> None:
    before = """
    from prefect.blocks.system import JSON, DateTime as When

    when = When.load("last-run").value

    async def etl(name):
        one = JSON.load("cfg")
        return (await JSON.load(name)).value["a"]
    """
    after = """
    from prefect.blocks.system import JSON
    from compat import block_value
    from compat import block_value_async

    when = block_value("date-time/last-run")

    async def etl(name):
        one = JSON.load("cfg")
        return (await block_value_async(f"json/{name}"))["a"]
    """
    prove(before, after, select=SYSTEM, target="both")


SYSTEM_UNTOUCHED = {
    "another library": "import prefect\nfrom sqlalchemy import JSON, String\n\nx = JSON.load('a').value\n",
    "a class of one's own": "import prefect\n\nclass JSON:\n    pass\n\nJSON.load('a').value\n",
    "a secret": "from prefect.blocks.system import Secret\n\nSecret.load('a').get()\n",
    "done already": "from prefect.variables import Variable\n\nVariable.get('a')['value']\n",
    "where it may be missing": "try:\n    from prefect.blocks.system import JSON\n    x = JSON.load('a').value\nexcept ImportError:\n    x = None\n",
    "on 2.x only": "import prefect\nfrom prefect.blocks.system import JSON\n\nif prefect.__version__.startswith('2'):\n    x = JSON.load('a').value\n",
}


@pytest.mark.parametrize("code", SYSTEM_UNTOUCHED.values(), ids=SYSTEM_UNTOUCHED)
def test_what_is_no_block_of_the_system_is_left_alone(code: str) -> None:
    prove_untouched(code, select=SYSTEM)


def test_releases_that_still_have_the_blocks_have_no_finding() -> None:
    code = "from prefect.blocks.system import JSON\n\nx = JSON.load('a').value\n"
    prove_untouched(code, select=SYSTEM, target="3.4")
    assert findings_in(code, select=SYSTEM, target="3.5")


def test_message_has_the_commands_that_copy_the_value() -> None:
    code = "from prefect.blocks.system import JSON\n\nx = JSON.load('my-cfg').value['a']\n"
    (found,) = prove(code, code, select=SYSTEM, unsafe=False)
    assert "JSON.load('my-cfg').value" in found.message
    assert 'prefect variable set my_cfg "$(cat my_cfg.json)"' in found.message


# -- variables

STORED = {"5": '"5"', "-1.5": '"-1.5"', "True": '"True"', "value=3": 'value="3"'}


@pytest.mark.parametrize(("given", "wanted"), STORED.items(), ids=STORED)
@pytest.mark.parametrize("target", ["3", "both"])
def test_number_in_a_variable_stays_text(given: str, wanted: str, target: str) -> None:
    code = "from prefect.variables import Variable as V\n\nV.set({}, overwrite=True)\n"
    before, after = (
        code.format(f'"a", {each}' if "=" not in each else f'name="a", {each}') for each in (given, wanted)
    )
    prove(before, after, select=VARIABLE, target=target, unsafe=False)


VARIABLE_UNTOUCHED = {
    "text": "from prefect.variables import Variable\n\nVariable.set('a', '5')\n",
    "JSON": "from prefect.variables import Variable\n\nVariable.set('a', {'b': 5})\n",
    "unknown": "from prefect.variables import Variable\n\nVariable.set('a', x)\n",
    "no value": "from prefect.variables import Variable\n\nVariable.set('a')\n",
    "another class": "import prefect\nfrom airflow.models import Variable\n\nVariable.set('a', 5)\n",
    "on 3.x only": "from compat import PREFECT_3\nfrom prefect.variables import Variable\n\nif PREFECT_3:\n    Variable.set('a', 5)\n",
}


@pytest.mark.parametrize("code", VARIABLE_UNTOUCHED.values(), ids=VARIABLE_UNTOUCHED)
def test_what_both_majors_store_alike_is_left_alone(code: str) -> None:
    prove_untouched(code, select=VARIABLE)


def test_text_of_numbers_is_that_of_python() -> None:
    import ast

    for source, text in {"7": "7", "-7": "-7", "False": "False", "1e3": "1000.0"}.items():
        assert as_text(ast.parse(source, mode="eval").body) == text
    for source in ("'7'", "None", "x", "-True", "1j", "not 1"):
        assert as_text(ast.parse(source, mode="eval").body) is None


# -- notifications


def test_stored_notification_block_is_reported_where_it_is_loaded() -> None:
    code = """
    from prefect.blocks.core import Block
    from prefect.blocks.notifications import DiscordWebhook, PagerDutyWebHook, SlackWebhook

    SlackWebhook.load("a").notify("x")
    DiscordWebhook.load("a")
    PagerDutyWebHook.load("a")
    Block.load("ms-teams-webhook/a")
    Block.load("secret/slack-webhook")
    SlackWebhook(url="https://x")
    """
    assert [row for _, row, _ in findings_in(code, select=NOTIFICATION)] == [4, 5, 7]
    assert [row for _, row, _ in findings_in(code, select=NOTIFICATION, target="3.3")] == [5]
    assert prove(code, code, select=NOTIFICATION)


def test_kind_of_notification_that_is_gone() -> None:
    before = (
        "from prefect.blocks.notifications import SlackWebhook\n\nSlackWebhook(url=u, notify_type='prefect_default')\n"
    )
    prove(before, before.replace("prefect_default", "info"), select=NOTIFICATION)
    prove(before, before.replace("prefect_default", "info"), select=NOTIFICATION, target="both")
    prove_untouched(before, select=NOTIFICATION, target="3.2")
    prove_untouched("class SlackWebhook: ...\n\nSlackWebhook.load('a')\nimport prefect\n", select=NOTIFICATION)


# -- blocks for pydantic 1

HEAD = "from typing import Any, ClassVar, Optional, Union\nfrom prefect.blocks.core import Block\n"

FIELDS = {
    "optional": ("a: Optional[str]", "a: Optional[str] = None"),
    "union": ("a: Union[str, None]", "a: Union[str, None] = None"),
    "bar": ("a: int | None  # why", "a: int | None = None  # why"),
    "any": ("a: Any", "a: Any = None"),
    "text": ('a = "x"', 'a: str = "x"'),
    "truth": ("a = True", "a: bool = True"),
    "list": ("a = []", "a: list = []"),
}


@pytest.mark.parametrize(("field", "wanted"), FIELDS.values(), ids=FIELDS)
@pytest.mark.parametrize("target", ["3", "both"])
def test_field_of_a_block_says_what_pydantic_1_took_for_granted(field: str, wanted: str, target: str) -> None:
    code = HEAD + "\nclass Bucket(Block):\n    {}\n"
    prove(code.format(field), code.format(wanted), select=MODEL, target=target)


UNTOUCHED_FIELDS = {
    "default": "a: Optional[str] = None",
    "required": "a: str",
    "private": "_a: Optional[str]",
    "private without type": "_block_type_name = 'x'",
    "class variable": "a: ClassVar[Optional[str]]",
    "method": "def a(self): ...",
    "call": "a = Field(1)",
}


@pytest.mark.parametrize("field", UNTOUCHED_FIELDS.values(), ids=UNTOUCHED_FIELDS)
def test_field_that_both_take_alike_is_left_alone(field: str) -> None:
    prove_untouched(HEAD + f"\nclass Bucket(Block):\n    {field}\n", select=MODEL)


def test_class_that_is_no_block_is_left_alone() -> None:
    prove_untouched(
        """
        from typing import Optional
        from prefect import flow
        from prefect.blocks.system import Secret
        from pydantic.v1 import BaseModel, Field, validator

        class Row(BaseModel):
            a: Optional[str]
            b = 1
            c: int = Field(1)

            @validator("a")
            def check(cls, value):
                return value

        class Plain:
            secret: Optional[Secret]
        """,
        select=MODEL,
    )


def test_names_of_pydantic_1_move_with_what_they_need() -> None:
    before = """
    from prefect.blocks.core import Block
    from pydantic.v1 import (
        Field,  # the fields
        SecretStr,
        root_validator,
    )

    class Base(Block):
        host: str = Field("x", regex="^[a-z]+$")

    class Warehouse(Base):
        password: SecretStr

        @root_validator(allow_reuse=True)
        def check(cls, values):
            return values
    """
    after = """
    from prefect.blocks.core import Block
    from pydantic import (
        Field,  # the fields
        SecretStr,
        root_validator,
    )

    class Base(Block):
        host: str = Field("x", pattern="^[a-z]+$")

    class Warehouse(Base):
        password: SecretStr

        @root_validator(allow_reuse=True, skip_on_failure=True)
        def check(cls, values):
            return values
    """
    found = prove(before, after, select=MODEL)
    assert [str(each.severity) for each in found] == ["warning", "error", "warning"]
    assert prove(before, before, select=MODEL, target="both")


def test_version_branch_that_chooses_pydantic_1_is_mended_in_place() -> None:
    before = """
    import pydantic
    from prefect.blocks.core import Block

    if pydantic.VERSION.startswith("2."):
        from pydantic.v1 import Field
    else:
        from pydantic import Field

    class Warehouse(Block):
        host: str = Field("x")
    """
    prove(before, before.replace("pydantic.v1", "pydantic"), select=MODEL)


NOT_MOVED = {
    "a name that pydantic 2 does not have": ("Field, parse_obj_as", "a: int = Field(1)"),
    "a validator that wants the field": ("validator", '@validator("a")\n    def check(cls, v, field): ...'),
    "a constant": ("Field", "a: int = Field(1, const=True)"),
}


@pytest.mark.parametrize(("names", "body"), NOT_MOVED.values(), ids=NOT_MOVED)
def test_what_pydantic_2_does_otherwise_is_reported_without_a_fix(names: str, body: str) -> None:
    code = f"from prefect.blocks.core import Block\nfrom pydantic.v1 import {names}\n\nclass A(Block):\n    {body}\n"
    assert prove(code, code, select=MODEL)


def test_what_pydantic_2_refuses_is_an_error() -> None:
    before = """
    from prefect.input import RunInput
    from pydantic import Field, conlist, root_validator, validator

    class Answer(RunInput):
        a: str = Field("x", regex="x", description="y")
        b: conlist(int, min_items=1, max_items=2)
        c: int = Field(1, const=True)

        @validator("a", "c")
        def one(cls, value, values, config): ...

        @validator("a")
        def two(cls, value, values): ...

        @root_validator
        def three(cls, values): ...

        @root_validator(pre=True)
        def four(cls, values): ...
    """
    after = before.replace("regex=", "pattern=").replace("min_items", "min_length").replace("max_items", "max_length")
    after = after.replace("@root_validator\n", "@root_validator(skip_on_failure=True)\n")
    found = prove(before, after, select=MODEL)
    assert len(found) == 5
    assert {str(each.severity) for each in found} == {"error"}


def test_words_of_config() -> None:
    before = """
    from prefect.blocks.core import Block

    class A(Block):
        class Config:
            allow_mutation = False
            anystr_strip_whitespace = True
            extra = "forbid"
    """
    after = before.replace("allow_mutation = False", "frozen = True").replace("anystr_", "str_")
    prove(before, after, select=MODEL)
    both = before.replace(" = False\n", " = False\n            frozen = True\n")
    both = both.replace("space = True\n", "space = True\n            str_strip_whitespace = True\n")
    prove(before, both, select=MODEL, target="both")


def test_import_for_both_majors_is_not_reported_again() -> None:
    prove_untouched(
        """
        from compat import PREFECT_3
        from prefect.blocks.core import Block

        if PREFECT_3:
            from pydantic import Field
        else:
            from pydantic.v1 import Field

        class A(Block):
            a: int = Field(1)
        """,
        select=MODEL,
    )


# -- parameters of flows


def test_model_of_pydantic_1_moves_and_keeps_its_defaults() -> None:
    before = """
    from typing import List, Optional
    from prefect import flow, task
    from pydantic.v1 import BaseModel

    class Base(BaseModel):
        a: Optional[str]

    class Row(Base):
        b = 1

    @flow
    def etl(rows: List[Row] = None): ...
    """
    after = before.replace(".v1", "").replace("Optional[str]", "Optional[str] = None").replace("b = 1", "b: int = 1")
    prove(before, after, select=PARAMETER)


def test_model_in_another_module_is_reported() -> None:
    model = "from pydantic.v1 import BaseModel\n\nclass Row(BaseModel):\n    a: int\n"
    code = "from prefect import flow\nfrom models import Row as R\n\n@flow\ndef etl(row: R): ...\n"
    (found,) = prove(code, code, select=PARAMETER, files={"models.py": model})
    assert "where it is defined" in found.message
    prove_untouched(code, select=PARAMETER, files={"models.py": model.replace(".v1", "")})


PARAMETER_UNTOUCHED = {
    "a task": "@task\ndef etl(row: Row): ...",
    "a plain function": "def etl(row: Row): ...",
    "what a flow returns": "@flow\ndef etl() -> Row: ...",
}


@pytest.mark.parametrize("code", PARAMETER_UNTOUCHED.values(), ids=PARAMETER_UNTOUCHED)
def test_models_of_pydantic_1_elsewhere_are_left_alone(code: str) -> None:
    head = "from prefect import flow, task\nfrom pydantic.v1 import BaseModel\n\nclass Row(BaseModel):\n    a: int\n\n"
    prove_untouched(head + code + "\n", select=PARAMETER)


# -- numbers in place of text

STRICT_CALLS = {
    "text": ("day: str", "20240101", '"20240101"'),
    "optional": ("day: Optional[str] = None", "day=True", 'day="True"'),
    "whole number": ("n: int", "-2.7", "-2"),
    "list": ("n: list[str]", '[1, "a", 2.0]', '["1", "a", "2.0"]'),
    "dictionary": ("n: Dict[str, int]", '{1: 1.5, "b": 2}', '{"1": 1, "b": 2}'),
}


@pytest.mark.parametrize(("parameter", "given", "wanted"), STRICT_CALLS.values(), ids=STRICT_CALLS)
def test_argument_that_pydantic_2_refuses(parameter: str, given: str, wanted: str) -> None:
    code = "from typing import Dict, Optional\nfrom prefect import flow\n\n@flow\ndef etl({}): ...\n\netl({})\n"
    prove(code.format(parameter, given), code.format(parameter, wanted), select=STRICT)


def test_default_that_pydantic_2_refuses() -> None:
    before = "from prefect import flow\n\n@flow\ndef etl(a, day: str = 1, *, b: int, c: str = 2): ...\n"
    prove(before, before.replace("= 1", '= "1"').replace("= 2", '= "2"'), select=STRICT)


def test_block_that_is_given_a_number_for_text() -> None:
    before = "from prefect.blocks.core import Block\n\nclass Db(Block):\n    port: str = 1\n\nDb(port=5432, other=1)\n"
    prove(before, before.replace("5432", '"5432"'), select=STRICT)


STRICT_UNTOUCHED = {
    "no annotation": "@flow\ndef etl(a): ...\netl(1)",
    "the right type": "@flow\ndef etl(a: str, b: int, c: float): ...\netl('1', 2.0, 3)",
    "union": "@flow\ndef etl(a: Union[int, str]): ...\netl(1)",
    "not validated": "@flow(validate_parameters=False)\ndef etl(a: str): ...\netl(1)",
    "a task": "@task\ndef etl(a: str): ...\netl(1)",
    "starred": "@flow\ndef etl(a: str, b: int): ...\netl(*x, 1)",
    "a block with a validator": "class B(Block):\n    a: str\n    @validator('a', pre=True)\n    def f(cls, v): ...\nB(a=1)",
}


@pytest.mark.parametrize("code", STRICT_UNTOUCHED.values(), ids=STRICT_UNTOUCHED)
def test_arguments_that_are_fine_or_not_known_are_left_alone(code: str) -> None:
    head = "from typing import Union\nfrom prefect import flow, task\nfrom prefect.blocks.core import Block\nfrom pydantic import validator\n\n"
    prove_untouched(head + code + "\n", select=STRICT)
