"""Prefect's automations that start a published workflow when an event says a webhook was received.

Prefect Cloud's webhooks make such events, and so does whoever may write to ``POST /api/events``
of a self-hosted Prefect: ``dataroll.webhook.received`` on ``dataroll.workflow.<slug>``, with the
body as payload. One automation for each workflow, known by its name.
"""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger
from prefect.events.schemas.events import ResourceSpecification

from compiler.prefect_yaml import RECEIVED, payload_as_trigger

NAME = "dataroll: webhook of "
PAGE = 200


async def listening(client: PrefectClient) -> dict[str, str]:
    """Which deployment is started for which workflow, by the workflow's slug."""
    found: dict[str, str] = {}
    offset = 0
    while True:
        page = await client.read_automations(limit=PAGE, offset=offset)
        for automation in page:
            if automation.name.startswith(NAME):
                found[automation.name.removeprefix(NAME)] = started_by(automation)
        if len(page) < PAGE:
            return found
        offset += PAGE


async def listen_for(client: PrefectClient, slug: str, deployment_id: str | None) -> None:
    """Start this deployment, and no other, for the workflow's events; None: listen no more."""
    known = await client.read_automations_by_name(f"{NAME}{slug}")
    kept = [each for each in known if started_by(each) == deployment_id][:1]
    for automation in known:
        if automation not in kept:
            await client.delete_automation(automation.id)
    if deployment_id is not None and not kept:
        await client.create_automation(automation_for(slug, deployment_id))


def automation_for(slug: str, deployment_id: str) -> AutomationCore:
    return AutomationCore(
        name=f"{NAME}{slug}",
        description="Made by dataroll, and put right by it: whoever may write events to Prefect"
        " may start this workflow",
        trigger=EventTrigger(
            expect={RECEIVED},
            match=ResourceSpecification({"prefect.resource.id": f"dataroll.workflow.{slug}"}),
        ),
        actions=[
            RunDeployment(
                source="selected",
                deployment_id=UUID(deployment_id),
                parameters={"trigger": payload_as_trigger("webhook")},
            )
        ],
    )


def started_by(automation: Automation) -> str:
    for action in automation.actions:
        if isinstance(action, RunDeployment):
            return str(action.deployment_id)
    return ""
