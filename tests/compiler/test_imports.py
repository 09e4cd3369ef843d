"""Every generated file is a module that Prefect takes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from prefect import Flow, Task

from compiler import compile_workflow
from tests.compiler.test_hostile import NASTY, compiled, inert, template

WORKFLOWS = sorted((Path(__file__).parents[2] / "templates/workflows").glob("*.yaml"))


def loaded(
    source: str, entrypoint: str, folder: Path
) -> tuple[Flow[..., object], list[Task[..., object]]]:
    path = folder / f"{entrypoint}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"flow_{entrypoint}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tasks = [value for value in vars(module).values() if isinstance(value, Task)]
    return getattr(module, entrypoint), tasks


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_template_is_a_flow_with_one_task_a_node(path: Path, tmp_path: Path) -> None:
    flow = compile_workflow(path.read_bytes(), "yaml", version=7)
    found, tasks = loaded(flow.source, flow.entrypoint, tmp_path)
    assert isinstance(found, Flow)
    assert (found.name, found.version) == (flow.flow_name, "7")
    assert {task.task_run_name for task in tasks} == {node.id for node in flow.nodes}
    assert list(flow.parameters_schema["properties"]) == list(found.parameters.properties)
    assert flow.parameters_schema["required"] == list(found.parameters.required)


def test_nasty_texts_reach_prefect_as_they_are(tmp_path: Path) -> None:
    for text in NASTY:
        flow = compiled(template(inert(text)))
        found, tasks = loaded(flow.source, flow.entrypoint, tmp_path)
        assert found.description == (inert(text) or "-")
        if text:
            assert [task.name for task in tasks if task.task_run_name == "say"] == [inert(text)]
