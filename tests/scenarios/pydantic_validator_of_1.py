"""A block has a validator and defaults of `pydantic.v1`.

codes: PF513
"""

from _observing import result_of
from prefect.blocks.core import Block
from pydantic.v1 import Field, validator


class Warehouse(Block):
    host: str = Field("Local", description="Where it is")

    @validator("host", always=True)
    def in_lower_case(cls, value):
        return value.lower()


def observe():
    return f"{result_of(lambda: Warehouse().host)}, {result_of(lambda: Warehouse(host='DB').host)}"
