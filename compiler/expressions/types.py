"""What is known of a value before the run, as far as expressions care.

::

    type_of_annotation(DiscoverOutput)       # an object with migrations: a list of …
    type_of_schema({"type": "string"})       # text
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

SAFE: Final = 2**53


class Type:
    """Base of all types; ``str()`` is how messages call them. Those without fields are all alike."""

    def __str__(self) -> str:
        return "a value"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


class Unknown(Type):
    """Any JSON value or undefined: a webhook's body, an HTTP response."""


class Null(Type):
    def __str__(self) -> str:
        return "null"


class Undefined(Type):
    def __str__(self) -> str:
        return "undefined"


class Boolean(Type):
    def __str__(self) -> str:
        return "a boolean"


@dataclass(frozen=True)
class Number(Type):
    """A number. ``whole`` ones are Python ints within the bounds, which are safe integers."""

    low: float = -math.inf
    high: float = math.inf
    whole: bool = False

    def __str__(self) -> str:
        return "a number"


@dataclass(frozen=True)
class Text(Type):
    """Text. ``wild`` may hold half a character or have grown beyond what it was made of."""

    wild: bool = False

    def __str__(self) -> str:
        return "text"


@dataclass(frozen=True)
class List(Type):
    item: Type

    def __str__(self) -> str:
        return "a list"


@dataclass(frozen=True)
class Field:
    """A member: its Python attribute (None in a dict) and type."""

    attribute: str | None
    type: Type


@dataclass(frozen=True)
class Object(Type):
    """An object with known members: by attribute in step outputs, by key in dicts.

    ``open`` ones may have other members too.
    """

    fields: tuple[tuple[str, Field], ...]
    open: bool = False

    def __str__(self) -> str:
        return "an object"

    def field(self, name: str) -> Field | None:
        for key, field in self.fields:
            if key == name:
                return field
        return None


@dataclass(frozen=True)
class OneOf(Type):
    members: tuple[Type, ...]

    def __str__(self) -> str:
        return " or ".join(str(member) for member in self.members)


UNKNOWN: Final = Unknown()
NULL: Final = Null()
UNDEFINED: Final = Undefined()
BOOLEAN: Final = Boolean()
NUMBER: Final = Number()
INTEGER: Final = Number(-SAFE, SAFE, whole=True)
"""What steps put out as ``int``: nothing they count reaches 2**53."""
COUNT: Final = Number(0, 2**40, whole=True)
STRING: Final = Text()
WILD_STRING: Final = Text(wild=True)


def object_type(
    fields: Mapping[str, tuple[str | None, Type]] | Mapping[str, Type], *, more: bool = False
) -> Object:
    """An object; members are ``(attribute, type)``, or a type alone for a dict's key.

    With ``more`` it may have other members too.
    """
    made: list[tuple[str, Field]] = []
    for name, field in fields.items():
        made.append((name, Field(*field) if isinstance(field, tuple) else Field(None, field)))
    return Object(tuple(made), more)


def members_of(kind: Type) -> tuple[Type, ...]:
    return kind.members if isinstance(kind, OneOf) else (kind,)


def one_of(*kinds: Type) -> Type:
    """The type of a value that is one of these."""
    if len(kinds) == 1:
        return kinds[0]
    flat: list[Type] = []
    for kind in kinds:
        for member in members_of(kind):
            if isinstance(member, Unknown):
                return UNKNOWN
            if member not in flat:
                flat.append(member)
    numbers = [member for member in flat if isinstance(member, Number)]
    if len(numbers) > 1:
        wide = Number(
            min(number.low for number in numbers),
            max(number.high for number in numbers),
            all(number.whole for number in numbers),
        )
        flat = [member for member in flat if not isinstance(member, Number)] + [wide]
    if STRING in flat and WILD_STRING in flat:
        flat.remove(STRING)
    return flat[0] if len(flat) == 1 else OneOf(tuple(flat))


def something(kind: Type) -> Type:
    """The type without null and undefined."""
    if not isinstance(kind, OneOf):
        return kind
    rest = [member for member in kind.members if not isinstance(member, Null | Undefined)]
    return one_of(*rest) if rest else kind


def may_be(kind: Type, *kinds: type[Type]) -> bool:
    """Whether a value of this type can be one of these; an unknown one can be anything."""
    if not isinstance(kind, OneOf):
        return isinstance(kind, (*kinds, Unknown))
    return any(isinstance(member, (*kinds, Unknown)) for member in kind.members)


def may_be_nothing(kind: Type) -> bool:
    return may_be(kind, Null, Undefined)


