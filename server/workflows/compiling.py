"""The compiler, asked in a thread: what is wrong with a definition, and the flow it becomes."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal, Protocol, cast

from compiler.edits import Fix
from compiler.errors import DefinitionError, Problem
from server.errors import Invalid
from server.models import WorkflowDefinition

Format = Literal["json", "yaml"]


class Compiled(Protocol):
    """``compiler.CompiledFlow``, as far as the server looks at it."""

    @property
    def source(self) -> str: ...
    @property
    def filename(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def source_map(self) -> Any: ...


def compile_workflow(source: str, format: Format, *, version: int) -> Compiled:  # noqa: A002
    """Imported when first needed: the compiler brings black and Jinja with it."""
    compiler = importlib.import_module("compiler")
    return cast(Compiled, compiler.compile_workflow(source, format, version=version))


async def compiled(content: str, format: str, version: int) -> Compiled:  # noqa: A002
    """Raises DefinitionError with every problem."""
    return await asyncio.to_thread(compile_workflow, content, cast(Format, format), version=version)


def check_workflow(source: str, format: Format, version: int) -> list[Problem]:  # noqa: A002
    compiler = importlib.import_module("compiler")
    return list(compiler.check_workflow(source, format, version=version).problems)


async def check(content: str, format: str, version: int = 1) -> list[Problem]:  # noqa: A002
    """Errors and warnings in the order of the text; without errors it may be published."""
    return await asyncio.to_thread(check_workflow, content, cast(Format, format), version)


async def check_with_fixes(
    content: str,
    format: str,  # noqa: A002
    version: int = 1,
) -> list[tuple[Problem, Fix | None]]:
    """As :func:`check`, each problem with what would mend it."""
    return await asyncio.to_thread(_with_fixes, content, cast(Format, format), version)


def _with_fixes(source: str, format: Format, version: int) -> list[tuple[Problem, Fix | None]]:  # noqa: A002
    checking = importlib.import_module("compiler.workflow")
    fixing = importlib.import_module("compiler.fixes")
    checked = checking.check_workflow(source, format, version=version)
    return list(zip(checked.problems, fixing.fixes_for(checked, source), strict=True))


def refused(error: DefinitionError) -> Invalid:
    return Invalid(
        f"the definition has {len(error.problems)} problem"
        + ("s" if len(error.problems) != 1 else ""),
        code="definition-invalid",
        problems=[as_json(problem) for problem in error.problems],
    )


def as_json(problem: Problem) -> dict[str, Any]:
    return {key: value for key, value in asdict(problem).items() if value not in (None, ())}


def take_over(definition: WorkflowDefinition, flow: Compiled) -> None:
    """Keep with the version what it compiles to."""
    definition.digest, definition.source = flow.digest, flow.source
    definition.filename = flow.filename
    definition.source_map = source_map_json(flow.source_map)
    definition.interface = {
        "schema": source_map_json(getattr(flow, "parameters_schema", {})),
        "names": dict(getattr(flow, "parameter_names", {})),
    }


def source_map_json(source_map: Any) -> Any:
    """Mappings, sequences, dataclasses and named tuples as JSON."""
    if hasattr(source_map, "_asdict"):
        source_map = source_map._asdict()
    if isinstance(source_map, Mapping):
        return {str(key): source_map_json(value) for key, value in source_map.items()}
    if isinstance(source_map, list | tuple):
        return [source_map_json(value) for value in source_map]
    if hasattr(source_map, "__dataclass_fields__"):
        return source_map_json(asdict(source_map))
    return (
        source_map if isinstance(source_map, str | int | float | bool | None) else str(source_map)
    )
