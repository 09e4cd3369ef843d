"""Passwords by argon2id, hashed in a thread because it is meant to be slow."""

from __future__ import annotations

import asyncio
from functools import cache

from pwdlib import PasswordHash

MIN_LENGTH = 10
MAX_LENGTH = 200
"""Longer ones only make the server work."""


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobody() -> str:
    return _hasher().hash("there is nobody by that name")


async def hash_password(password: str) -> str:
    return await asyncio.to_thread(_hasher().hash, password)


async def verify_password(password: str, hashed: str | None) -> bool:
    """Takes as long for an unknown person as for a known one."""
    return await asyncio.to_thread(_verify, password, hashed)


def _verify(password: str, hashed: str | None) -> bool:
    matches = _hasher().verify(password, hashed or _nobody())
    return matches and hashed is not None
