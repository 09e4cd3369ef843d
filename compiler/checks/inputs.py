"""A schedule has nobody to ask for inputs."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.checks.subject import Subject, warning
from compiler.errors import Problem


def scheduled_input(subject: Subject) -> Iterator[Problem]:
    wanted = [
        variable.name
        for variable in subject.definition.variables
        if not variable.secret and variable.default is None
    ]
    if "connectionId" in subject.inputs_used:
        wanted.insert(0, "connectionId")
    for node in subject.graph.nodes:
        if node.type == "trigger" and node.variant == "scheduled" and wanted:
            yield warning(
                "scheduled-input",
                f"the schedule must be given a value for {', '.join(wanted)}",
                node,
                hint="give the variable a default, write the connection's id, "
                "or set the value with the schedule",
                path=(node.id,),
            )
