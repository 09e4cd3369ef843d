"""Publishing with real files, a real compiler and an orchestrator in memory: all of it or nothing."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from server.orchestrator import files
from server.orchestrator.merges import MergeWatcher
from server.orchestrator.mirror import Mirror
from server.orchestrator.protocol import OrchestratorUnavailable, Schedule
from server.orchestrator.publish import PrefectPublisher
from server.orchestrator.repository import Repository
from server.workflows import publish as publishing
from tests.server.conftest import World, running

NIGHTLY = """\
version: "1.0"
name: Nightly
trigger: scheduled
nodes:
  at-night: {{type: trigger, label: At night, cron: "0 {hour} * * *"}}
  wait: {{type: delay, label: Wait, seconds: {seconds}}}
edges:
  - {{source: at-night, target: wait}}
"""


def nightly(hour: int = 2, seconds: int = 1) -> str:
    return NIGHTLY.format(hour=hour, seconds=seconds)


@dataclass
class Place:
    world: World
    publisher: PrefectPublisher
    generated: Path

    async def create(self, content: str, name: str = "Nightly") -> str:
        made = await self.world.admin.post(
            "/api/workflows", json={"name": name, "definition": {"content": content}}
        )
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def publish(self, workflow_id: str, **body: Any) -> httpx.Response:
        return await self.world.admin.post(f"/api/workflows/{workflow_id}/publish", json=body)

    async def edit(self, workflow_id: str, content: str) -> None:
        answer = await self.world.admin.patch(
            f"/api/workflows/{workflow_id}",
            json={"definition": {"content": content, "format": "yaml"}},
        )
        assert answer.status_code == 200, answer.text

    async def everything(self, workflow_id: str) -> dict[str, Any]:
        workflow = (await self.world.admin.get(f"/api/workflows/{workflow_id}")).json()
        versions = (await self.world.admin.get(f"/api/workflows/{workflow_id}/versions")).json()
        triggers = (await self.world.admin.get(f"/api/workflows/{workflow_id}/triggers")).json()
        return {
            "files": {
                str(path.relative_to(self.generated)): path.read_text()
                for path in sorted(self.generated.rglob("*"))
                if path.is_file() and ".git" not in path.parts
            },
            "deployments": dict(self.world.orchestrator.deployments),
            "workflow": workflow,
            "versions": versions,
            "triggers": triggers,
            "git": head(self.generated),
        }

    def schedules(self) -> dict[str, list[str]]:
        return {
            deployment.name: [schedule.cron for schedule in deployment.schedules]
            for deployment in self.world.orchestrator.deployments.values()
        }


def run_git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def head(folder: Path) -> str:
    try:
        return run_git(folder, "rev-parse", "HEAD") + run_git(folder, "status", "--porcelain")
    except subprocess.CalledProcessError:
        return ""


def make_repository(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    run_git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "README").write_text("flows\n")
    run_git(folder, "add", "README")
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.test")
    run_git(folder, *identity, "commit", "--quiet", "-m", "Begin")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    generated = tmp_path / "generated"
    make_repository(generated)
    async with running(tmp_path / "home") as world:
        repository = Repository.at(generated)
        assert repository is not None
        publisher = PrefectPublisher(world.database, world.orchestrator, generated, repository)
        world.app.state.publisher = publisher
        yield Place(world, publisher, generated)


async def test_publishing_writes_deploys_schedules_and_commits(place: Place) -> None:
    workflow_id = await place.create(nightly())
    answer = await place.publish(workflow_id, changelog="First version")
    assert answer.status_code == 200, answer.text
    assert place.schedules() == {"nightly-v1": ["0 2 * * *"]}
    flow = (place.generated / "nightly.py").read_text()
    assert flow == (place.generated / "versions/nightly/v1/nightly.py").read_text()
    assert (place.generated / "definitions/nightly.yaml").read_text() == nightly()
    log = run_git(place.generated, "log", "-1", "--format=%an|%ae|%s|%b")
    assert log.startswith("admin@localhost|admin@localhost|Publish Nightly v1|First version")
    assert "Digest: sha256:" in log
    assert run_git(place.generated, "status", "--porcelain") == ""
    assert run_git(place.generated, "show", "HEAD:nightly.py") == flow.rstrip("\n")


def fail_writing(nth: int) -> Callable[[Place, pytest.MonkeyPatch], None]:
    def inject(place: Place, patch: pytest.MonkeyPatch) -> None:
        real, calls = files.replace, [0]

        def replace(path: Path, text: str) -> None:
            calls[0] += 1
            if calls[0] == nth:
                raise OSError(28, "No space left on device")
            real(path, text)

        patch.setattr(files, "replace", replace)

    return inject


def fail_deploying(place: Place, patch: pytest.MonkeyPatch) -> None:
    async def deploy(_: object) -> str:
        raise OrchestratorUnavailable("Prefect does not answer")

    patch.setattr(place.world.orchestrator, "deploy", deploy)


def fail_scheduling(nth: int) -> Callable[[Place, pytest.MonkeyPatch], None]:
    def inject(place: Place, patch: pytest.MonkeyPatch) -> None:
        real, calls = place.world.orchestrator.set_schedules, [0]

        async def set_schedules(deployment_id: str, schedules: tuple[Schedule, ...]) -> None:
            calls[0] += 1
            if calls[0] == nth:
                raise OrchestratorUnavailable("Prefect does not answer")
            await real(deployment_id, schedules)

        patch.setattr(place.world.orchestrator, "set_schedules", set_schedules)

    return inject


def fail_committing(place: Place, patch: pytest.MonkeyPatch) -> None:
    lock = place.generated / ".git/refs/heads/main.lock"
    lock.touch()


def fail_our_tables(place: Place, patch: pytest.MonkeyPatch) -> None:
    async def write(*_: object) -> None:
        raise RuntimeError("the database is gone")

    patch.setattr(publishing, "_write", write)


FAILURES = {
    "the version's file": fail_writing(1),
    "the deployment": fail_deploying,
    "the flow's readable copy": fail_writing(2),
    "the definition's readable copy": fail_writing(3),
    "prefect.yaml": fail_writing(4),
    "the commit": fail_committing,
    "taking the old schedule away": fail_scheduling(1),
    "setting the new schedule": fail_scheduling(2),
    "our own tables": fail_our_tables,
}


@pytest.mark.parametrize(
    ("published_before", "step"),
    # A first version sets one schedule only: there is no second one that could fail.
    [(True, step) for step in FAILURES]
    + [(False, step) for step in FAILURES if step != "setting the new schedule"],
)
async def test_a_failure_at_any_step_leaves_everything_as_it_was(
    place: Place, published_before: bool, step: str
) -> None:
    workflow_id = await place.create(nightly(2))
    if published_before:
        assert (await place.publish(workflow_id)).status_code == 200
        await place.edit(workflow_id, nightly(3))
    before = await place.everything(workflow_id)
    with pytest.MonkeyPatch.context() as patch:
        FAILURES[step](place, patch)
        answer = await place.publish(workflow_id)
        assert answer.status_code in (500, 503), answer.text
        (place.generated / ".git/refs/heads/main.lock").unlink(missing_ok=True)
    assert await place.everything(workflow_id) == before
    # And it is no trap: the next try, of another text even, succeeds.
    await place.edit(workflow_id, nightly(4))
    assert (await place.publish(workflow_id)).status_code == 200
    live = [crons for crons in place.schedules().values() if crons]
    assert live == [["0 4 * * *"]]


async def test_prefect_yaml_lists_what_is_published_and_nothing_else(place: Place) -> None:
    def listed() -> dict[str, list[str]]:
        text = run_git(place.generated, "show", "HEAD:prefect.yaml") + "\n"
        assert text == (place.generated / "prefect.yaml").read_text()
        assert run_git(place.generated, "status", "--porcelain") == ""
        return {
            each["entrypoint"]: [schedule["cron"] for schedule in each["schedules"]]
            for each in yaml.safe_load(text)["deployments"]
        }

    one = await place.create(nightly(2), "One")
    two = await place.create(nightly(5), "Two")
    await place.publish(two)
    await place.publish(one)
    assert listed() == {"one.py:nightly": ["0 2 * * *"], "two.py:nightly": ["0 5 * * *"]}
    await place.edit(one, nightly(3))
    await place.publish(one)
    assert listed() == {"one.py:nightly": ["0 3 * * *"], "two.py:nightly": ["0 5 * * *"]}
    answer = await place.world.admin.post(f"/api/workflows/{two}/unpublish")
    assert answer.status_code == 200, answer.text
    assert listed() == {"one.py:nightly": ["0 3 * * *"]}
    assert run_git(place.generated, "log", "-1", "--format=%an|%s") == (
        "admin@localhost|Unpublish Two"
    )


async def test_a_prefect_yaml_that_somebody_wrote_is_left_alone(place: Place) -> None:
    own = "# ours\nname: us\ndeployments: []\n"
    (place.generated / "prefect.yaml").write_text(own)
    workflow_id = await place.create(nightly(2))
    assert (await place.publish(workflow_id)).status_code == 200
    assert (place.generated / "prefect.yaml").read_text() == own
    assert (await place.world.admin.post(f"/api/workflows/{workflow_id}/unpublish")).is_success


async def test_schedules_that_a_crash_left_wrong_are_put_right(place: Place) -> None:
    workflow_id = await place.create(nightly(2))
    await place.publish(workflow_id)
    await place.edit(workflow_id, nightly(3))
    await place.publish(workflow_id)
    orchestrator = place.world.orchestrator
    # Killed in the middle: the old version has its schedule again, the live one lost it.
    await orchestrator.set_schedules(
        "deployment-nightly-v1", (Schedule("at-night", "0 2 * * *", "UTC"),)
    )
    await orchestrator.set_schedules("deployment-nightly-v2", ())
    assert await place.publisher.aligner.align() == 2
    assert place.schedules() == {"nightly-v1": [], "nightly-v2": ["0 3 * * *"]}
    assert await place.publisher.aligner.align() == 0


PUSHED = """\
version: "1.0"
name: Pushed
trigger: webhook
nodes:
  push: {type: trigger, label: Push, trigger: webhook, scheme: github}
