"""The same text gives the same file, whatever the process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from compiler.literals import visible
from compiler.names import python_name

WORKFLOWS = sorted((Path(__file__).parents[2] / "templates/workflows").glob("*.yaml"))

PROGRAM = """
import hashlib, sys
from pathlib import Path
from compiler import compile_workflow
for path in sys.argv[1:]:
    flow = compile_workflow(Path(path).read_bytes(), "yaml")
    print(hashlib.sha256(flow.source.encode()).hexdigest(), flow.digest)
"""


def test_the_hash_seed_changes_nothing() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, *map(str, WORKFLOWS)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(outputs) == 1
    assert hashlib.sha256(outputs.pop().encode()).hexdigest()


def test_every_python_escapes_the_same_characters() -> None:
    """The number was the same under 3.11, 3.12 and 3.13, whose tables of Unicode differ."""
    seen = "".join("1" if visible(chr(number)) else "0" for number in range(0x110000))
    assert hashlib.sha256(seen.encode()).hexdigest()[:16] == "236acf198bc92a43"
    assert not visible("\U0001fae8"), "an emoji of Unicode 15, which 3.11 does not know"


def test_a_name_that_only_newer_pythons_have_built_in_is_taken_everywhere() -> None:
    assert python_name("PythonFinalizationError") == "PythonFinalizationError_"
