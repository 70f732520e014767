"""A block has a field with a default and no type.

codes: PF513
"""

from _observing import result_of
from prefect.blocks.core import Block


def made():
    class Bucket(Block):
        region = "eu"

    return Bucket(region="us").region


def observe():
    return result_of(made).partition(":")[0]
