"""One typed function is one node type; this module reads everything off its signature.

The smallest node type::

    @step("action", "sleep_well", label="Sleep well")
    def sleep_well(*, hours: float = 8) -> SleepOutput:
        '''Wait until everybody is rested.'''

gives the configuration schema (from the parameters), the editor's form (from
the widgets in that schema), the output schema (from the return type), the
palette text (from the docstring) and the labels that edges may carry (from
``branches``).
"""

from __future__ import annotations

import builtins
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast, get_type_hints

from runtime_tasks.context import current
from runtime_tasks.errors import OutcomeUnknown
from runtime_tasks.output import camel_case
from runtime_tasks.steps.field_docs import split
from runtime_tasks.steps.inputs import fitting
from runtime_tasks.steps.marks import NeverNull, widget

if TYPE_CHECKING:
    from pydantic import BaseModel

Function = TypeVar("Function", bound=Callable[..., Any])

Effect = Literal["none", "reads", "writes"]

DISCRIMINATORS = {"trigger": "trigger", "action": "action", "notification": "provider"}
"""Node types that come in variants, with the configuration key that names the variant."""


ConnectionId = Annotated[str, widget("connection")]
"""The id (or, outside dataroll, the name) of a database connection."""
Text = Annotated[str, widget("text")]
"""Several lines of text; holes are filled in."""
MessageTemplate = Annotated[str, widget("message-template")]
"""The name of a message template (``docs/notifications.md``)."""
Cron = Annotated[str, widget("cron")]
Timezone = Annotated[str, widget("timezone")]
Approvers = Annotated[list[str], widget("approvers")]
"""User ids, e-mail addresses or ``role:NAME``."""
Seconds = Annotated[float, widget("duration", minimum=0)]
Value = Annotated[Any, widget("expression")]
"""Any JSON value, usually a hole."""
Pending = Annotated[
    list[Any] | None,
    NeverNull("leave it out for all that are pending, or write ?? [] for none"),
    widget("expression"),
]
"""Migrations as a discovery gives them, or their ids; all that are pending where it is left out."""


@dataclass(frozen=True, eq=False)  # there is one of each kind, asked for all the time
class NodeType:
    """What the compiler, the server and the editor know about one kind of node."""

    type: str
    """trigger | action | condition | approval | notification | delay | error_handler"""
    variant: str
    """The action, provider or trigger kind; empty where the type has no variants."""
    label: str
    branches: tuple[str, ...]
    """The outcomes beside success and Failed, in the order the editor draws them.
    An unlabelled edge means the first one; empty means plain success."""
    can_fail: bool
    """Whether an edge labelled Failed may leave it."""
    starts: bool
    """Runs without an incoming edge and takes none (triggers, error handlers)."""
    effect: Effect
    """What it does to the world: nothing, reads, or writes."""
    idempotent: bool
    """Whether running it twice does no harm; retries on other nodes are a warning."""
    function: Callable[..., Any]

    @property
    def key(self) -> tuple[str, str]:
        return (self.type, self.variant)

    @property
    def name(self) -> str:
        """How generated code calls it: ``steps.<name>``."""
        return self.function.__name__

    @property
    def summary(self) -> str:
        """The first sentence of the docstring: the palette's text."""
        return inspect.getdoc(self.function).split("\n\n")[0].replace("\n", " ")  # type: ignore[union-attr]

    @property
    def description(self) -> str:
        """The docstring without what it says of the fields."""
        return split(inspect.getdoc(self.function) or "")[0]

    @property
    def field_docs(self) -> dict[str, str]:
        """What the docstring says of the fields, by their camelCase configuration keys."""
        return split(inspect.getdoc(self.function) or "")[1]

    @cached_property
    def config_model(self) -> builtins.type[BaseModel]:
        """The configuration as a pydantic model; keys are the parameters in camelCase."""
        from pydantic import ConfigDict, Field, create_model

        hints = get_type_hints(self.function, include_extras=True)
        said = self.field_docs
        fields: dict[str, Any] = {}
        for key, parameter in self.parameters.items():
            default = ... if parameter.default is parameter.empty else parameter.default
            about = Field(description=said.get(key))
            fields[parameter.name] = (Annotated[hints[parameter.name], about], default)
        model: builtins.type[BaseModel] = create_model(
            f"{self.name}_config",
            __config__=ConfigDict(
                alias_generator=camel_case,
                populate_by_name=True,
                extra="forbid",
                arbitrary_types_allowed=True,
            ),
            **fields,
        )
        return model

    @cached_property
    def config_schema(self) -> dict[str, Any]:
        """JSON Schema of the configuration, camelCase, with ``x-widget`` and ``x-secret`` keys."""
        return self.config_model.model_json_schema(by_alias=True)

    @cached_property
    def output_schema(self) -> dict[str, Any]:
        """JSON Schema of the output."""
        from pydantic import TypeAdapter

        returns = get_type_hints(self.function, include_extras=True).get("return", Any)
        return TypeAdapter(returns).json_schema(by_alias=True, mode="serialization")

    @cached_property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Parameters by their camelCase configuration key."""
        return {camel_case(p.name): p for p in inspect.signature(self.function).parameters.values()}


CATALOGUE: dict[tuple[str, str], NodeType] = {}
"""Every node type by (type, variant); filled by importing :mod:`runtime_tasks.steps`."""


def step(
    type: str,  # noqa: A002 - the user's word
    variant: str = "",
    *,
    label: str,
    branches: tuple[str, ...] = (),
    can_fail: bool = True,
    starts: bool = False,
    effect: Effect = "none",
    idempotent: bool = True,
    resumable: bool = False,
) -> Callable[[Function], Function]:
    """Register the decorated function as a node type; each call leaves its input in the context.

    A step that is neither ``idempotent`` nor ``resumable`` (able to find out by
    itself how far it got) is never run again after its process died at work.
    """

    def register(undecorated: Function) -> Function:
        signature = inspect.signature(undecorated)
        # Asked when the step is called: a module may name its types further down.
        hints = functools.cache(lambda: get_type_hints(undecorated, include_extras=True))
        defaults = {
            name: parameter.default
            for name, parameter in signature.parameters.items()
            if parameter.default is not parameter.empty
        }

        @functools.wraps(undecorated)
        def function(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs).arguments
            context = current()
            context.record_input({camel_case(name): value for name, value in given.items()})
            if context.resumed and not (idempotent or resumable):
                raise OutcomeUnknown(
                    f"the process died while {context.node_id} was at work, and it cannot be told"
                    " how far it got; check what it did, then start a new run"
                )
            return undecorated(**fitting(hints(), defaults, given))

        node_type = NodeType(
            type=type,
            variant=variant,
            label=label,
            branches=branches,
            can_fail=can_fail,
            starts=starts,
            effect=effect,
            idempotent=idempotent,
            function=function,
        )
        if node_type.key in CATALOGUE:
            raise ValueError(f"two functions claim the node type {node_type.key}")
        CATALOGUE[node_type.key] = node_type
        return cast(Function, function)

    return register
