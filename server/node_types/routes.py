"""/api/node-types: every kind of node with its form, its output and its branches.

Read off the typed functions in ``runtime_tasks/steps``: a new step appears in
the editor's palette without a change here or there.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from runtime_tasks.steps import CATALOGUE, DISCRIMINATORS
from runtime_tasks.steps.catalogue import NodeType
from server.access import needs
from server.schemas import Answer, Page

router = APIRouter(tags=["node types"])


class NodeTypeAnswer(Answer):
    type: str
    variant: str = Field(description="The action, provider or trigger kind; may be empty")
    discriminator: str | None = Field(description="The configuration key that names the variant")
    label: str
    summary: str
    description: str
    branches: list[str] = Field(description="Labels that its edges may carry, besides Failed")
    can_fail: bool
    starts: bool
    effect: str
    idempotent: bool
    config_schema: dict[str, Any]
    output_schema: dict[str, Any]


@router.get("/api/node-types", **needs("signed-in"))
async def node_types() -> Page[NodeTypeAnswer]:
    """The palette."""
    return Page(items=list(_all()))


@cache
def _all() -> tuple[NodeTypeAnswer, ...]:
    return tuple(_answer(node_type) for node_type in CATALOGUE.values())


def _answer(node_type: NodeType) -> NodeTypeAnswer:
    return NodeTypeAnswer(
        type=node_type.type,
        variant=node_type.variant,
        discriminator=DISCRIMINATORS.get(node_type.type),
        label=node_type.label,
        summary=node_type.summary,
        description=node_type.description,
        branches=list(node_type.branches),
        can_fail=node_type.can_fail,
        starts=node_type.starts,
        effect=node_type.effect,
        idempotent=node_type.idempotent,
        config_schema=node_type.config_schema,
        output_schema=node_type.output_schema,
    )
