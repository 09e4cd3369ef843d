"""Reading migration files: text of a known encoding, inside their folder, of a bearable size."""

from __future__ import annotations

from pathlib import Path

from runtime_tasks.errors import StepConfigError

LARGEST = 512 * 1024 * 1024


def read_text(path: Path) -> str:
    """The file's text, without a byte order mark. UTF-8, or UTF-16 where a mark says so."""
    if path.stat().st_size > LARGEST:
        raise StepConfigError(f"{path.name} is larger than {LARGEST // 1024**2} MB")
    content = path.read_bytes()
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise StepConfigError(
            f"{path.name} is not UTF-8 (byte {error.start}): save it as UTF-8"
        ) from None
