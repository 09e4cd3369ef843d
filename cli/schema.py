"""``dataroll schema``: the definition format as JSON Schema."""

from __future__ import annotations

import json

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of definitions, for editors."""
    from compiler.schema import definition_schema

    click.echo(json.dumps(definition_schema(), indent=2, ensure_ascii=False))
