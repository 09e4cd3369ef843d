"""dataroll's own database: migrations make the models, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, select
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from server.database import Database, async_url, migrate, sync_url
from server.ids import new_id
from server.models import Base, User


async def test_the_migrations_make_exactly_the_models(database_url: str) -> None:
    database = Database(database_url)
    await database.migrate()
    await database.migrate()
    await database.close()
    engine = create_engine(sync_url(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert differences == []


async def test_two_servers_that_start_at_once_migrate_once(database_url: str) -> None:
    code = (
        "import asyncio, sys; from server.database import Database; "
        "asyncio.run(Database(sys.argv[1]).migrate())"
    )
    command = [sys.executable, "-W", "error", "-c", code, database_url]
    ended = await asyncio.gather(
        *(asyncio.to_thread(subprocess.run, command, capture_output=True) for _ in range(3))
    )
    assert [(each.returncode, each.stderr[-500:]) for each in ended] == [(0, b"")] * 3


def test_the_schema_can_be_taken_down_again(database_url: str) -> None:
    from alembic import command
    from alembic.config import Config

    from server.database import MIGRATIONS

    migrate(async_url(database_url))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = sync_url(database_url)
    command.downgrade(config, "base")
    migrate(async_url(database_url))


async def test_a_hundred_writers_at_once_all_get_through(database_url: str) -> None:
    """Each reads before it writes: without the write lock SQLite refuses most of them."""
    database = Database(database_url)
    await database.migrate()

    async def write(number: int) -> None:
        async with database.writing() as session:
            await session.scalar(select(User).where(User.email == "nobody"))
            await asyncio.sleep(0.001)
            session.add(User(id=new_id(), email=f"u{number}@x.test", name="U"))

    await asyncio.gather(*(write(number) for number in range(100)))
    async with database.reading() as session:
        assert len((await session.scalars(select(User))).all()) == 100
    await database.close()


async def test_who_waits_too_long_for_the_others_is_told_and_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite:///{tmp_path}/dataroll.db")
    await database.migrate()
    monkeypatch.setattr("server.database.BUSY", 0.05)
    entered: list[str] = []

    async def write(name: str) -> None:
        async with database.writing() as session:
            entered.append(name)
            session.add(User(id=new_id(), email=f"{name}@x.test", name="U"))

    async with database.writing():
        with pytest.raises(NoConnectionFree, match=r"others have been writing for 0\.05 s"):
            await write("impatient")
        monkeypatch.setattr("server.database.BUSY", 30)
        gone, *patient = (asyncio.create_task(write(name)) for name in ("gone", "a", "b"))
        await asyncio.sleep(0)
        gone.cancel()
    await asyncio.gather(*patient)
    assert entered == ["a", "b"]
    async with database.rehearsing() as session:
        assert len((await session.scalars(select(User))).all()) == 2
    await write("c")
    await database.close()


async def test_what_fails_leaves_nothing(database_url: str) -> None:
    database = Database(database_url)
    await database.migrate()

    async def fail() -> None:
        async with database.writing() as session:
            session.add(User(email="a@x.test", name="A"))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.reading() as session:
        assert (await session.scalars(select(User))).all() == []
    await database.close()


def test_other_databases_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'mysql'"):
        Database("mysql://root@h/db")


def test_ids_sort_by_time_and_do_not_collide() -> None:
    ids = [new_id() for _ in range(5000)]
    assert len(set(ids)) == 5000
    assert [each[:9] for each in ids] == sorted(each[:9] for each in ids)
    assert {len(each) for each in ids} == {25}


async def test_the_home_folder_is_private(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/home/dataroll.db")
    await database.migrate()
    await database.close()
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0
