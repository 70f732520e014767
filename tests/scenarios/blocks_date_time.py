"""A flow compares a date with the one in a `DateTime` block.

codes: PF510
"""

from datetime import datetime, timezone

import prefect
from _observing import result_of
from prefect import flow


def stored():
    if prefect.__version__.startswith("2."):
        from prefect.blocks.system import DateTime as Old

        Old(value=datetime(2024, 1, 2, tzinfo=timezone.utc)).save("last-run", overwrite=True)
    else:
        from prefect.variables import Variable as Copy

        Copy.set("last_run", "2024-01-02T00:00:00+00:00", overwrite=True)


@flow
def etl():
    from prefect.blocks.system import DateTime

    last = DateTime.load("last-run")
    return datetime(2024, 1, 3, tzinfo=timezone.utc) > last.value, last.value.date().isoformat()


def observe():
    stored()
    return result_of(etl).partition(":")[0]
