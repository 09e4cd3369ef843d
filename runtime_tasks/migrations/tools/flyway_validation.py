"""What keeps Flyway from migrating: ``validateOnMigrate``, ``ignoreMigrationPatterns``, ``target``.

The history as files and book give it goes in, and comes out as Flyway would
see it: what it passes over is not pending, what it refuses blocks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.model import History, Migration, Problem
from runtime_tasks.migrations.tools.flyway_settings import Settings


def version_key(version: str) -> tuple[int, ...]:
    """``1.2.0`` and ``1.2`` are one version."""
    numbers = [int(part) for part in re.split(r"[._]", version)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def as_flyway_sees_it(settings: Settings, history: History, files: Sequence[Migration]) -> History:
    """``files``: all that lie on the disk, those that need not run too."""
    return _up_to_the_target(settings, _validated(settings, history, files))


def _validated(settings: Settings, history: History, files: Sequence[Migration]) -> History:
    validates = settings.text("validateOnMigrate", "true").lower() != "false"
    newest = max((version_key(f.id) for f in files if not f.repeatable), default=(0,))
    problems = list(history.problems)
    pending: list[Migration] = []
    for migration in history.pending:
        if migration.status != "out-of-order" or settings.switched_on("outOfOrder"):
            pending.append(migration)
        elif not validates or ignored(settings, "versioned", "ignored"):
            says = (
                f"{migration.file} is older than what is applied already: Flyway passes it "
                "over without a word (unless outOfOrder is set)"
            )
            problems = _instead(problems, Problem(says, False, migration.id, "out-of-order"))
        else:
            pending.append(migration)
    for migration in history.applied:
        if migration.status != "missing":
            continue
        repeatable = migration.id.startswith("R__")
        kind = "repeatable" if repeatable else "versioned"
        future = not repeatable and version_key(migration.id) > newest
        state = "future" if future else "missing"
        if validates and not ignored(settings, kind, state):
            says = (
                f"{migration.id} is applied, but its file is not there any more: Flyway refuses "
                f"to go on (unless ignoreMigrationPatterns has *:{state})"
            )
            problems = _instead(problems, Problem(says, True, migration.id, "missing"))
    if not validates:
        problems = [replace(p, blocks=p.blocks and p.status != "edited") for p in problems]
    return replace(history, pending=tuple(pending), problems=tuple(problems))


def _instead(problems: Sequence[Problem], new: Problem) -> list[Problem]:
    """The problems with what was said of that migration's status said anew, at the end."""
    return [*(p for p in problems if (p.of, p.status) != (new.of, new.status)), new]


def ignored(settings: Settings, kind: str, state: str) -> bool:
    """Whether validation passes over migrations of that type and state (``versioned:missing``)."""
    for pattern in settings.texts("ignoreMigrationPatterns") or ("*:future",):
        of, _, what = pattern.lower().partition(":")
        if of in ("*", kind) and what in ("*", state):
            return True
    return False


def _up_to_the_target(settings: Settings, history: History) -> History:
    target = settings.text("target", "latest").strip()
    if target.lower() in ("latest", ""):
        return history
    versioned = [m for m in history.pending if not m.repeatable]
    if target.lower() == "current":
        kept = []
    elif target.lower() == "next":
        kept = versioned[:1]
    else:
        limit = target.removesuffix("?")
        if not re.fullmatch(r"\d+(?:[._]\d+)*", limit):
            raise StepConfigError(f"Flyway's target {target} is no version")
        known = {version_key(m.id) for m in (*versioned, *history.applied) if m.id[:1].isdigit()}
        if not target.endswith("?") and version_key(limit) not in known:
            raise StepConfigError(f"Flyway's target {target} is not the version of any migration")
        kept = [m for m in versioned if version_key(m.id) <= version_key(limit)]
    return replace(history, pending=(*kept, *(m for m in history.pending if m.repeatable)))
