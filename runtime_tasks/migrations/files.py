"""Reading migration files: text of a known encoding, inside their folder, of a bearable size."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from runtime_tasks.errors import StepConfigError

LARGEST = 512 * 1024 * 1024


def files_in(folder: Path, pattern: str = "*.sql") -> Iterator[Path]:
    """The folder's files of that pattern, by path. Directories may be called ``….sql``, too."""
    project = project_root(folder)
    for path in sorted(folder.glob(pattern)):
        if path.is_file():
            refuse_leading_out(path, project)
            yield path


def files_below(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """The files with such an ending in the folder and all those below it, by path.

    Where a link leads is asked of those that are read, by :func:`refuse_leading_out`. Hidden
    directories are passed over, as Flyway does (its FileSystemScanner), and so are the places where
    other projects' files lie: virtual environments and ``node_modules``.
    """
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if _belongs_to_the_project(Path(place, name))]
        found += [Path(place, name) for name in names if name.lower().endswith(suffixes)]
    yield from sorted(path for path in found if path.is_file())


def _belongs_to_the_project(folder: Path) -> bool:
    foreign = folder.name.startswith(".") or folder.name in ("node_modules", "__pycache__")
    return not foreign and not (folder / "pyvenv.cfg").exists()


def refuse_leading_out(path: Path, project: Path) -> None:
    """Raises StepConfigError for a link that leads out of the project.

    A repository could otherwise show what else lies on the worker, in an error or a report.
    """
    if not path.resolve().is_relative_to(project):
        raise StepConfigError(f"{path.name} is a link that leads out of {project.name}")


def project_root(folder: Path) -> Path:
    """The repository that the folder is in, or the folder itself."""
    real = folder.resolve()
    return next((place for place in (real, *real.parents) if (place / ".git").exists()), real)


def project_places(folder: Path) -> Iterator[Path]:
    """The folder and those above it that belong to the same project, for what it may be told there.

    They end with the repository; and before a place where anybody may write, such as /tmp:
    somebody else's settings or interpreter there must not become the project's.
    """
    for place in (folder.absolute(), *folder.absolute().parents):
        if place != folder.absolute() and place.stat().st_mode & 0o002:
            return
        yield place
        if (place / ".git").exists():
            return


def read_text(path: Path, *, any_bytes: bool = False) -> str:
    """The file's text, without a byte order mark. UTF-8, or UTF-16 where a mark says so.

    ``any_bytes``: for tools that hand a file's bytes to the database whatever they are. Then what
    is not UTF-8 (an old comment in Latin-1) stays as surrogates, and reaches the database as it was.
    """
    if path.stat().st_size > LARGEST:
        raise StepConfigError(f"{path.name} is larger than {LARGEST // 1024**2} MB")
    content = path.read_bytes()
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding, "surrogateescape" if any_bytes else "strict")
    except UnicodeDecodeError as error:
        raise StepConfigError(
            f"{path.name} is not UTF-8 (byte {error.start}): save it as UTF-8"
        ) from None


def printable(text: str) -> str:
    """The text for people, journals and JSON: bytes that are no UTF-8 are shown as such."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
