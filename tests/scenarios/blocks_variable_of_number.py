"""A number is stored in a Variable, and what is read is joined with text.

codes: PF511
"""

from _observing import result_of
from prefect import flow, variables
from prefect.variables import Variable


@flow
def etl():
    Variable.set("limit_of_rows", 5, overwrite=True)
    return "limit=" + variables.get("limit_of_rows")


def observe():
    return result_of(etl)
