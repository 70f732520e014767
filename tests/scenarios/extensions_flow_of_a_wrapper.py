"""An async flow whose function a synchronous decorator wraps, awaited.

codes: PF602
fix: none
"""

import functools

from _observing import result_of
from prefect import flow


def counted(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@flow
@counted
async def etl():
    return 1


async def main():
    return await etl()


def observe():
    return result_of(main).partition(":")[0]
