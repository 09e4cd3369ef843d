"""Encryption at rest. The first key encrypts, every key decrypts, so keys can be rotated.

The keys come from ``DATAROLL_SECRET_KEY`` (comma-separated, newest first) or
from ``secret.key`` in DATAROLL_HOME, made on the first start, readable by the
owner alone, one key a line.
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
    def __init__(self, keys: list[str]) -> None:
        if not keys:
            raise SecretKeyError("no secret key: DATAROLL_SECRET_KEY is empty")
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise SecretKeyError(
                "a secret key is not 32 bytes in URL-safe base64; "
                'make one with: python -c "from cryptography.fernet import Fernet; '
                'print(Fernet.generate_key().decode())"'
            ) from None

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


def open_box(home: Path, environment: Mapping[str, str] | None = None) -> SecretBox:
    env = os.environ if environment is None else environment
    given = env.get("DATAROLL_SECRET_KEY", "")
    if given:
        return SecretBox([key.strip() for key in given.split(",") if key.strip()])
    return SecretBox(
        read_or_make(home / "secret.key", lambda: Fernet.generate_key().decode()).split()
    )


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
