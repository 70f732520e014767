"""Notification blocks that 2.x saved, and the kind of notification that Prefect 3.4 dropped."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.model.guards import only_on
from migrator.model.module import Reference
from migrator.model.names import span
from migrator.rules.base import Context, Draft, Mend, rule

_HOME = "prefect.blocks.notifications."
_SLUGS = {
    "discord-webhook": "DiscordWebhook",
    "mattermost-webhook": "MattermostWebhook",
    "ms-teams-webhook": "MicrosoftTeamsWebhook",
    "opsgenie-webhook": "OpsgenieWebhook",
    "sendgrid-email": "SendgridEmail",
    "slack-webhook": "SlackWebhook",
    "twilio-sms": "TwilioSMS",
}
"""The blocks whose default on 2.x is `prefect_default`, by their slugs."""
_NAMES = frozenset(_SLUGS.values())
_LOADS = frozenset({"load", "aload"})


@rule(
    "PF512",
    "notification-block",
    Severity.WARNING,
    "unsafe or none",
    "https://docs.prefect.io/v3/concepts/blocks",
)
def notification_block(context: Context) -> Iterator[Draft]:
    """Save notification blocks anew before the upgrade.

    `SlackWebhook`, `MicrosoftTeamsWebhook` and the others store `notify_type="prefect_default"` unless they were told otherwise. Prefect 3.4 does not know that kind any more:
    a block that 2.x saved cannot be loaded (`RuntimeError: Unable to load ... due to failed validation`), not even with `validate=False`. A `DiscordWebhook`
    also stores `avatar_url=False`, which every 3.x refuses. Prefect 3.0 to 3.3 load the others.

    Once, on 2.x, before the server is upgraded:
    ```text
    from prefect.blocks.notifications import SlackWebhook

    block = SlackWebhook.load("alerts")
    block.notify_type = "info"      # and for DiscordWebhook: block.avatar_url = None
    block.save("alerts", overwrite=True)
    ```
    On 3.x it is made and saved anew with its URL. The code that loads it stays as it is: suppress the finding once the blocks are saved.

    A `PagerDutyWebHook` or `CustomWebhookNotificationBlock` of 2.x loads on 3.x; `notify(body, subject)` takes the same on both majors.

    ## Example
    ```python
    from prefect.blocks.notifications import SlackWebhook

    SlackWebhook(url="https://hooks.slack.com/services/T/B/X", notify_type="prefect_default").save("alerts")
    ```

    ## Use instead
    ```python
    from prefect.blocks.notifications import SlackWebhook

    SlackWebhook(url="https://hooks.slack.com/services/T/B/X", notify_type="info").save("alerts")
    ```

    ## Fix safety
    Unsafe: a message of the kind `info` may come with another picture. There is no fix for a block that is loaded, because what has to change is not in the code.
    """
    module = context.module
    if (
        "Webhook" not in module.text
        and "SMS" not in module.text
        and "Email" not in module.text
        and "-webhook/" not in module.text
    ):
        return
    for reference in module.references:
        call = reference.call
        if call is None or not reference.qualified.startswith("prefect.blocks."):
            continue
        if only_on((*reference.use.parents, call), module) == 2:
            continue
        loaded = _loaded(reference, call)
        if loaded is not None and context.target.reaches("3.0" if loaded == "DiscordWebhook" else "3.4"):
            mended = " and `avatar_url` to None" if loaded == "DiscordWebhook" else ""
            yield context.draft(
                call,
                f"Prefect 3 cannot load a `{loaded}` that 2.x saved with its defaults: before the upgrade load it on 2.x, set its "
                f'`notify_type` to "info"{mended}, and save it with `overwrite=True`',
            )
        elif reference.qualified.startswith(_HOME) and context.target.reaches("3.4"):
            yield from _made(context, call)


def _loaded(reference: Reference, call: ast.Call) -> Optional[str]:
    """The class of the block that a call loads."""
    owner, _, method = reference.qualified.rpartition(".")
    if method not in _LOADS:
        return None
    if owner.startswith(_HOME):
        name = owner[len(_HOME) :]
        return name if name in _NAMES else None
    first = call.args[0] if call.args else None
    if owner == "prefect.blocks.core.Block" and isinstance(first, ast.Constant) and isinstance(first.value, str):
        return _SLUGS.get(first.value.partition("/")[0])
    return None


def _made(context: Context, call: ast.Call) -> Iterator[Draft]:
    for keyword in call.keywords:
        value = keyword.value
        if keyword.arg != "notify_type" or not isinstance(value, ast.Constant) or value.value != "prefect_default":
            continue
        start, end = span(value, context.module.index)
        quote = context.module.text[end - 1]
        edit = Edit(start, end, f"{quote}info{quote}")
        mend = Mend(Applicability.UNSAFE, "Use the kind `info`", partial(tuple, (edit,)))
        told = 'Prefect 3.4 and later refuse `notify_type="prefect_default"`'
        yield context.draft(value, told, mend, Severity.ERROR)
