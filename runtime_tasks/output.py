"""What a step hands on: a record with declared fields, in Python and as JSON.

::

    class SleepOutput(Output):
        hours_slept: float
        dreams: list[str] = []

    SleepOutput(hours_slept=8).as_json()             # {"hoursSlept": 8.0, "dreams": []}
    SleepOutput.of_json({"hoursSlept": 8})           # SleepOutput(hours_slept=8.0, dreams=[])

The compiler reads the declarations only, and is started for every file that somebody saves. So a
class becomes a dataclass with its first output, and pydantic, which makes the JSON, is loaded with
the first one that is written or read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from threading import RLock
from typing import Any, ClassVar, Self, dataclass_transform


def camel_case(name: str) -> str:
    """What a Python name is called in definitions, expressions and JSON.

    >>> camel_case("connection_id")
    'connectionId'
    """
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Output:
    """Base of every step's output: snake_case in Python, camelCase in expressions and JSON.

    A list or an object that stands as a field's default is made anew for each output.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "alias_generator": camel_case,
        "populate_by_name": True,
        "serialize_by_alias": True,
        "extra": "forbid",
    }

    def __new__(cls, **values: Any) -> Self:
        _make(cls)
        return super().__new__(cls)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        _make(cls)
        return handler(source)

    def as_json(self) -> dict[str, Any]:
        """The output as JSON has it, keys in camelCase."""
        kind: Any = type(self)  # mypy takes no frozen dataclass's class for hashable
        known: dict[str, Any] = _adapter(kind).dump_python(self, mode="json", by_alias=True)
        return known

    @classmethod
    def of_json(cls, value: Any) -> Self:
        """The output that ``as_json`` gave. Raises pydantic.ValidationError."""
        kind: Any = cls
        made: Self = _adapter(kind).validate_python(value)
        return made


def aliases(kind: type[Any]) -> dict[str, str]:
    """The attribute of each member, by what JSON calls it."""
    return {
        camel_case(name): name
        for base in reversed(kind.__mro__)
        if base is not Output
        for name in vars(base).get("__annotations__", ())
    }


def _make(kind: type[Any]) -> None:
    """Make the dataclass that a class and those before it declare, if it is not made yet."""
    if "__dataclass_fields__" in vars(kind):
        return
    with _one_at_a_time:
        for base in reversed(kind.__mro__):
            declares = issubclass(base, Output) and base is not Output
            if declares and "__dataclass_fields__" not in vars(base):
                for name in vars(base).get("__annotations__", ()):
                    default = vars(base).get(name)
                    if isinstance(default, list | dict):
                        setattr(base, name, field(default_factory=default.copy))
                dataclass(frozen=True, kw_only=True)(base)


_one_at_a_time = RLock()


@cache
def _adapter(kind: type[Any]) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
