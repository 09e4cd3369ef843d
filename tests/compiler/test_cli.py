"""The commands that need no server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main

WISH = Path(__file__).parents[2] / "templates/workflows/safe_production_migration.yaml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.yaml"
    path.write_text(WISH.read_text().replace("discover-1.output", "discover-2.output"))
    return path


def test_check_says_place_and_way_out(wrong: Path) -> None:
    result = run("check", wrong)
    assert result.exit_code == 1
    assert (
        f"{wrong}:31:20  filter-1.condition  unknown-name: nothing here is called" in result.output
    )
    assert "did you mean discover-1?" in result.output


def test_check_gives_json_for_other_tools(wrong: Path) -> None:
    result = run("check", "--format", "json", wrong)
    first = json.loads(result.output)["problems"][0]
    assert first["severity"] == "warning" or first["line"] == 31
    assert {"file", "line", "column", "code", "message", "node", "field", "hint"} <= first.keys()


def test_check_passes_with_warnings_unless_strict() -> None:
    assert run("check", WISH).exit_code == 0
    assert run("check", "--strict", WISH).exit_code == 1


def test_compile_writes_and_checks(tmp_path: Path) -> None:
    out = tmp_path / "flows"
    assert run("compile", WISH, "--out", out, "--check").exit_code == 1
    assert not out.exists()
    assert run("compile", WISH, "--out", out).exit_code == 0
    assert run("compile", WISH, "--out", out, "--check").exit_code == 0
    (out / "safe_production_migration.py").write_text("stale")
    result = run("compile", WISH, "--out", out, "--check")
    assert result.exit_code == 1
    assert "stale" in result.output
    assert [path.name for path in out.iterdir()] == ["safe_production_migration.py"]


def test_compile_writes_nothing_for_a_wrong_definition(tmp_path: Path, wrong: Path) -> None:
    assert run("compile", wrong, "--out", tmp_path / "flows").exit_code == 1
    assert not (tmp_path / "flows").exists()


def test_two_workflows_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(WISH.read_text().replace("timeout: 3600", "timeout: 60"))
    result = run("compile", WISH, other, "--out", tmp_path / "flows")
    assert result.exit_code == 1
    assert "rename one" in result.output


@pytest.mark.parametrize("command", ["check", "compile", "explain", "simulate"])
def test_a_file_that_is_not_there_is_wrong_use(command: str, tmp_path: Path) -> None:
    assert run(command, tmp_path / "missing.yaml").exit_code == 2
    assert run(command, tmp_path / "file.txt").exit_code == 2
    assert run(command).exit_code == 2


def test_a_line_of_the_flow_leads_to_the_definition() -> None:
    flow = (WISH.parents[2] / "generated/safe_production_migration.py").read_text().splitlines()
    line = next(n for n, text in enumerate(flow, 1) if "steps.condition" in text)
    result = run("explain", "--line", line, WISH)
    assert result.exit_code == 0
    assert f"{WISH}:28  node filter-1" in result.output
    assert run("explain", "--line", "1", WISH).exit_code == 1


def test_every_command_works_on_the_example() -> None:
    assert "execute-1" in run("explain", WISH).output
    assert run("explain", "--mermaid", WISH).output.startswith("flowchart TD")
    assert "the run ends as failed" in run("simulate", WISH, "--outcome", "execute-1=Failed").output
    assert run("simulate", WISH, "--outcome", "execute-1=Perhaps").exit_code == 2
    assert run("simulate", WISH, "--outcome", "nobody=Failed").exit_code == 2
    assert "all goes well" in run("simulate", WISH, "--all").output
    assert json.loads(run("schema").output)["title"] == "dataroll workflow"
    assert json.loads(run("diff", WISH, WISH, "--format", "json").output)["risk"] == "none"
    assert "| risk |" in run("diff", WISH, WISH, "--format", "markdown").output


def test_the_compiler_loads_no_heavy_library() -> None:
    program = (
        "import sys; from compiler import compile_workflow; from pathlib import Path; "
        "compile_workflow(Path(sys.argv[1]).read_bytes(), 'yaml'); "
        "print([m for m in ('prefect', 'black', 'sqlalchemy', 'fastapi', 'httpx', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(WISH)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_example_of_the_documentation_compiles() -> None:
    from compiler import compile_workflow

    text = (WISH.parents[2] / "docs/definition.md").read_text()
    example = text.split("```yaml\n", 1)[1].split("```", 1)[0]
    assert compile_workflow(example, "yaml").schedules[0].cron == "0 2 * * *"
