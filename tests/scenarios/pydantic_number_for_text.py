"""A block with a text field is given a number.

codes: PF515
"""

from _observing import result_of
from prefect.blocks.core import Block


class Database(Block):
    port: str
    weight: int = 1


def observe():
    return result_of(lambda: (Database(port=5432).port, Database(port="1", weight=1.5).weight)).partition(":")[0]
