"""A skipped node's reason has the condition that led elsewhere, in its author's words and with values."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import World, any_compiler, running

__all__ = ["any_compiler", "running"]

WORKFLOW = """\
version: "1.0"
name: Ask
trigger: manual
variables:
  env: {type: string, default: test}
nodes:
  trigger-1: {type: trigger}
  find-1: {type: action, action: discover_migrations, connectionId: x}
  if-1: {type: condition, condition: CONDITION}
  then-1: {type: delay, seconds: 1}
edges:
  - {source: trigger-1, target: find-1}
  - {source: find-1, target: if-1}
  - {source: if-1, target: then-1, label: Yes}
"""


async def reason(world: World, condition: str, output: Any) -> str:
    content = WORKFLOW.replace("CONDITION", condition)
    workflow = await world.published(content)
    started = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
    execution_id = started.json()["id"]
    run_id = await world.dispatch(execution_id)
    world.orchestrator.settle(run_id, "find-1", "success", output=output)
    world.orchestrator.settle(
        run_id, "if-1", "success", node_type="condition", branch="No", output={"branch": "No"}
    )
    world.orchestrator.settle(run_id, "then-1", "skipped", reason="if-1 took No, not Yes")
    await world.mirror(run_id)
    assert not await world.mirror(run_id)  # told once
    run = (await world.admin.get(f"/api/executions/{execution_id}")).json()
    (node,) = [node for node in run["nodeExecutions"] if node["nodeId"] == "then-1"]
    return str(node["reason"])


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ('"{{ find-1.output.migrations.length > 0 }}"', "find-1.output.migrations.length > 0 was 0 > 0"),
        ('"{{ find-1.output.count }}", operator: ">", value: 10', "find-1.output.count > 10 was 3 > 10"),
        (
            '''"{{ find-1.output.count > 5 && env == 'production' }}"''',
            '''find-1.output.count > 5 && env == 'production' was 3 > 5 && "test" == "production"''',
        ),
        ('"{{ variables.env }}", operator: equals, value: live', 'variables.env equals "live" was "test" equals "live"'),
    ],
)  # fmt: skip
async def test_a_skipped_node_says_what_the_condition_looked_at(
    world: World, condition: str, said: str
) -> None:
    output = {"migrations": [], "count": 3}
    assert await reason(world, condition, output) == f"if-1 took No, not Yes; {said}"


@pytest.mark.parametrize(
    "condition",
    ['"{{ find-1.output.migrations.length > }}"', '"{{ nobody.x > 1 }}"', "true", "[1]"],
)
async def test_what_cannot_be_told_is_left_out(world: World, condition: str) -> None:
    assert await reason(world, condition, {"migrations": []}) == "if-1 took No, not Yes"


async def test_an_output_that_was_too_large_to_keep_says_nothing(world: World) -> None:
    condition = '"{{ find-1.output.migrations.length > 0 }}"'
    output = {"migrations": ["x" * 1000] * 1000}
    assert await reason(world, condition, output) == "if-1 took No, not Yes"
