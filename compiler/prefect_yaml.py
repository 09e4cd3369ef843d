"""``prefect.yaml`` for committed flows: their schedules and event triggers, as ``prefect deploy`` takes them.

::

    text = prefect_yaml([compile_workflow(source, "yaml") for source in sources])

Schedules are the scheduled triggers of the definition. A webhook trigger becomes a Prefect event
trigger on ``dataroll.webhook.received`` for that workflow, an event trigger one on
``dataroll.<event>``; the event's payload is ``trigger.body``. Prefect cannot evaluate a filter, so
the flow asks it itself and ends as cancelled when the payload does not pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import yaml

from compiler.compiled import CompiledFlow

HEADER = """\
# Written by dataroll; deploy all of it with
# `prefect --no-prompt deploy --all` in this folder.
# docs/prefect.md says how events start these deployments.
"""
POOL = "dataroll"
RECEIVED = "dataroll.webhook.received"


def prefect_yaml(flows: Iterable[CompiledFlow], folder: str = "generated") -> str:
    """The file's text, deployments by name; ``folder`` is where the flows lie."""
    return _text(
        _deployment(flow, f"{folder}/{flow.filename}", slug_of(flow), "committed") for flow in flows
    )


def with_deployment(text: str, flow: CompiledFlow, *, filename: str, slug: str) -> str:
    """``text``, a file like this one or empty, with the deployment of a flow that lies beside it.

    A file that somebody else wrote is given back as it is.
    """
    before = _known(text)
    if before is None:
        return text
    made = _deployment(flow, filename, slug, slug)
    return _text([*(each for each in before if each.get("name") != slug), made])


def without_deployment(text: str, slug: str) -> str:
    """The same without that deployment."""
    before = _known(text)
    if not any(each.get("name") == slug for each in before or ()):
        return text
    return _text(each for each in before or () if each.get("name") != slug)


def _known(text: str) -> list[dict[str, Any]] | None:
    """The deployments of a file like this one; None where it is another, or was broken by hand."""
    if not text.strip():
        return []
    if not text.startswith(HEADER.partition("\n")[0]):
        return None
    try:
        known = yaml.safe_load(text)["deployments"] or []
        return known if all(isinstance(each["entrypoint"], str) for each in known) else None
    except (yaml.YAMLError, KeyError, TypeError):
        return None


def slug_of(flow: CompiledFlow) -> str:
    return flow.filename.removesuffix(".py").replace("_", "-")


def _text(deployments: Iterable[dict[str, Any]]) -> str:
    document = {
        "name": "dataroll",
        # Where the flows lie is known to the machine that deploys, not to this file.
        "build": [
            {
                "prefect.deployments.steps.run_shell_script": {
                    "id": "here",
                    "script": "pwd",
                    "stream_output": False,
                }
            }
        ],
        "pull": [
            {"prefect.deployments.steps.set_working_directory": {"directory": "{{ here.stdout }}"}}
        ],
        "deployments": sorted(deployments, key=lambda each: str(each["entrypoint"])),
    }
    return HEADER + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def _deployment(flow: CompiledFlow, path: str, slug: str, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": name,
        "version": str(flow.version),
        "description": f"{flow.name}, {flow.digest}",
        "entrypoint": f"{path}:{flow.entrypoint}",
        "tags": ["dataroll", f"workflow:{slug}"],
        "enforce_parameter_schema": False,
        "work_pool": {"name": POOL},
    }
    schedules = [
        {"cron": each.cron, "timezone": each.timezone, "slug": each.node, "active": True}
        for each in flow.schedules
    ]
    if schedules:
        made["schedules"] = schedules
    triggers = [
        _trigger(each.kind, each.config, slug)
        for each in flow.triggers
        if each.kind in ("webhook", "event")
    ]
    if triggers:
        made["triggers"] = triggers
    return made


def _trigger(kind: str, config: Any, slug: str) -> dict[str, Any]:
    trigger: dict[str, Any] = {"type": "event", "enabled": True}
    if kind == "webhook":
        trigger |= {
            "match": {"prefect.resource.id": f"dataroll.workflow.{slug}"},
            "expect": [RECEIVED],
        }
    else:
        trigger["expect"] = [f"dataroll.{config['event']}"]
    trigger["parameters"] = {"trigger": payload_as_trigger(kind)}
    return trigger


def payload_as_trigger(kind: str) -> dict[str, Any]:
    """The parameter ``trigger`` of a run that an event starts, as Prefect's actions template it."""
    body = json.dumps({"type": kind, "body": "BODY"})
    template = body.replace('"BODY"', "{{ event.payload | tojson }}")
    return {
        "__prefect_kind": "json",
        "value": {"__prefect_kind": "jinja", "template": template},
    }
