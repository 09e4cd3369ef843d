"""What each construct of the format becomes: ``workflow.yaml`` beside the expected ``flow.py``.

The templates' expected flows are the ones that are committed under ``generated/``; nothing is
kept twice. ``pytest tests/golden --update-golden`` writes all of them anew; read the diff.
"""

from __future__ import annotations

import types
from pathlib import Path

import black
import pytest
from black.mode import TargetVersion

from compiler import compile_workflow
from compiler.fields import fields_of
from compiler.workflow import check_workflow
from runtime_tasks.steps import CATALOGUE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODE = black.Mode(target_versions={TargetVersion.PY311})
GOLDEN = {path: path.parent / "flow.py" for path in sorted(HERE.glob("*/workflow.yaml"))}
TEMPLATES = sorted((ROOT / "templates/workflows").glob("*.*"))


def expected(definition: Path) -> Path:
    if definition in GOLDEN:
        return GOLDEN[definition]
    return (
        ROOT / "generated" / compile_workflow(definition.read_bytes(), format_of(definition)).filename  # type: ignore[arg-type]
    )


def format_of(definition: Path) -> str:
    return definition.suffix.removeprefix(".")


@pytest.mark.parametrize(
    "definition", [*GOLDEN, *TEMPLATES], ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_flow_is_the_expected_one(definition: Path, request: pytest.FixtureRequest) -> None:
    flow = compile_workflow(definition.read_bytes(), format_of(definition))  # type: ignore[arg-type]
    golden = expected(definition)
    if request.config.getoption("--update-golden"):
        golden.write_text(flow.source)
    assert flow.source == golden.read_text()
    assert black.format_str(flow.source, mode=MODE) == flow.source


@pytest.mark.parametrize("definition", GOLDEN, ids=lambda path: path.parent.name)
def test_the_expected_flow_imports_under_prefect(definition: Path) -> None:
    from prefect import Flow, Task

    flow = compile_workflow(definition.read_bytes(), "yaml")
    module = types.ModuleType(flow.entrypoint)
    exec(compile(GOLDEN[definition].read_text(), flow.filename, "exec"), module.__dict__)
    assert isinstance(getattr(module, flow.entrypoint), Flow)
    assert all(isinstance(getattr(module, node.python), Task) for node in flow.nodes)


def test_every_node_type_is_shown_with_most_of_its_keys() -> None:
    used: dict[tuple[str, str], set[str]] = {}
    common: set[str] = set()
    for definition in (*GOLDEN, *TEMPLATES):
        checked = check_workflow(definition.read_bytes(), format_of(definition))  # type: ignore[arg-type]
        assert checked.definition
        for node in checked.definition.nodes:
            used.setdefault((node.type, node.variant), set()).update(node.config)
            common.update(node.keys)
    assert set(used) == set(CATALOGUE)
    missing = {
        f"{' '.join(key).strip()}.{name}"
        for key, step in CATALOGUE.items()
        for name in fields_of(step)
        if name not in used[key]
    }
    keys = sum(len(fields_of(step)) for step in CATALOGUE.values())
    assert len(missing) < keys / 3, f"show more of {sorted(missing)}"
    assert common >= {
        *("retryable", "maxRetries", "retryDelay", "retryBackoff", "timeout"),
        *("continueOnError", "disabled", "notes", "noRollback", "label", "description"),
    }
