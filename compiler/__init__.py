"""Definition text in, readable Prefect flow out.

::

    from compiler import compile_workflow
    flow = compile_workflow(text, "yaml", version=3)
    print(flow.source)

Pure: no database, network, clock or Prefect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.errors import CompilerError, DefinitionError, ExpressionError, Problem

if TYPE_CHECKING:
    from compiler.compiled import CompiledFlow
    from compiler.workflow import Checked, check_workflow, compile_workflow

__all__ = [
    "Checked",
    "CompiledFlow",
    "CompilerError",
    "DefinitionError",
    "ExpressionError",
    "Problem",
    "check_workflow",
    "compile_workflow",
]

_HOMES = {
    "Checked": "compiler.workflow",
    "CompiledFlow": "compiler.compiled",
    "check_workflow": "compiler.workflow",
    "compile_workflow": "compiler.workflow",
}


def __getattr__(name: str) -> Any:
    # Imported when first used: whoever needs only the errors does not load the whole compiler.
    if name not in _HOMES:
        raise AttributeError(f"module 'compiler' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