edges: []
"""


async def test_the_repository_carries_prefect_yaml_of_every_published_workflow(
    place: Place,
) -> None:
    nightly_id = await place.create(nightly())
    for workflow_id in (nightly_id, await place.create(PUSHED, "Pushed")):
        assert (await place.publish(workflow_id)).status_code == 200
    await place.edit(nightly_id, nightly(3))
    await place.publish(nightly_id)
    committed = run_git(place.generated, "show", "HEAD:prefect.yaml")
    assert committed == (place.generated / "prefect.yaml").read_text().strip()
    night, push = yaml.safe_load(committed)["deployments"]
    assert (night["name"], night["entrypoint"]) == ("nightly", "nightly.py:nightly")
    assert [schedule["cron"] for schedule in night["schedules"]] == ["0 3 * * *"]
    assert push["triggers"][0]["match"] == {"prefect.resource.id": "dataroll.workflow.pushed"}


async def test_events_start_the_live_version_until_it_is_withdrawn(place: Place) -> None:
    workflow_id = await place.create(PUSHED, "Pushed")
    for version in (1, 2):
        await place.publish(workflow_id)
        assert place.world.orchestrator.listened == {"pushed": f"deployment-pushed-v{version}"}
        await place.edit(workflow_id, PUSHED.replace("label: Push", f"label: Push {version}"))
    # A crash, or somebody in Prefect's own pages, has changed it.
    place.world.orchestrator.listened["pushed"] = "deployment-pushed-v1"
    assert await place.publisher.aligner.align() == 1
    assert place.world.orchestrator.listened == {"pushed": "deployment-pushed-v2"}
    withdrawn = await place.world.admin.patch(
        f"/api/workflows/{workflow_id}", json={"isPublished": False}
    )
    assert withdrawn.status_code == 200, withdrawn.text
    assert place.world.orchestrator.listened == {}
    assert await place.publisher.aligner.align() == 0


async def test_a_roll_back_brings_the_earlier_version_and_its_schedule_back(place: Place) -> None:
    workflow_id = await place.create(nightly(2))
    await place.publish(workflow_id)
    first = (place.generated / "nightly.py").read_text()
    await place.edit(workflow_id, nightly(3))
    await place.publish(workflow_id)
    assert (place.generated / "nightly.py").read_text() != first
    answer = await place.world.admin.post(f"/api/workflows/{workflow_id}/versions/1/publish")
    assert answer.status_code == 200, answer.text
    assert place.schedules() == {"nightly-v1": ["0 2 * * *"], "nightly-v2": []}
    assert (place.generated / "nightly.py").read_text() == first
    compared = await place.world.admin.get(f"/api/workflows/{workflow_id}/versions/1/compare?to=2")
    assert '-  at-night: {type: trigger, label: At night, cron: "0 2' in str(
        compared.json()["text"]
    )
    await place.world.admin.post(f"/api/workflows/{workflow_id}/unpublish")
    assert not any(place.schedules().values())


async def test_a_published_version_keeps_the_file_its_runs_are_pinned_to(place: Place) -> None:
    workflow_id = await place.create(nightly(2))
    await place.publish(workflow_id)
    pinned = place.generated / "versions/nightly/v1/nightly.py"
    pinned.write_text(pinned.read_text() + "\n# written by an older compiler\n")
    await place.edit(workflow_id, nightly(3))
    await place.publish(workflow_id)
    await place.world.admin.post(f"/api/workflows/{workflow_id}/versions/1/publish")
    assert "older compiler" in pinned.read_text()


async def test_two_workflows_of_the_same_name_do_not_share_a_file_or_a_deployment(
    place: Place,
) -> None:
    one = await place.create(nightly(2), "One")
    two = await place.create(nightly(5), "Two")
    await place.publish(one)
    await place.publish(two)
    assert place.schedules() == {"one-v1": ["0 2 * * *"], "two-v1": ["0 5 * * *"]}
    assert '"0 2 * * *"' in (place.generated / "one.py").read_text()


async def test_the_publisher_is_told_which_runs_are_in_flight(place: Place) -> None:
    workflow_id = await place.create(nightly(2))
    await place.publish(workflow_id)
    started = await place.world.admin.post(f"/api/workflows/{workflow_id}/execute", json={})
    await place.edit(workflow_id, nightly(3))
    answer = (await place.publish(workflow_id)).json()
    assert [(run["id"], run["version"]) for run in answer["inFlight"]] == [
        (started.json()["id"], 1)
    ]


async def test_in_review_mode_a_version_waits_on_its_branch_until_main_carries_it(
    place: Place, tmp_path: Path
) -> None:
    remote = tmp_path / "remote.git"
    run_git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", str(remote))
    run_git(place.generated, "remote", "add", "origin", str(remote))
    run_git(place.generated, "push", "--quiet", "origin", "main")
    repository = Repository.at(place.generated, review_mode=True)
    assert repository is not None
    publisher = PrefectPublisher(
        place.world.database, place.world.orchestrator, place.generated, repository
    )
    place.world.app.state.publisher = publisher
    workflow_id = await place.create(nightly(2))
    before = await place.everything(workflow_id)
    answer = await place.publish(workflow_id, changelog="Please look")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:dataroll:awaiting-review"
    assert answer.json()["branch"] == "dataroll/nightly/v1"
    assert await place.everything(workflow_id) == before
    watcher = MergeWatcher(place.world.database, publisher, repository)
    assert await watcher.look() == []

    # A colleague reviews and merges elsewhere.
    clone = tmp_path / "clone"
    run_git(tmp_path, "clone", "--quiet", str(remote), str(clone))
    assert "Please look" in run_git(clone, "log", "-1", "origin/dataroll/nightly/v1")
    run_git(clone, "merge", "--quiet", "--ff-only", "origin/dataroll/nightly/v1")
    run_git(clone, "push", "--quiet", "origin", "main")

    assert await watcher.look() == [workflow_id]
    assert place.schedules() == {"nightly-v1": ["0 2 * * *"]}
    workflow = (await place.world.admin.get(f"/api/workflows/{workflow_id}")).json()
    assert workflow["isPublished"] is True
    assert run_git(place.generated, "status", "--porcelain") == ""
    assert run_git(place.generated, "rev-parse", "main") == run_git(clone, "rev-parse", "main")
    assert await watcher.look() == []


async def test_a_merge_of_something_else_publishes_nothing(place: Place) -> None:
    repository = Repository.at(place.generated, review_mode=True)
    assert repository is not None
    publisher = PrefectPublisher(
        place.world.database, place.world.orchestrator, place.generated, repository
    )
    place.world.app.state.publisher = publisher
    workflow_id = await place.create(nightly(2))
    assert (await place.publish(workflow_id)).status_code == 409
    run_git(place.generated, "merge", "--quiet", "dataroll/nightly/v1")
    # The draft went on after the branch was made: what main carries is not what would be deployed.
    await place.edit(workflow_id, nightly(3))
    assert await MergeWatcher(place.world.database, publisher, repository).look() == []
    assert place.schedules() == {}


def test_a_folder_outside_of_git_or_ignored_by_it_is_no_repository(tmp_path: Path) -> None:
    assert Repository.at(tmp_path) is None
    make_repository(tmp_path / "repo")
    (tmp_path / "repo" / ".gitignore").write_text("flows/\n")
    (tmp_path / "repo" / "flows").mkdir()
    assert Repository.at(tmp_path / "repo" / "flows") is None


async def test_two_publications_at_once_end_with_one_live_schedule(place: Place) -> None:
    workflow_id = await place.create(nightly(2))
    answers = await asyncio.gather(*(place.publish(workflow_id) for _ in range(3)))
    assert 200 in {answer.status_code for answer in answers}
    assert await place.publisher.aligner.align() == 0
    assert [crons for crons in place.schedules().values() if crons] == [["0 2 * * *"]]


async def test_a_test_run_leaves_nothing_behind(place: Place) -> None:
    """Two tests of one draft have a deployment and a file each; a version's own stay."""
    workflow_id = await place.create(nightly())
    await place.publish(workflow_id)
    await place.edit(workflow_id, nightly(seconds=2))
    live = set(place.world.orchestrator.deployments)
    drafts = place.publisher.drafts
    files = set(drafts.versions.rglob("*.py"))
    mirror = Mirror(place.world.database, place.world.orchestrator, drafts=drafts)
    runs = []
    for _ in range(2):
        asked = await place.world.admin.post(f"/api/workflows/{workflow_id}/test", json={})
        assert asked.status_code == 202, asked.text
        runs.append(await place.world.dispatch(asked.json()["id"]))
    assert len(set(place.world.orchestrator.deployments) - live) == 2
    assert len(set(drafts.versions.rglob("*.py")) - files) == 2
    for left, run_id in ((1, runs[0]), (0, runs[1])):
        await mirror.refresh(run_id)
        place.world.orchestrator.finish(run_id, "success")
        await mirror.refresh(run_id)
        assert len(set(place.world.orchestrator.deployments) - live) == left
        assert len(set(drafts.versions.rglob("*.py")) - files) == left
    started = await place.world.admin.post(f"/api/workflows/{workflow_id}/execute", json={})
    run_id = await place.world.dispatch(started.json()["id"])
    place.world.orchestrator.finish(run_id, "success")
    await mirror.refresh(run_id)
    refused = await place.world.admin.post(
        f"/api/workflows/{workflow_id}/test", json={"input": {"nobody": 1}}
    )
    assert refused.status_code == 422, refused.text
    assert set(place.world.orchestrator.deployments) == live
    assert set(drafts.versions.rglob("*.py")) == files
    assert not list(drafts.versions.glob("*/draft-*"))
