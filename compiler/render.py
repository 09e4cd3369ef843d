"""From the plan to the file's text, by the template in ``templates/flows``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from compiler.code import Code, digest_code, identifier, literal
from compiler.imports import import_lines
from compiler.layout import Bracket, Page, Value, bracket, call, signature
from compiler.plan import Parameter, Plan, TaskPlan

TEMPLATES = Path(__file__).parent.parent / "templates" / "flows"


@dataclass(frozen=True)
class FlowView:
    """What the template prints, all of it Code."""

    function: Code
    version: Code
    digest: Code
    imports: tuple[Code, ...]
    waived: Code | None
    tasks: tuple[Code, ...]
    signature: Code
    run: Code
    rules: tuple[Code, ...]


def render(plan: Plan, *, digest: str, version: int) -> str:
    """The generated file, ending in a newline."""
    view = FlowView(
        function=identifier(plan.function),
        version=literal(version),
        digest=digest_code(digest),
        imports=tuple(import_lines(plan)),
        waived=None if plan.waived is None else Page().put(plan.waived, 0, "WAIVED = ").code(),
        tasks=tuple(_task(task) for task in plan.tasks),
        signature=_signature(plan),
        run=_run(digest, version),
        rules=tuple(_rule(task) for task in plan.tasks),
    )
    text: str = _template().render(flow=view)
    return text


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701 - Python, not HTML; only Code is printed
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        finalize=_only_code,
    )
    return environment.get_template("flow.py.j2")


def _only_code(value: Any) -> str:
    if not isinstance(value, Code):
        raise TypeError(f"a template may print Code only, not {type(value).__name__}")
    return value.text


def _task(task: TaskPlan) -> Code:
    page = Page()
    page.put(task.decorator, 0, "@")
    page.put(signature(identifier(task.function), task.parameters), 0, after=":")
    page.put(task.step, 4, "return ")
    return page.code()


def _signature(plan: Plan) -> Code:
    page = Page().put(plan.flow, 0, "@")
    parameters = bracket(
        f"async def {identifier(plan.function).text}(",
        [_parameter(parameter) for parameter in plan.parameters],
        ")",
        exploded=True,
    )
    return page.put(parameters, 0, after=":").code()


def _parameter(parameter: Parameter) -> tuple[str, Code | Bracket]:
    named = f"{identifier(parameter.name).text}: {parameter.annotation}"
    if parameter.default is None:
        return named, Code.nothing()
    return f"{named} = ", parameter.default


def _run(digest: str, version: int) -> Code:
    inputs = call(identifier("locals"), [])
    items: list[tuple[str, Value]] = [
        ("inputs", inputs),
        ("digest", literal(digest)),
        ("version", literal(version)),
    ]
    return Page().put(call(identifier("WorkflowRun"), items), 4, "run = ").code(4)


def _rule(task: TaskPlan) -> Code:
    page = Page()
    if task.question is None:
        return page.put(task.start, 8).code()
    page.put(task.question, 8, "if ", ":")
    return page.put(task.start, 12).code()
