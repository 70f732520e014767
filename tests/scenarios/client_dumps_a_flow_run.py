"""A flow run is turned into what JSON can hold.

codes: PF606
fix: none for both
"""

import json

from _observing import final_state, result_of
from prefect import flow, get_client


@flow
def etl():
    pass


def dumped():
    final_state(etl)
    with get_client(sync_client=True) as client:
        flow_run = client.read_flow_runs()[0]
    return sorted(json.loads(json.dumps(flow_run.dict(json_compatible=True))))[:3]


def observe():
    return result_of(dumped).partition(" got")[0]
