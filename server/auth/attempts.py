"""Attempts to sign in, counted before the password is looked at, in all servers together.

Three counts, and whoever is over one of them waits: of an address for one account, of an address
for all accounts, and of all addresses for one account. The last one would let anybody lock a
person out, so it does not count where that person has signed in before.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from fastapi import Request
from sqlalchemy import case, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.authenticate import address
from server.database import Database
from server.limits import Limits, too_many
from server.models import BrowserSession, SignInAttempts, User, utc_now

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PER_PERSON = 5
"""A minute, from one address for one account."""
PER_ADDRESS = 60
"""A minute, from one address."""
PER_ACCOUNT = 100
"""An hour, for one account, from addresses it has never signed in from."""


async def count_attempt(request: Request, account: str) -> None:
    """``account``: the e-mail address, or what else is being tried. Raises TooMany."""
    ip = address(request)
    limits: Limits = request.app.state.limits
    limits.check_sign_ins(ip)
    database: Database = request.app.state.database
    async with database.writing() as session:
        await session.execute(delete(SignInAttempts).where(SignInAttempts.ends_at < utc_now()))
        waits = [
            await _wait(session, f"address {ip}", PER_ADDRESS, MINUTE),
            await _wait(session, f"person {ip} {account}", PER_PERSON, MINUTE),
        ]
        if "@" in account and not await _known(session, account, ip):
            waits.append(await _wait(session, f"account {account}", PER_ACCOUNT, HOUR))
    if max(waits) > 0:
        raise too_many(max(waits))


async def _wait(session: AsyncSession, name: str, most: int, window: timedelta) -> float:
    """Counts one more; the seconds to wait when that was too many, else 0."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    now = utc_now()
    key = hashlib.sha256(name.encode()).hexdigest()
    over = SignInAttempts.ends_at <= now
    row = insert(SignInAttempts).values(key=key, count=1, ends_at=now + window)
    counted = await session.execute(
        row.on_conflict_do_update(
            index_elements=[SignInAttempts.key],
            set_={
                "count": case((over, 1), else_=SignInAttempts.count + 1),
                "ends_at": case((over, now + window), else_=SignInAttempts.ends_at),
            },
        ).returning(SignInAttempts.count, SignInAttempts.ends_at)
    )
    count, ends_at = counted.one()
    return (ends_at - now).total_seconds() if count > most else 0.0


async def _known(session: AsyncSession, email: str, ip: str) -> bool:
    signed_in = (
        select(BrowserSession.id)
        .join(User, User.id == BrowserSession.user_id)
        .where(User.email == email.lower(), BrowserSession.ip == ip)
        .limit(1)
    )
    return await session.scalar(signed_in) is not None
