"""A task asks the API for its own run, a flow for those it waited for.

codes: PF607
fix: none
"""

from _observing import final_state, note, notes
from prefect import flow, get_client, task
from prefect.client.schemas.filters import FlowRunFilter
from prefect.context import get_run_context


@task
def own():
    task_run = get_run_context().task_run
    with get_client(sync_client=True) as client:
        try:
            is_running = client.read_task_run(task_run.id).state_name == "Running"
        except Exception:
            is_running = False
    note("it runs" if is_running else "it does not run yet")


@flow
def etl():
    own()
    flow_run = get_run_context().flow_run
    with get_client(sync_client=True) as client:
        runs = client.read_task_runs(flow_run_filter=FlowRunFilter(id={"any_": [flow_run.id]}))
    note("all final" if runs and all(run.state and run.state.is_final() for run in runs) else "not all final")


def observe():
    final_state(etl)
    return ", ".join(notes())
