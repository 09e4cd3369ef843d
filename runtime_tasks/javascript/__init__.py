"""What JavaScript's operators and methods mean, for values whose type only the run knows.

Generated flows import this as ``js`` where an expression reads a webhook's body,
an HTTP response or anything else without a schema::

    js.get(trigger, "body", "commits", 0, "id")
    js.order(js.get(response, "status"), ">=", 400)

Values are what JSON gives (``None``, booleans, numbers, text, lists, dicts), the
outputs of steps, and :data:`undefined`. A value that an operator cannot work with
raises :class:`~runtime_tasks.errors.ExpressionFailed`, where JavaScript throws.
"""

from runtime_tasks.javascript.access import chain, get, length, maybe, value
from runtime_tasks.javascript.arithmetic import (
    add,
    ceil,
    divide,
    floor,
    maximum,
    minimum,
    multiply,
    negate,
    power,
    remainder,
    round,  # noqa: A004 - JavaScript's, called as js.round
    subtract,
)
from runtime_tasks.javascript.comparison import loosely_equal, order, same
from runtime_tasks.javascript.lists import every, filter, find, includes, join, map, some  # noqa: A004
from runtime_tasks.javascript.logic import both, default, either, truthy
from runtime_tasks.javascript.numbers import plus
from runtime_tasks.javascript.strings import (
    ends_with,
    lower,
    slice,  # noqa: A004 - JavaScript's, called as js.slice
    split,
    starts_with,
    trim,
    upper,
)
from runtime_tasks.javascript.texts import text
from runtime_tasks.javascript.values import plain, undefined

__all__ = [
    "add",
    "both",
    "ceil",
    "chain",
    "default",
    "divide",
    "either",
    "ends_with",
    "every",
    "filter",
    "find",
    "floor",
    "get",
    "includes",
    "join",
    "length",
    "loosely_equal",
    "lower",
    "map",
    "maximum",
    "maybe",
    "minimum",
    "multiply",
    "negate",
    "order",
    "plain",
    "plus",
    "power",
    "remainder",
    "round",
    "same",
    "slice",
    "some",
    "split",
    "starts_with",
    "subtract",
    "text",
    "trim",
    "truthy",
    "undefined",
    "upper",
    "value",
]
