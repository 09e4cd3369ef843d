"""Where migrations come from: a folder, or a git repository at a commit that the run records."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime_tasks.connections import MigrationSource
from runtime_tasks.errors import StepConfigError, StepError


@dataclass(frozen=True)
class Checkout:
    folder: Path
    commit: str | None = None


@contextmanager
def checked_out(source: MigrationSource) -> Iterator[Checkout]:
    """The folder with the migrations, for the length of the block."""
    if source.git_url:
        with tempfile.TemporaryDirectory(prefix="dataroll-git-") as home:
            root = Path(home) / "checkout"
            commit = _clone(source.git_url, source.ref or "HEAD", root)
            yield Checkout(_inside(root, source.subfolder or source.path), commit)
        return
    if not source.path:
        raise StepConfigError("the connection does not say where its migrations are: set a path")
    yield Checkout(_inside(Path(source.path), source.subfolder))


def _inside(root: Path, subfolder: str | None) -> Path:
    if not root.exists():
        raise StepConfigError(f"the migrations folder {root} does not exist on this machine")
    folder = root / subfolder if subfolder else root
    if not folder.resolve().is_relative_to(root.resolve()):
        raise StepConfigError(f"the subfolder {subfolder} leads out of {root.name}")
    if not folder.is_dir():
        raise StepConfigError(
            f"the migrations folder {folder.name} does not exist, or is no folder"
        )
    return folder


def _clone(url: str, ref: str, root: Path) -> str:
    """Fetch one commit, no history; give its full hash."""
    if url.startswith("-") or ref.startswith("-") or "::" in url:
        raise StepConfigError("this is no git URL and ref that dataroll fetches")
    _git(["init", "--quiet", str(root)], url)
    _git(["-C", str(root), "fetch", "--quiet", "--depth=1", "--no-tags", "--", url, ref], url)
    _git(["-C", str(root), "checkout", "--quiet", "--detach", "FETCH_HEAD"], url)
    return _git(["-C", str(root), "rev-parse", "HEAD"], url).strip()


def _git(arguments: list[str], url: str) -> str:
    settings = ["-c", "protocol.ext.allow=never", "-c", "core.hooksPath=/dev/null"]
    try:
        done = subprocess.run(
            ["git", *settings, *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"},
            check=False,
        )
    except FileNotFoundError:
        raise StepError("git is not installed on this worker: install git") from None
    except subprocess.TimeoutExpired:
        raise StepError(f"git took longer than five minutes to fetch {hide(url)}") from None
    if done.returncode != 0:
        complaint = done.stderr.strip().replace(url, hide(url))[-1000:]
        raise StepError(f"git could not fetch {hide(url)}: {hide(complaint)}")
    return done.stdout


def hide(text: str) -> str:
    """Without user and password in URLs."""
    return re.sub(r"(?<=://)[^/\s@]+@", "••••@", text)
