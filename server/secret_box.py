"""Encryption at rest. The first key encrypts, every key decrypts, so keys can be rotated.

The keys come from ``DATAROLL_SECRET_KEY`` (comma-separated, newest first) or
from ``secret.key`` in DATAROLL_HOME, made on the first start, readable by the
owner alone, one key a line. A server that runs notices when that file has
changed: what it stores after a rotation is under the new key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from server.ids import random_word


class SecretKeyError(Exception):
    """The key does not fit what is stored; the message says which key was tried."""


class SecretBox:
    def __init__(self, keys: list[str], file: Path | None = None) -> None:
        """``file``: where the keys were read from, to read them again when it changes."""
        self._file = file
        self._stamp = _stamp(file)
        self._keys = _keys(keys)

    @property
    def _fernet(self) -> MultiFernet:
        stamp = _stamp(self._file)
        if self._file is not None and stamp is not None and stamp != self._stamp:
            self._keys = _keys(self._file.read_text(encoding="ascii").split())
            self._stamp = stamp
        return self._keys

    def encrypt(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, sealed: str) -> str:
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SecretKeyError(
                "a stored secret was encrypted with a key that is not here: "
                "put the old key behind the new one in DATAROLL_SECRET_KEY or secret.key"
            ) from None

    def rotate(self, sealed: str) -> str:
        """The same secret under the first key."""
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise SecretKeyError(
                "a stored secret was encrypted with a key that is not here"
            ) from None


def _keys(keys: list[str]) -> MultiFernet:
    if not keys:
        raise SecretKeyError("no secret key: DATAROLL_SECRET_KEY is empty")
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise SecretKeyError(
            "a secret key is not 32 bytes in URL-safe base64; "
            'make one with: python -c "from cryptography.fernet import Fernet; '
            'print(Fernet.generate_key().decode())"'
        ) from None


def _stamp(file: Path | None) -> tuple[int, int] | None:
    try:
        return None if file is None else (file.stat().st_mtime_ns, file.stat().st_ino)
    except FileNotFoundError:
        return None


def open_box(home: Path, environment: Mapping[str, str] | None = None) -> SecretBox:
    env = os.environ if environment is None else environment
    given = env.get("DATAROLL_SECRET_KEY", "")
    if given:
        return SecretBox([key.strip() for key in given.split(",") if key.strip()])
    file = home / "secret.key"
    return SecretBox(read_or_make(file, lambda: Fernet.generate_key().decode()).split(), file)


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """The file's text; made with mode 0600 if it is not there. Two at once agree on one."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{random_word(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(make() + "\n")
    try:
        os.link(draft, path)  # refuses when somebody was faster
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii").strip()
