"""What a step's docstring says of its fields: the form's hints, and an editor's hover.

The docstring of a step is its summary, then what else there is to know, then its fields, each by
its name in a definition::

    ``timeout``: after which the request has expired.
    ``notifyEmails``: people who are told of the request,
    and cannot vote.
"""

from __future__ import annotations

import re

_FIELD = re.compile(r"^``(\w+)``: (.*(?:\n(?!``\w+``: ).+)*)", re.MULTILINE)


def split(docstring: str) -> tuple[str, dict[str, str]]:
    """The text without its fields, and of each field its sentences, without backticks."""
    fields = {name: _plain(text) for name, text in _FIELD.findall(docstring)}
    return _FIELD.sub("", docstring).strip(), fields


def _plain(text: str) -> str:
    text = " ".join(text.split()).replace("``", "").removesuffix(".")
    return f"{text[:1].upper()}{text[1:]}."
