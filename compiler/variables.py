"""What a variable may hold: whether it must be given, the pattern it matches, the values it has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from compiler.definition import Place, Variable
from compiler.tree import Tree

if TYPE_CHECKING:
    from compiler.reader import Reader

MAX_PATTERN = 200
LIMITED = {"pattern": ("string", "connection"), "enum": ("string", "number")}
"""The types of variables that take a limit."""


def limited(reader: Reader, entry: Tree, variable: Variable) -> Variable:
    """``variable`` with the limits of its entry; a default that breaks them is a problem."""
    entries = entry.entries
    for key, types in LIMITED.items():
        if key in entries and variable.type not in types:
            reader.problem(
                "wrong-type",
                f"'{key}' is for variables of type {' or '.join(types)}",
                entry.keys[key],
                field=variable.name,
            )
            return variable
    required = entries.get("required")
    if required is not None and not isinstance(required.value, bool):
        reader.problem(
            "wrong-type", "'required' takes true or false", _at(required), field=variable.name
        )
    variable = replace(
        variable,
        required=required is None or required.value is not False,
        pattern=_pattern(reader, entries.get("pattern"), variable),
        enum=_enum(reader, entries.get("enum"), variable),
    )
    default = variable.default
    if default is None:
        return variable
    if variable.enum and default.value not in variable.enum:
        words = ", ".join(str(value) for value in variable.enum)
        reader.problem(
            "unknown-value",
            f"the default of '{variable.name}' is none of its values",
            _at(default),
            field=variable.name,
            hint=f"one of: {words}",
        )
    elif variable.pattern and not matches(variable.pattern, str(default.value)):
        reader.problem(
            "unknown-value",
            f"the default of '{variable.name}' does not match its pattern",
            _at(default),
            field=variable.name,
        )
    return variable


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches. pydantic's engine takes time in proportion to the text,
    which Python's does not. Raises SchemaError for a pattern that it cannot read."""
    from pydantic import StringConstraints, TypeAdapter, ValidationError

    # By itself too: a)|(b is no expression, and would be one between brackets.
    TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
    adapter: TypeAdapter[str] = TypeAdapter(
        Annotated[str, StringConstraints(pattern=f"^(?:{pattern})$")]
    )
    try:
        adapter.validate_python(text)
    except ValidationError:
        return False
    return True


def _pattern(reader: Reader, tree: Tree | None, variable: Variable) -> str:
    pattern = reader.text(tree, "pattern")
    if tree is None or not pattern:
        return ""
    message = f"has more than {MAX_PATTERN} characters"
    if len(pattern) <= MAX_PATTERN:
        from pydantic_core import SchemaError  # most workflows have no pattern

        try:
            matches(pattern, "")
        except SchemaError:
            message = "is no regular expression (look-around and back-references are not taken)"
        else:
            return pattern
    reader.problem(
        "bad-pattern",
        f"the pattern of '{variable.name}' {message}",
        _at(tree),
        field=variable.name,
    )
    return ""


def _enum(reader: Reader, tree: Tree | None, variable: Variable) -> tuple[str | int | float, ...]:
    if tree is None:
        return ()
    wanted = str if variable.type == "string" else int | float
    values = [item.value for item in tree.items]
    if (
        tree.kind == "list"
        and values
        and all(isinstance(value, wanted) and not isinstance(value, bool) for value in values)
    ):
        return tuple(value for value in values if isinstance(value, str | int | float))
    reader.problem(
        "wrong-type",
        f"'enum' takes a list of {variable.type}s",
        _at(tree),
        field=variable.name,
    )
    return ()


def _at(tree: Tree) -> Place:
    return tree.line, tree.column
