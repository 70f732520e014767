"""A flow takes a model of `pydantic.v1`.

codes: PF514
"""

from typing import Optional

from _observing import result_of
from prefect import flow
from pydantic.v1 import BaseModel


class Settings(BaseModel):
    day: str
    limit: Optional[int]


@flow
def etl(settings: Settings):
    return settings.day, settings.limit


def observe():
    return result_of(etl, Settings(day="monday"))
