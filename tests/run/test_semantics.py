"""Compiled workflows, run by real Prefect: which nodes run, and how the run ends.

``run_sql`` is replaced by a step that does what its text says, so that a
workflow of ten lines can fail, wait or count.
"""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.artifacts import Artifact
from prefect.client.orchestration import PrefectClient

from compiler import compile_workflow
from runtime_tasks import run as run_module
from runtime_tasks import steps
from runtime_tasks.context import current
from runtime_tasks.errors import StepError
from runtime_tasks.run import patience
from runtime_tasks.steps.migrations import RunSqlOutput

HEADER = "version: '1.0'\nname: Test\ntrigger: manual\n"


@dataclass
class Ran:
    """What a run left behind."""

    state: str
    message: str
    nodes: dict[str, dict[str, Any]]
    calls: list[str]

    @property
    def statuses(self) -> dict[str, str]:
        return {node: record["status"] for node, record in self.nodes.items()}


@dataclass
class Stage:
    folder: Path
    calls: list[str] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)

    def run_sql(self, *, connection_id: str, sql: str, **_: Any) -> RunSqlOutput:
        """``ok NAME``, ``fail NAME``, ``sleep NAME SECONDS``, ``until NAME``, ``flaky NAME TIMES``."""
        self.calls.append(str(sql))
        match str(sql).split():
            case ["fail", name]:
                raise StepError(f"{name} went wrong")
            case ["sleep", _, seconds]:
                current().sleep(float(seconds))
            case ["until", name]:
                end = time.monotonic() + 60
                while f"ok {name}" not in self.calls:
                    if time.monotonic() > end:
                        raise StepError(f"{name} never ran")
                    current().sleep(0.05)
            case ["flaky", name, times]:
                self.left.setdefault(name, int(times))
                self.left[name] -= 1
                if self.left[name] >= 0:
                    raise StepError(f"{name} went wrong")
        return RunSqlOutput(connection_id=connection_id, rows=len(sql))

    async def run(
        self, body: str, journal_so_far: dict[str, dict[str, Any]] | None = None, **parameters: Any
    ) -> Ran:
        from prefect.client.orchestration import get_client

        from runtime_tasks.run import journal

        async def remembered(*_: object) -> dict[str, dict[str, Any]]:
            return journal_so_far or {}

        compiled = compile_workflow(HEADER + body, "yaml")
        path = self.folder / compiled.filename
        path.write_text(compiled.source)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        with pytest.MonkeyPatch.context() as patch:
            if journal_so_far:
                patch.setattr(journal, "read", remembered)
            state = await getattr(module, compiled.entrypoint)(**parameters, return_state=True)
        async with get_client() as client:
            nodes = await journal.read(client, state.state_details.flow_run_id, None)
        return Ran(state.name, state.message or "", nodes, self.calls)


