"""The same text gives the same file, whatever the process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

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
