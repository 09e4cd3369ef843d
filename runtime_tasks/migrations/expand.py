"""``${NAME}`` in a migration, filled in from the environment, where its tool does that.

>>> expand("GRANT SELECT ON t TO ${READER:-app};", {}, "1.sql")
'GRANT SELECT ON t TO app;'

The forms are those of POSIX parameter expansion that goose knows: ``$NAME``,
``${NAME}``, ``${NAME:-default}``, ``${NAME-default}``, ``${NAME:?message}``,
``${NAME?message}``, ``${NAME:2}``, ``${NAME:2:3}``, and ``$$`` or ``\\$`` for a
dollar. goose writes nothing for a name that is not set; we say so instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from runtime_tasks.errors import StepConfigError

_HOLE = re.compile(
    r"\\\$|\$\$|\$(?P<bare>[A-Za-z_]\w*)"
    r"|\$\{(?P<name>[A-Za-z_]\w*)(?:(?P<how>:-|-|:\?|\?|:)(?P<rest>[^}]*))?\}"
)


def expand(text: str, variables: Mapping[str, str], file: str) -> str:
    """The text with its holes filled. Raises StepConfigError for a name that is not set."""

    def filled(hole: re.Match[str]) -> str:
        name = hole["bare"] or hole["name"]
        if name is None:
            return "$"
        value, how, rest = variables.get(name), hole["how"], hole["rest"] or ""
        if how in (":-", "-") and (value is None or (how == ":-" and not value)):
            return rest
        if value is None or (how == ":?" and not value):
            reason = f" ({rest})" if rest and how in ("?", ":?") else ""
            raise StepConfigError(
                f"{file} asks for the variable {name}{reason}, which is not set: set it on the "
                "worker, or under [environment] in a dataroll.toml beside the migrations"
            )
        if how == ":":
            start, _, length = rest.partition(":")
            value = value[int(start) :]
            return value[: int(length)] if length else value
        return value

    return _HOLE.sub(filled, text)
