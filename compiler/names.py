"""Names that generated code may use, made from what people wrote.

>>> python_name("discover-1")
'discover_1'
>>> python_name("class"), python_name("run"), python_name("len")
('class_', 'run_', 'len_')
>>> file_name("../../etc/passwd")
'etc_passwd'
>>> file_name("数据迁移").startswith("workflow_")
True
"""

from __future__ import annotations

import builtins
import hashlib
import keyword
import re
import unicodedata

ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}\Z")
VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}\Z")

IMPLICIT = ("connectionId", "currentUser", "trigger", "execution", "variables")
"""Inputs that every workflow has without declaring them."""

WORDS_OF_EXPRESSIONS = frozenset(
    ("true", "false", "null", "undefined", "NaN", "Infinity", "Math", "this")
)

USED_BY_GENERATED_CODE = frozenset(
    (
        *("run", "steps", "task", "flow", "secret", "secret_text", "javascript", "js"),
        *("WorkflowRun", "NO_CACHE", "WAIVED", "succeeded", "failed", "took", "any_failed"),
        *("response", "failure", "asyncio", "annotations", "prefect", "runtime_tasks"),
        *("wait_for", "return_state", "self", "cls", "_"),
        "PythonFinalizationError",  # built into 3.13; the file is the same under every Python
    )
)
"""Prefect itself keeps ``wait_for`` and ``return_state``, and leaves ``self`` and ``cls`` out."""

TAKEN = frozenset(
    (*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *USED_BY_GENERATED_CODE, *IMPLICIT)
)

MAX_FILE_NAME = 60


def python_name(name: str) -> str:
    """A valid identifier for an id that matches ``ID``; different only where it must be."""
    identifier = name.replace("-", "_")
    return identifier + "_" if identifier in TAKEN else identifier


def file_name(name: str) -> str:
    """What the flow function and its file are called: a-z, 0-9 and single underscores."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", ascii_name).strip("_")
    if not slug:
        return f"workflow_{_mark(name)}"
    if slug[0].isdigit():
        slug = f"workflow_{slug}"
    if len(slug) > MAX_FILE_NAME:
        slug = f"{slug[: MAX_FILE_NAME - 9].rstrip('_')}_{_mark(name)}"
    return slug + "_" if slug in TAKEN or slug in _DEVICES else slug


# Windows opens a device under these names, whatever the extension.
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)))
)


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]