def nothing_at_times(kind: Type) -> bool:
    """Whether null or undefined is known to be one of its values; an unknown type is not."""
    return any(isinstance(member, Null | Undefined) for member in members_of(kind))


def only(kind: Type, *kinds: type[Type]) -> bool:
    """Whether a value of this type is surely one of these."""
    if not isinstance(kind, OneOf):
        return isinstance(kind, kinds)
    return all(isinstance(member, kinds) for member in kind.members)


def unlike(left: Type, right: Type) -> bool:
    """Whether no value of one type can equal a value of the other, null and undefined apart."""
    if type(left) is type(right) and not isinstance(left, OneOf):
        return False
    ours, theirs = _categories(left), _categories(right)
    return bool(ours and theirs) and not ours & theirs


def _categories(kind: Type) -> set[str]:
    found: set[str] = set()
    for member in members_of(something(kind)):
        if isinstance(member, Unknown | Null | Undefined):
            return set()
        found.add(str(member))
    return found


def type_of_annotation(annotation: Any) -> Type:
    """The type of a step's output, or of anything annotated: models, list, dict, Literal, …."""
    return _of_annotation(annotation, ())


def _of_annotation(annotation: Any, inside: tuple[Any, ...]) -> Type:
    from runtime_tasks.javascript.values import attributes

    simple: dict[Any, Type] = {
        type(None): NULL, None: NULL, bool: BOOLEAN, int: INTEGER, float: NUMBER, str: STRING,
    }  # fmt: skip
    try:
        if annotation in simple:
            return simple[annotation]
    except TypeError:  # not hashable
        return UNKNOWN
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _of_annotation(arguments[0], inside)
    if origin in (Union, types.UnionType):
        return one_of(*(_of_annotation(argument, inside) for argument in arguments))
    if origin is Literal:
        return one_of(*(_of_annotation(type(value), inside) for value in arguments))
    if origin in (list, tuple):
        items = [argument for argument in arguments if argument is not ...]
        return List(one_of(*(_of_annotation(item, inside) for item in items)) if items else UNKNOWN)
    if annotation in (list, tuple):
        return List(UNKNOWN)
    if isinstance(annotation, type) and attributes(annotation) is not None:
        if annotation in inside:
            return UNKNOWN
        hints = get_type_hints(annotation, include_extras=True)
        around = (*inside, annotation)
        return Object(
            tuple(
                (name, Field(attribute, _of_annotation(hints[attribute], around)))
                for name, attribute in (attributes(annotation) or {}).items()
            )
        )
    return Object((), open=True) if annotation is dict or origin is dict else UNKNOWN


def type_of_schema(schema: Any) -> Type:
    """The type that a declared variable's JSON Schema promises."""
    return _of_schema(schema, 0)


def _of_schema(schema: Any, depth: int) -> Type:
    if not isinstance(schema, Mapping) or depth > 20:
        return UNKNOWN
    for union in ("anyOf", "oneOf"):
        if isinstance(schema.get(union), list) and schema[union]:
            return one_of(*(_of_schema(part, depth + 1) for part in schema[union]))
    kind = schema.get("type")
    if isinstance(kind, list) and kind:
        return one_of(*(_of_schema({**schema, "type": one}, depth + 1) for one in kind))
    if kind is None and isinstance(schema.get("enum"), list) and schema["enum"]:
        return one_of(*(_of_annotation(type(value), ()) for value in schema["enum"]))
    makers: dict[Any, Callable[[], Type]] = {
        "null": lambda: NULL,
        "boolean": lambda: BOOLEAN,
        "number": lambda: NUMBER,
        "integer": lambda: _integer(schema.get("minimum"), schema.get("maximum")),
        "string": lambda: STRING,
        "array": lambda: List(_of_schema(schema.get("items"), depth + 1)),
        "object": lambda: _object_of_schema(schema, depth),
    }
    return makers[kind]() if isinstance(kind, str) and kind in makers else UNKNOWN


def _integer(low: Any, high: Any) -> Type:
    if isinstance(low, int) and isinstance(high, int) and -SAFE <= low <= high <= SAFE:
        return Number(low, high, whole=True)
    return NUMBER  # may be too big for a double to hold exactly


def _object_of_schema(schema: Mapping[str, Any], depth: int) -> Type:
    properties = schema.get("properties")
    required = schema.get("required")
    fields: list[tuple[str, Field]] = []
    for name, part in properties.items() if isinstance(properties, Mapping) else ():
        kind = _of_schema(part, depth + 1)
        kind = kind if isinstance(required, list) and name in required else one_of(kind, UNDEFINED)
        fields.append((str(name), Field(None, kind)))
    return Object(tuple(fields), open=schema.get("additionalProperties") is not False)