@pytest.fixture
def stage(tmp_path: Path, prefect: str, monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage(tmp_path)
    monkeypatch.setattr(steps, "run_sql", stage.run_sql)
    return stage


def sql(node: str, text: str, **more: Any) -> str:
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    return f"  {node}: {{type: action, label: {node}, action: run_sql, connectionId: db, sql: {text}{extra}}}\n"


def edges(*pairs: str) -> str:
    """``a>b`` or ``a>b Failed``."""
    lines = []
    for pair in pairs:
        ends, _, label = pair.partition(" ")
        source, _, target = ends.partition(">")
        lines.append(
            f"  - {{source: {source}, target: {target}{f', label: {label}' if label else ''}}}"
        )
    return "edges:\n" + "\n".join(lines)


async def test_a_node_after_a_failed_one_is_skipped_and_the_run_fails(stage: Stage) -> None:
    ran = await stage.run("nodes:\n" + sql("a", "fail a") + sql("b", "ok b") + edges("a>b"))
    assert ran.statuses == {"a": "failed", "b": "skipped"}
    assert ran.state == "Failed"
    assert "a went wrong" in ran.message
    assert ran.nodes["b"]["reason"] == "a failed"


async def test_a_failed_edge_runs_its_target_and_the_run_is_still_a_failed_one(
    stage: Stage,
) -> None:
    ran = await stage.run(
        "nodes:\n"
        + sql("a", "fail a")
        + sql("b", "ok b")
        + sql("undo", "ok undo")
        + edges("a>b", "a>undo Failed")
    )
    assert ran.statuses == {"a": "failed", "b": "skipped", "undo": "success"}
    assert ran.state == "Failed"


async def test_a_merge_after_a_handled_failure_runs(stage: Stage) -> None:
    ran = await stage.run(
        "nodes:\n"
        + sql("a", "fail a")
        + sql("b", "ok b")
        + sql("undo", "ok undo")
        + sql("end", "ok end")
        + edges("a>b", "a>undo Failed", "b>end", "undo>end")
    )
    assert ran.statuses["end"] == "success"


async def test_a_join_after_an_unhandled_failure_does_not_run(stage: Stage) -> None:
    ran = await stage.run(
        "nodes:\n"
        + sql("a", "fail a")
        + sql("b", "ok b")
        + sql("c", "ok c")
        + sql("end", "ok end")
        + edges("a>c", "b>end", "c>end")
    )
    assert ran.statuses == {"a": "failed", "b": "success", "c": "skipped", "end": "skipped"}


async def test_continue_on_error_goes_on_and_the_run_still_fails(stage: Stage) -> None:
    ran = await stage.run(
        "nodes:\n" + sql("a", "fail a", continueOnError="true") + sql("b", "ok b") + edges("a>b")
    )
    assert ran.statuses == {"a": "failed", "b": "success"}
    assert ran.state == "Failed"


async def test_a_condition_goes_one_way_and_says_why_the_other_was_skipped(stage: Stage) -> None:
    ran = await stage.run(
        "variables:\n  n: {type: number, default: 3}\nnodes:\n"
        "  big: {type: condition, label: Big?, condition: '{{ n > 5 }}'}\n"
        "  even: {type: condition, label: Four?, condition: '{{ n }}', operator: '==', value: 4}\n"
        + sql("yes-1", "ok yes")
        + sql("no-1", "ok no")
        + sql("four", "ok four")
        + edges("big>yes-1 'Yes'", "big>no-1 'No'", "even>four 'Yes'")
    )
    assert ran.statuses == {
        "big": "success",
        "yes-1": "skipped",
        "no-1": "success",
        "even": "success",
        "four": "skipped",
    }
    assert ran.nodes["four"]["reason"] == (
        "even took No, not Yes (its value was 3, compared with 4)"
    )
    assert ran.nodes["yes-1"]["reason"] == "big took No, not Yes (its value was False)"
    assert ran.state == "Completed"


async def test_independent_branches_do_not_wait_for_each_other(stage: Stage) -> None:
    ran = await stage.run(
        "nodes:\n"
        + sql("slow", "until after-quick")
        + sql("after-slow", "ok after-slow")
        + sql("quick", "ok quick")
        + sql("after-quick", "ok after-quick")
        + edges("slow>after-slow", "quick>after-quick")
    )
    assert set(ran.statuses.values()) == {"success"}, ran.nodes["slow"]
    assert ran.calls.index("ok after-quick") < ran.calls.index("ok after-slow")


async def test_a_node_is_retried_and_the_retries_are_counted(stage: Stage) -> None:
    ran = await stage.run(
        "nodes:\n"
        + sql("a", "flaky a 2", retryable="true", maxRetries=3, retryDelay=1, retryBackoff="linear")
    )
    assert ran.statuses == {"a": "success"}
    assert ran.nodes["a"]["retryCount"] == 2
    assert ran.calls == ["flaky a 2"] * 3


async def test_a_node_that_takes_too_long_fails(stage: Stage) -> None:
    ran = await stage.run("nodes:\n" + sql("a", "sleep a 20", timeout=1))
    assert ran.statuses == {"a": "failed"}
    assert ran.nodes["a"]["duration"] < 15_000


async def test_a_disabled_node_is_skipped_and_what_follows_runs(stage: Stage) -> None:
    ran = await stage.run(
        "nodes:\n" + sql("a", "ok a", disabled="true") + sql("b", "ok b") + edges("a>b")
    )
    assert ran.statuses == {"a": "skipped", "b": "success"}
    assert ran.nodes["a"]["reason"] == "it is disabled"
    assert ran.calls == ["ok b"]


async def test_an_error_handler_runs_when_any_node_fails_and_knows_which(stage: Stage) -> None:
    ran = await stage.run(
        "nodes:\n"
        + sql("a", "fail a")
        + "  handler: {type: error_handler, label: Handler}\n"
        + sql("tell", "'{{ handler.output.node }}'")
        + edges("handler>tell")
    )
    assert ran.statuses == {"a": "failed", "handler": "success", "tell": "success"}
    assert ran.calls[-1] == "a"
    assert ran.state == "Failed"


async def test_an_error_handler_is_skipped_when_nothing_fails(stage: Stage) -> None:
    ran = await stage.run(
        "nodes:\n"
        + sql("a", "ok a")
        + "  handler: {type: error_handler, label: Handler}\n"
        + sql("tell", "ok tell")
        + edges("handler>tell")
    )
    assert ran.statuses == {"a": "success", "handler": "skipped", "tell": "skipped"}
    assert ran.nodes["handler"]["reason"] == "nothing failed"
    assert ran.state == "Completed"


async def test_a_value_goes_from_one_node_to_the_next(stage: Stage) -> None:
    ran = await stage.run(
        "nodes:\n"
        + sql("a", "ok a")
        + sql("b", "'{{ a.output.rows }} rows by {{ currentUser.name }}'")
        + edges("a>b"),
        currentUser={"name": "Robin"},
    )
    assert ran.calls == ["ok a", "4 rows by Robin"]


async def test_a_flow_started_again_from_its_journal_repeats_no_node(stage: Stage) -> None:
    body = "nodes:\n" + sql("a", "ok a") + sql("b", "'n={{ a.output.rows }}'") + edges("a>b")
    first = await stage.run(body)
    stage.calls.clear()
    second = await stage.run(body, journal_so_far={"a": first.nodes["a"]})
    assert stage.calls == ["n=4"]
    assert second.state == "Completed"


async def test_a_prefect_that_is_away_between_nodes_delays_them_and_fails_none(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = {"node": 4, "journal": 3, "summary": 1}

    def absence(what: str) -> None:
        away[what] -= 1
        if away[what] >= 0:
            raise httpx.ConnectError("nobody listens")

    slots = PrefectClient.increment_concurrency_slots_with_lease
    keep, leave = PrefectClient.create_flow_run_input, Artifact.acreate

    async def increment(*given: Any, **more: Any) -> Any:
        absence("node")
        return await slots(*given, **more)

    async def create(*given: Any, **more: Any) -> None:
        absence("journal")
        await keep(*given, **more)

    async def acreate(*given: Any, **more: Any) -> Any:
        absence("summary")
        return await leave(*given, **more)

    monkeypatch.setattr(PrefectClient, "increment_concurrency_slots_with_lease", increment)
    monkeypatch.setattr(PrefectClient, "create_flow_run_input", create)
    monkeypatch.setattr(Artifact, "acreate", acreate)
    for module in (run_module, patience):
        monkeypatch.setattr(module, "PAUSE", 0.05)
    ran = await stage.run(
        "nodes:\n"
        + "  yes: {type: condition, label: Yes, condition: '{{ 1 > 0 }}'}\n"
        + sql("a", "ok a")
        + sql("b", "ok b")
        + edges("yes>a Yes", "yes>b No")
    )
    assert ran.calls == ["ok a"]
    assert ran.statuses == {"yes": "success", "a": "success", "b": "skipped"}
    assert ran.state == "Completed"
    assert all(left < 0 for left in away.values()), away


async def test_an_absence_that_a_node_meets_in_its_own_work_is_its_failure(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_sql(**given: Any) -> None:
        stage.calls.append(given["sql"])
        raise httpx.ConnectError("the target does not answer")

    monkeypatch.setattr(steps, "run_sql", run_sql)
    ran = await stage.run("nodes:\n" + sql("a", "ok a"))
    assert ran.calls == ["ok a"]
    assert ran.statuses == {"a": "failed"}


async def test_what_a_skipped_node_did_not_say_is_replaced(stage: Stage) -> None:
    ran = await stage.run(
        "nodes:\n"
        "  ask: {type: condition, label: Ask, condition: '{{ 1 > 2 }}'}\n"
        + sql("a", "ok a")
        + sql("end", "'{{ a?.output.rows ?? 7 }} {{ a.status }}'")
        + edges("ask>a", "ask>end No", "a>end")
    )
    assert ran.statuses == {"ask": "success", "a": "skipped", "end": "success"}
    assert ran.calls == ["7 skipped"]


async def test_every_failed_edge_of_a_node_is_taken(stage: Stage) -> None:
    ran = await stage.run(
        "nodes:\n"
        + sql("a", "fail a")
        + sql("undo", "ok undo")
        + sql("tell", "ok tell")
        + edges("a>undo Failed", "a>tell Failed")
    )
    assert ran.statuses == {"a": "failed", "undo": "success", "tell": "success"}
    assert ran.state == "Failed"


async def test_the_delays_between_tries_grow(stage: Stage) -> None:
    ran = await stage.run("nodes:\n" + sql("a", "flaky a 2", maxRetries=2, retryDelay=1))
    assert ran.statuses == {"a": "success"}
    assert ran.nodes["a"]["duration"] >= 3000  # one second, then two
