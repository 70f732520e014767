"""A notification block is made of the kind `prefect_default`.

codes: PF512
"""

from _observing import result_of
from prefect.blocks.notifications import SlackWebhook


def alerts():
    SlackWebhook(url="https://hooks.slack.com/services/T/B/X", notify_type="prefect_default")
    return "made"


def observe():
    return result_of(alerts).partition(":")[0]
