"""A module calls an async task outside of any flow.

codes: PF421
"""

from prefect import task


@task
async def load(n):
    return n


VALUE = load(1)


def observe():
    return type(VALUE).__name__
