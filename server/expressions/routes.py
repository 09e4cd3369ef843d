"""/api/expressions/check and /api/definitions/check: what the editor asks while somebody types."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, cast

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from compiler.errors import DefinitionError, ExpressionError
from compiler.expressions import compile_expression
from runtime_tasks.errors import StepError
from server.access import needs
from server.executions.bounded import bounded
from server.schemas import Answer, Body, JsonObject, Text
from server.workflows.compiling import check_with_fixes, compiled, source_map_json
from server.workflows.present import problem
from server.workflows.schemas import CheckDefinition, Checked

router = APIRouter(tags=["expressions"])

IMPLICIT = ("connectionId", "currentUser", "trigger", "execution", "variables")


class CheckExpression(Body):
    expression: Annotated[Text, StringConstraints(min_length=1, max_length=10_000)]
    names: dict[str, JsonObject | None] = Field(
        default_factory=dict,
        max_length=500,
        description="Names it may use, with the JSON Schema of each, or null where it is unknown",
    )
    scope: JsonObject | None = Field(
        None, description="Values by name: with them the answer holds the result"
    )


class CheckedExpression(Answer):
    ok: bool
    python: str | None = None
    type: str | None = None
    result: Any = None
    code: str | None = None
    message: str | None = None
    column: int | None = None
    hint: str | None = None


@router.post("/api/expressions/check", **needs("signed-in", "read"))
async def check_expression(body: CheckExpression) -> CheckedExpression:
    """Is it an expression, what Python does it become, and what does it give?"""
    return await asyncio.to_thread(_check, body)


def _check(body: CheckExpression) -> CheckedExpression:
    names: dict[str, Any] = dict.fromkeys([*IMPLICIT, *(body.scope or {})]) | body.names
    try:
        expression = compile_expression(body.expression, cast(Any, names))
    except ExpressionError as error:
        return CheckedExpression(
            ok=False,
            code=error.code,
            message=error.message,
            column=error.column,
            hint=error.hint,
        )
    answer = CheckedExpression(ok=True, python=expression.python, type=str(expression.type))
    if body.scope is not None:
        try:
            answer.result = bounded(expression.evaluate(body.scope))
        except (StepError, LookupError) as error:
            answer.ok, answer.code, answer.message = False, "fails", str(error)
    return answer


@router.post("/api/definitions/check", **needs("signed-in", "read"))
async def check_definition(body: CheckDefinition) -> Checked:
    """Everything that is wrong with a definition, and the flow it becomes when nothing is."""
    found = await check_with_fixes(body.content, body.format, body.version)
    problems = [problem(each, fix) for each, fix in found]
    answer = Checked(problems=problems, source=None, digest=None)
    try:
        flow = await compiled(body.content, body.format, body.version)
    except DefinitionError:
        return answer
    answer.source, answer.digest = flow.source, flow.digest
    answer.source_map = source_map_json(flow.source_map)
    return answer
