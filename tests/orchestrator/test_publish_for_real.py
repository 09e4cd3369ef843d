"""Publishing on a real Prefect, into a real git repository: whole or not at all, and by review."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.api_client import ApiProblem
from cli.demo import running
from cli.inbox import Inbox
from tests.orchestrator.installed import Installed
from tests.orchestrator.test_publish import head, make_repository, nightly, run_git

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@contextmanager
def installed_with_git(folder: Path, **environment: str) -> Iterator[tuple[Installed, Path]]:
    generated = folder / "flows"
    if not generated.exists():
        make_repository(generated)
    with (
        Inbox() as inbox,
        running(folder, inbox, DATAROLL_GENERATED=str(generated), **environment) as installation,
    ):
        yield Installed(installation), generated


def create(installed: Installed, content: str) -> str:
    made = installed.api.post(
        "/api/workflows",
        {"name": "Nightly", "definition": {"content": content, "format": "yaml"}},
    )
    return str(made["id"])


def edit(installed: Installed, workflow_id: str, content: str) -> None:
    installed.api.patch(
        f"/api/workflows/{workflow_id}", {"definition": {"content": content, "format": "yaml"}}
    )


def deployed(installed: Installed) -> dict[str, tuple[str, list[str], str]]:
    """What Prefect says of every deployment: version, times and entrypoint."""
    found = installed.prefect.post("deployments/filter", json={}).raise_for_status().json()
    return {
        each["name"]: (
            each["version"],
            [s["schedule"]["cron"] for s in each["schedules"] if s["active"]],
            each["entrypoint"],
        )
        for each in found
    }


def everything(installed: Installed, generated: Path, workflow_id: str) -> dict[str, Any]:
    return {
        "prefect": deployed(installed),
        "workflow": installed.api.get(f"/api/workflows/{workflow_id}"),
        "versions": installed.api.get(f"/api/workflows/{workflow_id}/versions"),
        "triggers": installed.api.get(f"/api/workflows/{workflow_id}/triggers"),
        "git": head(generated),
        "files": {
            str(path.relative_to(generated)): path.read_text()
            for path in sorted(generated.rglob("*"))
            if path.is_file() and ".git" not in path.parts
        },
    }


@contextmanager
def in_the_way(path: Path) -> Iterator[None]:
    """A folder where a file is to be written."""
    aside = path.with_name("aside")
    if path.exists():
        path.rename(aside)
    path.mkdir(parents=True)
    try:
        yield
    finally:
        shutil.rmtree(path)
        if aside.exists():
            aside.rename(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    path.touch()
    try:
        yield
    finally:
        path.unlink()


STEPS: dict[str, Callable[[Path], Any]] = {
    "the version's file": lambda flows: in_the_way(flows / "versions/nightly/v2/nightly.py"),
    "the flow's readable copy": lambda flows: in_the_way(flows / "nightly.py"),
    "the definition's readable copy": lambda flows: in_the_way(flows / "definitions/nightly.yaml"),
    "prefect.yaml": lambda flows: in_the_way(flows / "prefect.yaml"),
    "the commit": lambda flows: locked(flows / ".git/refs/heads/main.lock"),
}


def test_a_step_that_fails_leaves_prefect_git_files_and_tables_as_they_were(tmp_path: Path) -> None:
    with installed_with_git(tmp_path) as (installed, flows):
        workflow_id = create(installed, nightly(2))
        installed.api.post(f"/api/workflows/{workflow_id}/publish", {"changelog": "First"})
        edit(installed, workflow_id, nightly(3))
        before = everything(installed, flows, workflow_id)
        assert before["prefect"] == {"nightly-v1": ("1", ["0 2 * * *"], "nightly.py:nightly")}
        for step, failing in STEPS.items():
            with failing(flows), pytest.raises(ApiProblem) as refused:
                installed.api.post(f"/api/workflows/{workflow_id}/publish", {})
            assert refused.value.status in (500, 503), step
            shutil.rmtree(flows / "versions/nightly/v2", ignore_errors=True)
            assert everything(installed, flows, workflow_id) == before, step

        installed.api.post(f"/api/workflows/{workflow_id}/publish", {"changelog": "Second"})
        assert {name: crons for name, (_, crons, _) in deployed(installed).items()} == {
            "nightly-v1": [],
            "nightly-v2": ["0 3 * * *"],
        }
        compared = installed.api.get(f"/api/workflows/{workflow_id}/versions/1/compare", to=2)
        assert 'cron: "0 3 * * *"' in str(compared["text"])
        assert "0 3 * * *" in str(compared["python"]) or "cron" in str(compared["semantic"])
        installed.api.post(f"/api/workflows/{workflow_id}/versions/1/publish", {})
        assert {name: crons for name, (_, crons, _) in deployed(installed).items()} == {
            "nightly-v1": ["0 2 * * *"],
            "nightly-v2": [],
        }
        listed = yaml.safe_load(run_git(flows, "show", "HEAD:prefect.yaml"))["deployments"]
        assert [each["schedules"][0]["cron"] for each in listed] == ["0 2 * * *"]
        installed.api.post(f"/api/workflows/{workflow_id}/unpublish", {})
        assert not any(crons for _, crons, _ in deployed(installed).values())
        assert run_git(flows, "status", "--porcelain") == ""


def test_in_review_mode_the_server_notices_the_merge_by_itself(tmp_path: Path) -> None:
    remote, flows = tmp_path / "remote.git", tmp_path / "flows"
    run_git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", str(remote))
    make_repository(flows)
    run_git(flows, "remote", "add", "origin", str(remote))
    run_git(flows, "push", "--quiet", "origin", "main")
    with installed_with_git(tmp_path, DATAROLL_REVIEW_BRANCHES="1") as (installed, _):
        workflow_id = create(installed, nightly(2))
        with pytest.raises(ApiProblem) as refused:
            installed.api.post(f"/api/workflows/{workflow_id}/publish", {"changelog": "Look"})
        assert refused.value.body["type"] == "urn:dataroll:awaiting-review"
        assert deployed(installed) == {}

        clone = tmp_path / "clone"
        run_git(tmp_path, "clone", "--quiet", str(remote), str(clone))
        # Main has gone on meanwhile; the colleague merges, and does not fast-forward.
        identity = ("-c", "user.name=Colleague", "-c", "user.email=colleague@example.test")
        (clone / "NEWS").write_text("news\n")
        run_git(clone, "add", "NEWS")
        run_git(clone, *identity, "commit", "--quiet", "-m", "News")
        run_git(clone, *identity, "merge", "--quiet", "--no-edit", "origin/dataroll/nightly/v1")
        run_git(clone, "push", "--quiet", "origin", "main")

        end = time.monotonic() + 90
        while not installed.api.get(f"/api/workflows/{workflow_id}")["isPublished"]:
            assert time.monotonic() < end, "the merge was not noticed"
            time.sleep(1)
        assert deployed(installed) == {"nightly-v1": ("1", ["0 2 * * *"], "nightly.py:nightly")}
        assert run_git(flows, "rev-parse", "main") == run_git(clone, "rev-parse", "main")
        assert run_git(flows, "status", "--porcelain") == ""
        assert installed.wait(installed.start(workflow_id))["status"] == "success"
