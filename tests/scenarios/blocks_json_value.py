"""A flow reads a part of a `JSON` block's value.

codes: PF510
"""

import prefect
from _observing import result_of
from prefect import flow


def stored():
    if prefect.__version__.startswith("2."):
        from prefect.blocks.system import JSON as Old

        Old(value={"tables": ["a", "b"]}).save("my-config", overwrite=True)
    else:
        from prefect.variables import Variable as Copy

        Copy.set("my_config", {"tables": ["a", "b"]}, overwrite=True)


@flow
def etl():
    from prefect.blocks.system import JSON

    return JSON.load("my-config").value["tables"]


def observe():
    stored()
    return result_of(etl).partition(":")[0]
