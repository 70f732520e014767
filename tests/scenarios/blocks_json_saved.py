"""A flow keeps what it learned in a `JSON` block, and reads it in the next run.

codes: PF510
fix: none for both
"""

from _observing import result_of
from prefect import flow


@flow
def learn(seen):
    from prefect.blocks.system import JSON

    JSON(value={"seen": seen}).save("what-was-seen", overwrite=True)


@flow
def recall():
    from prefect.blocks.system import JSON

    return JSON.load("what-was-seen").value["seen"]


def observe():
    learned = [result_of(learn, seen).partition(":")[0] for seen in (1, 2)]
    return f"{learned[-1]}, then {result_of(recall).partition(':')[0]}"
