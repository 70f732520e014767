"""An async flow awaits a `JSON` block, keeps it in a variable and reads its value twice.

codes: PF510
"""

import prefect
from _observing import result_of
from prefect import flow


def stored():
    if prefect.__version__.startswith("2."):
        from prefect.blocks.system import JSON as Old

        Old(value={"day": "monday", "limit": 3}).save("decisions", overwrite=True)
    else:
        from prefect.variables import Variable as Copy

        Copy.set("decisions", {"day": "monday", "limit": 3}, overwrite=True)


@flow
async def etl():
    from prefect.blocks.system import JSON

    decisions = await JSON.load("decisions")
    return decisions.value["day"] * decisions.dict()["value"]["limit"]


def observe():
    stored()
    return result_of(etl).partition(":")[0]
