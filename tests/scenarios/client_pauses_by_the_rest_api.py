"""A deployment is made and paused by requests to the REST API.

codes: PF604
"""

from _observing import result_of
from prefect import flow, get_client


@flow
def etl():
    pass


def statuses():
    with get_client(sync_client=True) as client:
        api = client._client
        flow_id = api.post("/flows/", json={"name": "by-rest"}).json()["id"]
        try:
            made = api.post(
                "/deployments/",
                json={
                    "name": "nightly",
                    "flow_id": flow_id,
                    "infra_overrides": {"env": {}},
                    "is_schedule_active": True,
                },
            )
            deployment_id = made.json()["id"]
            api.post(f"/deployments/{deployment_id}/set_schedule_inactive")
            return "paused" if api.get(f"/deployments/{deployment_id}").json()["paused"] else "active"
        except Exception as error:
            return type(error).__name__


def observe():
    return result_of(statuses)
