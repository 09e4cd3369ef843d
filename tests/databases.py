"""Real PostgreSQL and MariaDB servers for tests, private and short-lived.

A test asks for ``postgresql_url``, ``mariadb_url`` or ``sqlite_url`` and gets
the URL of a fresh, empty database; ``database_url`` runs the test on SQLite
and PostgreSQL, ``every_database_url`` on all three::

    def test_something(postgresql_url: str) -> None: ...

The servers start when the first test asks, on a free loopback port, with
their files in a temporary directory and without fsync, and are stopped by
their process id at the end of the session. They refuse to run as root, so
under root they run as the users that Debian's packages made.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

_numbers = count(1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def as_user(user: str) -> list[str]:
    """The prefix that drops root's rights, because these servers refuse them."""
    return ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []


def find_program(name: str, package: str) -> str:
    """The program's path, in Debian's own places too. Fails, naming the package."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in [*places, Path("/usr/sbin"), Path("/usr/bin")]:
        if (folder / name).exists():
            return str(folder / name)
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed: apt-get install {package}", pytrace=False)
    return found


def start(command: list[str], log: Path, answers: Callable[[], bool], what: str) -> Any:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_the_tests,
        )
    deadline = time.monotonic() + 60
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process)
            tail = log.read_text(errors="replace")[-2000:]
            pytest.fail(f"{what} did not start:\n{tail}", pytrace=False)
        time.sleep(0.1)
    return process


def end_with_the_tests() -> None:
    """Ask the kernel to end the server when the test process dies without saying goodbye."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and what it started: it leads a session of its own."""
    if process.poll() is None:
        # PostgreSQL's fast shutdown, then MariaDB's; each passes over the other's signal.
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def private_directory(user: str) -> Path:
    """A short path (socket names are limited), owned by the user that the server runs as."""
    path = Path(tempfile.mkdtemp(prefix="dataroll-test-"))
    if os.geteuid() == 0:
        shutil.chown(path, user)
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a private PostgreSQL's ``postgres`` database."""
    with private_postgresql() as url:
        yield url


@contextmanager
def private_postgresql() -> Iterator[str]:
    """A PostgreSQL of one's own for the length of the block; benchmarks take it too."""
    import psycopg

    initdb = find_program("initdb", "postgresql")
    home = private_directory("postgres")
    port = free_port()
    base = f"postgresql://dataroll@127.0.0.1:{port}"
    command = [*as_user("postgres"), initdb, "-D", str(home / "data"), "-U", "dataroll"]
    command += ["-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(command, check=True, capture_output=True, cwd=home)
    options = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": home,
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "max_connections": 100,
    }
    command = [*as_user("postgres"), find_program("postgres", "postgresql")]
    command += ["-D", str(home / "data")]
    command += [part for key, value in options.items() for part in ("-c", f"{key}={value}")]

    def answers() -> bool:
        try:
            psycopg.connect(f"{base}/postgres", connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True

    process = start(command, home / "log", answers, "PostgreSQL")
    try:
        yield f"{base}/postgres"
    finally:
        stop(process)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    """The URL of a private MariaDB, without a database."""
    import pymysql

    install = find_program("mariadb-install-db", "mariadb-server")
    mariadbd = find_program("mariadbd", "mariadb-server")
    home = private_directory("mysql")
    port = free_port()
    command = [*as_user("mysql"), install, "--no-defaults", f"--datadir={home}/data"]
    command += ["--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(command, check=True, capture_output=True, cwd=home)
    command = [*as_user("mysql"), mariadbd, "--no-defaults", f"--datadir={home}/data"]
    command += [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={home}/socket"]
    command += [f"--pid-file={home}/pid", "--innodb-flush-log-at-trx-commit=0"]
    command += ["--innodb-flush-method=nosync", "--innodb-buffer-pool-size=64M"]
    command += ["--performance-schema=off", "--skip-name-resolve"]

    def answers() -> bool:
        try:
            pymysql.connect(host="127.0.0.1", port=port, user="root", connect_timeout=2).close()
        except pymysql.Error:
            return False
        return True

    process = start(command, home / "log", answers, "MariaDB")
    yield f"mysql://root@127.0.0.1:{port}"
    stop(process)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """A fresh PostgreSQL database."""
    import psycopg

    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgresql_server, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    yield postgresql_server.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(postgresql_server, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def mariadb_url(mariadb_server: str) -> Iterator[str]:
    """A fresh MariaDB database."""
    import pymysql

    name = f"test_{os.getpid()}_{next(_numbers)}"
    port = int(mariadb_server.rpartition(":")[2])
    server = pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True)
    server.query(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield f"{mariadb_server}/{name}"
    server.query(f"DROP DATABASE IF EXISTS {name}")
    server.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh SQLite database; its file does not exist yet."""
    return f"sqlite:///{tmp_path}/target.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database: the test runs on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def every_database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database: the test runs on SQLite, PostgreSQL and MariaDB."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
