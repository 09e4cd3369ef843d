"""Newest first, a page at a time, by id: the cost of a page does not grow with its number."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query
from sqlalchemy import Select, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from server.errors import field_error
from server.schemas import Page

MOST_AT_ONCE = 200
"""Parts of one statement; SQLite takes 500."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = TypeVar("Row")
Item = TypeVar("Item")


class Paging:
    def __init__(self, limit: int = 50, cursor: str | None = None) -> None:
        self.limit = limit
        self.after = None if cursor is None else decode(cursor)

    async def page(
        self,
        session: AsyncSession,
        query: Select[tuple[Row]],
        key: InstrumentedAttribute[Any],
        present: Callable[[Row], Item],
    ) -> Page[Item]:
        """Runs ``query`` ordered by ``key`` descending, from after the cursor."""
        rows = list((await session.scalars(self._first(query, key))).all())
        return self._page(rows, key, present)

    async def page_of_each(
        self,
        session: AsyncSession,
        queries: Sequence[Select[tuple[Row]]],
        key: InstrumentedAttribute[Any],
        present: Callable[[Row], Item],
    ) -> Page[Item]:
        """One page of several queries of one table that have no row in common.

        Each is searched for itself, as far as a page needs: asked for the rows of several teams
        at once, databases read and sort all that these teams ever had.
        """
        if len(queries) == 1:
            return await self.page(session, queries[0], key, present)
        newest: list[Any] = []
        for start in range(0, len(queries), MOST_AT_ONCE):
            some = [
                self._first(query, key).with_only_columns(key.label("key")).subquery()
                for query in queries[start : start + MOST_AT_ONCE]
            ]
            newest += await session.scalars(union_all(*(select(each.c.key) for each in some)))
        newest = sorted(newest, reverse=True)[: self.limit + 1]
        found = select(key.class_).where(key.in_(newest)).order_by(key.desc())
        return self._page(list((await session.scalars(found)).all()), key, present)

    def _first(
        self, query: Select[tuple[Row]], key: InstrumentedAttribute[Any]
    ) -> Select[tuple[Row]]:
        """A page, and one row more that says whether another one follows."""
        if self.after is not None:
            query = query.where(key < self.after)
        return query.order_by(key.desc()).limit(self.limit + 1)

    def _page(
        self, rows: list[Row], key: InstrumentedAttribute[Any], present: Callable[[Row], Item]
    ) -> Page[Item]:
        more = len(rows) > self.limit
        rows = rows[: self.limit]
        last = str(getattr(rows[-1], key.key)) if more else None
        return Page(
            items=[present(row) for row in rows],
            next_cursor=None if last is None else encode(last),
        )


def encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decode(cursor: str) -> str:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        key = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except ValueError:
        key = ""
    if not re.fullmatch(r"[a-z0-9]{1,40}", key):
        raise field_error("cursor", "is not one that a list gave out; start without it")
    return key


def paging(
    limit: Annotated[int, Query(ge=1, le=200, description="Items on a page")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=100, description="`nextCursor` of the page before")
    ] = None,
) -> Paging:
    return Paging(limit, cursor)


PagingQuery = Annotated[Paging, Depends(paging)]


def encode_pair(at: datetime, row_id: int) -> str:
    """A place in a list that is ordered by time and then by number."""
    return encode(f"{(at - EPOCH) // timedelta(microseconds=1)}z{row_id}")


def decode_pair(cursor: str) -> tuple[datetime, int]:
    micros, _, row_id = decode(cursor).partition("z")
    if not (micros.isdecimal() and row_id.isdecimal() and len(micros) <= 16):
        raise field_error("cursor", "is not one that a list gave out; start without it")
    return EPOCH + timedelta(microseconds=int(micros)), int(row_id)
