"""An exception leaves the flow while a run is in flight that will be tried again.

codes: PF410 PF411
"""

from _observing import ending, note, notes
from prefect import flow, task


@task(retries=1, retry_delay_seconds=1)
def unsteady():
    note("try")
    if notes().count("try") == 1:
        raise ValueError


@flow
def etl(broken):
    unsteady.submit()
    if broken:
        raise RuntimeError("late")


def observe():
    return f"{ending(etl, True)} | {ending(etl, False)}"


if __name__ == "__main__":
    etl(True)
