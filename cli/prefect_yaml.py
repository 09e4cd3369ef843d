"""``prefect.yaml`` for a folder of generated flows: ``prefect deploy --all`` without our server.

A definition with a schedule brings it along; one that waits for an event brings an automation,
unless it filters events: Prefect cannot evaluate our expressions, so those need our server.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from compiler.compiled import CompiledFlow

HEADER = """\
# Written by `dataroll deploy --prefect-yaml`: change the definitions, not this file.
# `prefect --no-prompt deploy --all` in this folder deploys every flow to the work pool `dataroll`.
"""


def prefect_yaml(flows: Iterable[CompiledFlow], generated: Path) -> str:
    """The file's text; ``generated`` is the flows' folder, seen from where the file will lie."""
    import yaml

    seen: dict[str, CompiledFlow] = {}
    for flow in flows:
        seen.setdefault(flow.filename, flow)
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
        "deployments": [deployment(seen[name], generated) for name in sorted(seen)],
    }
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return HEADER + text


def deployment(flow: CompiledFlow, generated: Path) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": "committed",
        "version": str(flow.version),
        "description": f"{flow.name}, {flow.digest}",
        "tags": ["dataroll"],
        "entrypoint": f"{generated.as_posix()}/{flow.filename}:{flow.entrypoint}",
        "enforce_parameter_schema": False,
        "work_pool": {"name": "dataroll"},
    }
    if flow.schedules:
        entry["schedules"] = [
            {
                "slug": schedule.node,
                "cron": schedule.cron,
                "timezone": schedule.timezone,
                "active": True,
            }
            for schedule in flow.schedules
        ]
    events = [
        automation(trigger.node, str(trigger.config["event"]))
        for trigger in flow.triggers
        if trigger.kind == "event" and "event" in trigger.config and "filter" not in trigger.config
    ]
    if events:
        entry["triggers"] = events
    return entry


def automation(node: str, event: str) -> dict[str, Any]:
    payload = {"__prefect_kind": "jinja", "template": "{{ event.payload | tojson }}"}
    return {
        "name": node,
        "type": "event",
        "enabled": True,
        "expect": [event],
        "parameters": {
            "trigger": {
                "type": "event",
                "body": {"__prefect_kind": "json", "value": payload},
            }
        },
    }
