"""The expression language: text in, typed Python out.

::

    from compiler.expressions import NodeName, compile_expression
    from compiler.expressions.types import type_of_annotation

    names = {"discover-1": NodeName("discover-1", "discover_1", type_of_annotation(DiscoverOutput))}
    expression = compile_expression("discover-1.output.migrations.length > 0", names)
    expression.python      # len(discover_1.output.migrations) > 0
    expression.evaluate({"discover-1": {"output": {"migrations": []}}})      # False

It looks like JavaScript and means what JavaScript means; ``docs/language.md`` says what there is.
"""

from compiler.errors import ExpressionError
from compiler.expressions.expression import Expression, compile_expression
from compiler.expressions.names import Name, Names, NodeName, SecretName, ValueName
from compiler.expressions.templates import compile_template

__all__ = [
    "Expression",
    "ExpressionError",
    "Name",
    "Names",
    "NodeName",
    "SecretName",
    "ValueName",
    "compile_expression",
    "compile_template",
]
