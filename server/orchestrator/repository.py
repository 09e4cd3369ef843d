"""The folder of generated flows as a git working tree: publishing commits, or asks for a review.

A commit is made with git's plumbing, on top of what the branch holds: nobody's index, hooks or
half-done work is touched, and the branch moves by compare-and-set. In review mode the commit goes
to ``dataroll/<slug>/v<N>``, is pushed where a remote is set, and the version is deployed only
when the main branch carries the same flow and definition.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compiler.compiled import CompiledFlow
from compiler.prefect_yaml import with_deployment
from server.actors import Actor
from server.errors import Unavailable
from server.models import Workflow, WorkflowDefinition
from server.orchestrator.files import DEPLOYMENTS, shown
from server.workflows.publisher import Deferred

log = logging.getLogger("dataroll.repository")

TIMEOUT = 60
NOBODY = "0" * 40
COMMITTER = {"GIT_COMMITTER_NAME": "dataroll", "GIT_COMMITTER_EMAIL": "dataroll@localhost"}


class GitFailed(Unavailable):
    """Git refused; nothing was published."""

    code = "git-failed"


class AwaitingReview(Deferred):
    """The version is on its branch; it is deployed when the main branch carries it."""

    code = "awaiting-review"
    title = "Waiting for review"


@dataclass(frozen=True)
class Commit:
    branch: str
    before: str
    after: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Repository:
    """``folder`` lies in a working tree; ``main`` is the branch that counts."""

    folder: Path
    main: str
    review_mode: bool = False
    remote: str | None = None

    @classmethod
    def at(cls, folder: Path, *, review_mode: bool = False) -> Repository | None:
        """None where the folder is in no working tree, or git ignores it there."""
        if not folder.is_dir():
            return None
        try:
            git(folder, "rev-parse", "--show-toplevel")
        except (GitFailed, FileNotFoundError):
            return None
        ignored = subprocess.run(
            ["git", "-C", str(folder), "check-ignore", "-q", str(folder / "x.py")], timeout=TIMEOUT
        )
        if ignored.returncode == 0:
            return None
        branch = git(folder, "symbolic-ref", "--short", "HEAD")
        remotes = git(folder, "remote").split()
        remote = "origin" if "origin" in remotes else next(iter(remotes), None)
        exclude = Path(git(folder, "rev-parse", "--git-path", "info/exclude"))
        exclude = exclude if exclude.is_absolute() else folder / exclude
        line = "versions/"  # every version's pinned copy: git keeps the history of its own
        text = exclude.read_text() if exclude.exists() else ""
        if line not in text.splitlines():
            exclude.parent.mkdir(parents=True, exist_ok=True)
            exclude.write_text(f"{text.rstrip()}\n{line}\n".lstrip())
        return cls(folder, branch, review_mode, remote)

    async def commit(
        self,
        workflow: Workflow,
        version: WorkflowDefinition,
        compiled: CompiledFlow,
        author: Actor,
    ) -> Commit | None:
        """Commit the live copies to the main branch; None when it carries them already."""
        if self.review_mode:
            return None
        files = published_files(workflow, version, compiled)
        if (self.folder / DEPLOYMENTS).exists():
            files[DEPLOYMENTS] = (self.folder / DEPLOYMENTS).read_text()
        return await asyncio.to_thread(
            self._commit, self.main, files, message(workflow, version, compiled), author
        )

    async def commit_unpublishing(self, workflow: Workflow, author: Actor) -> Commit | None:
        """Commit the ``prefect.yaml`` that leaves it out; in review mode that is the reviewers' own
        business."""
        if self.review_mode:
            return None
        subject = f"Unpublish {' '.join(workflow.name.split())}\n\nWorkflow: {workflow.id}\n"
        files = {DEPLOYMENTS: (self.folder / DEPLOYMENTS).read_text()}
        return await asyncio.to_thread(self._commit, self.main, files, subject, author)

    async def undo(self, commit: Commit) -> None:
        await asyncio.to_thread(self._undo, commit)

    async def review(
        self,
        workflow: Workflow,
        version: WorkflowDefinition,
        compiled: CompiledFlow,
        author: Actor,
    ) -> None:
        """In review mode: raises AwaitingReview until the main branch carries this version."""
        if self.review_mode:
            await asyncio.to_thread(self._review, workflow, version, compiled, author)

    async def carries(
        self, workflow: Workflow, version: WorkflowDefinition, compiled: CompiledFlow
    ) -> bool:
        """Whether the main branch, fetched anew, holds exactly these files."""
        files = published_files(workflow, version, compiled)
        return await asyncio.to_thread(self._carries, files)

    def _review(
        self, workflow: Workflow, version: WorkflowDefinition, compiled: CompiledFlow, author: Actor
    ) -> None:
        files = published_files(workflow, version, compiled)
        if self._carries(files):
            self._catch_up()
            return
        branch = f"dataroll/{workflow.slug}/v{version.version}"
        flow, _ = shown(workflow, version)
        files[DEPLOYMENTS] = with_deployment(
            self._at(self._tip(), DEPLOYMENTS),
            compiled,
            filename=flow.as_posix(),
            slug=workflow.slug,
        )
        self._commit(branch, files, message(workflow, version, compiled), author, base=self._tip())
        if self.remote is not None:
            git(self.folder, "push", "--force-with-lease", self.remote, f"refs/heads/{branch}")
        raise AwaitingReview(
            f"version {version.version} is committed to the branch {branch}; it is published when"
            f" {self.main} carries it",
            branch=branch,
            digest=compiled.digest,
        )

    def _carries(self, files: Mapping[Path, str]) -> bool:
        tip = self._tip()
        prefix = self._prefix()
        for path, text in files.items():
            try:
                blob = git(self.folder, "rev-parse", f"{tip}:{prefix}{path.as_posix()}")
            except GitFailed:
                return False
            if blob != git(self.folder, "hash-object", "--stdin", given=text):
                return False
        return True

    def _at(self, commit: str, path: Path) -> str:
        """The file as the commit has it; empty where it has none."""
        try:
            return git(self.folder, "show", f"{commit}:{self._prefix()}{path.as_posix()}")
        except GitFailed:
            return ""

    def _tip(self) -> str:
        """The main branch as the remote has it, else as it is here."""
        if self.remote is not None:
            try:
                git(self.folder, "fetch", "--quiet", self.remote, self.main)
            except GitFailed:
                return self._tip_of(f"refs/heads/{self.main}")
            return git(self.folder, "rev-parse", "FETCH_HEAD")
        return self._tip_of(f"refs/heads/{self.main}")

    def _catch_up(self) -> None:
        """Move the working tree to what was merged; where it is in the way, it stays behind."""
        if self.remote is None:
            return
        try:
            git(self.folder, "merge", "--quiet", "--ff-only", self._tip())
        except GitFailed as error:
            log.warning("the working tree was not brought up to date: %s", error.detail)

    def changelog(self, branch: str) -> str | None:
        """What the author wrote when the branch was made."""
        body = git(self.folder, "log", "-1", "--format=%b", branch)
        return body.partition("Workflow: ")[0].strip() or None

    def _commit(
        self,
        branch: str,
        files: Mapping[Path, str],
        text: str,
        author: Actor,
        base: str | None = None,
    ) -> Commit | None:
        reference = f"refs/heads/{branch}"
        before = self._tip_of(reference)
        parent = base or before
        prefix = self._prefix()
        with tempfile.TemporaryDirectory() as scratch:
            index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            if parent != NOBODY:
                git(self.folder, "read-tree", parent, environment=index)
            for path, content in files.items():
                blob = git(self.folder, "hash-object", "-w", "--stdin", given=content)
                entry = f"100644,{blob},{prefix}{path.as_posix()}"
                git(
                    self.folder,
                    *("update-index", "--add", "--cacheinfo", entry),
                    environment=index,
                )
            tree = git(self.folder, "write-tree", environment=index)
        if parent != NOBODY and tree == git(self.folder, "rev-parse", f"{parent}^{{tree}}"):
            return None
        after = git(
            self.folder,
            *("commit-tree", tree, *(("-p", parent) if parent != NOBODY else ()), "-F", "-"),
            given=text,
            environment={**COMMITTER, **author_of(author)},
        )
        git(self.folder, "update-ref", "-m", "dataroll: publish", reference, after, before)
        self._refresh(branch, tuple(files))
        return Commit(branch, before, after, tuple(files))

    def _undo(self, commit: Commit) -> None:
        reference = f"refs/heads/{commit.branch}"
        if commit.before == NOBODY:
            git(self.folder, "update-ref", "-d", reference, commit.after)
        else:
            git(self.folder, "update-ref", reference, commit.before, commit.after)
        self._refresh(commit.branch, commit.files)

    def _refresh(self, branch: str, files: tuple[Path, ...]) -> None:
        """Tell the index what the branch now holds, for these files only."""
        if branch != self.main:
            return
        names = [path.as_posix() for path in files]
        if self._tip_of(f"refs/heads/{branch}") == NOBODY:
            git(self.folder, "rm", "--cached", "--quiet", "--ignore-unmatch", "--", *names)
        else:
            git(self.folder, "reset", "--quiet", "HEAD", "--", *names)

    def _tip_of(self, reference: str) -> str:
        try:
            return git(self.folder, "rev-parse", "--verify", "--quiet", reference)
        except GitFailed:
            return NOBODY

    def _prefix(self) -> str:
        return git(self.folder, "rev-parse", "--show-prefix")


def published_files(
    workflow: Workflow, version: WorkflowDefinition, compiled: CompiledFlow
) -> dict[Path, str]:
    flow, definition = shown(workflow, version)
    return {flow: compiled.source, definition: version.content}


def message(workflow: Workflow, version: WorkflowDefinition, compiled: CompiledFlow) -> str:
    changelog = f"{version.changelog.strip()}\n\n" if version.changelog else ""
    return (
        f"Publish {' '.join(workflow.name.split())} v{version.version}\n\n{changelog}"
        f"Workflow: {workflow.id}\nVersion: {version.version}\nDigest: {compiled.digest}\n"
    )


def author_of(actor: Actor) -> dict[str, str]:
    """Git takes no line breaks and no angle brackets in a name."""
    name = "".join(c for c in actor.name if c.isprintable() and c not in "<>") or "dataroll"
    email = name if "@" in name else "dataroll@localhost"
    return {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email}


def git(
    folder: Path, *words: str, given: str | None = None, environment: Mapping[str, str] = {}
) -> str:
    """What git prints, without the line's end. Raises GitFailed with what it says."""
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        input=None if given is None else given.encode(),
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        timeout=TIMEOUT,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **environment},
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise GitFailed(f"git {words[0]} failed: {said[-1] if said else done.returncode}")
    return done.stdout.decode().rstrip("\n")
