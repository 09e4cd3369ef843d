"""Strings of a configuration, with ``{{ holes }}``.

One hole and nothing else keeps its value's type; holes among text make text; a secret stands
alone in its hole and stays a reference.
"""

from __future__ import annotations

from collections.abc import Mapping

from compiler.expressions import tree
from compiler.expressions.expression import Expression, compiled
from compiler.expressions.names import Name, Names, SecretName, as_names
from compiler.expressions.parser import LONGEST, parse_at
from compiler.expressions.pieces import literal
from compiler.expressions.tokens import Scanner
from compiler.expressions.types import STRING, UNKNOWN


def compile_template(value: str, names: Names) -> Expression:
    """A configuration's string; columns of errors count from its first character."""
    if "{{" not in value:
        text = tree.Constant(0, value)
        return Expression(value, literal(value).code, STRING, frozenset(), text)
    known = as_names(names)
    parts = parts_of(value, known)
    if any(_secret(part, known) for part in parts):
        return _with_secrets(value, parts, known)
    root = parts[0] if len(parts) == 1 else tree.Template(0, tuple(parts))
    return compiled(root, known, value)


def compile_text(value: str, names: Names) -> Expression:
    """The same, but always text: a lone hole is put into words, as it would be among text."""
    known = as_names(names)
    return compiled(tree.Template(0, tuple(parts_of(value, known))), known, value)


def parts_of(value: str, names: Mapping[str, Name]) -> list[tree.Node]:
    """Text as constants, holes as their expressions."""
    scanner = Scanner(value, names)
    parts: list[tree.Node] = []
    position = 0
    while (opened := value.find("{{", position)) >= 0:
        if opened > position:
            parts.append(tree.Constant(position, value[position:opened]))
        scanner.position = opened + 2
        scanner.refuse_unclosed(opened)
        node = parse_at(scanner)
        if scanner.position - opened > LONGEST:
            scanner.fail("too-long", f"the hole is longer than {LONGEST:,} characters", opened)
        if not value.startswith("}}", scanner.skip_blank()):
            scanner.unexpected(None if scanner.position < len(value) else "the hole is not closed")
        parts.append(node)
        position = scanner.position + 2
    if position < len(value):
        parts.append(tree.Constant(position, value[position:]))
    return parts


def _secret(part: tree.Node, names: Mapping[str, Name]) -> SecretName | None:
    name = names[part.name] if isinstance(part, tree.Reference) else None
    return name if isinstance(name, SecretName) else None


def _with_secrets(value: str, parts: list[tree.Node], names: Mapping[str, Name]) -> Expression:
    """``secret("token")``, or ``secret_text("Bearer ", secret("token"))`` with text around it."""
    written: list[str] = []
    secrets: set[str] = set()
    references: set[str] = set()
    for part in parts:
        secret = _secret(part, names)
        if secret is not None:
            secrets.add(secret.name)
            written.append(f"secret({literal(secret.name).code})")
            continue
        text = compiled(tree.Template(part.at, (part,)), names, value)
        references |= text.references
        written.append(text.python)
    python = written[0] if len(written) == 1 else f"secret_text({', '.join(written)})"
    root = parts[0] if len(parts) == 1 else tree.Template(0, tuple(parts))
    return Expression(value, python, UNKNOWN, frozenset(references), root, frozenset(secrets))
