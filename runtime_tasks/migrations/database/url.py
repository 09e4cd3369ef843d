"""A database URL, taken apart once, and the one place that knows how to hide its password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode

from runtime_tasks.errors import StepConfigError

Dialect = Literal["sqlite", "postgresql", "mysql"]

SCHEMES: Mapping[str, Dialect] = {
    "sqlite": "sqlite",
    "file": "sqlite",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}

_URL = re.compile(
    r"^(?P<scheme>[A-Za-z0-9]+)(\+[A-Za-z0-9_]+)?://"
    r"(?:(?P<user>[^:/@]*)(?::(?P<password>.*))?@)?"
    r"(?P<host>\[[^\]]*\]|[^:/@?]*)(?::(?P<port>\d+))?(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?$",
    re.DOTALL,
)

HIDDEN = "••••"


@dataclass(frozen=True)
class DatabaseUrl:
    dialect: Dialect
    database: str
    """The database's name; on SQLite the file's path."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    host: str | None = None
    port: int | None = None
    query: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.text(hide=True)

    @property
    def place(self) -> str:
        """Which database, without who asks: what errors and locks may show."""
        if self.dialect == "sqlite":
            return self.database
        return f"{self.host or 'localhost'}:{self.port or self.default_port}/{self.database}"

    @property
    def default_port(self) -> int:
        return {"postgresql": 5432, "mysql": 3306, "sqlite": 0}[self.dialect]

    def text(self, *, driver: str = "", hide: bool = False) -> str:
        """The URL as SQLAlchemy and most tools read it; holds the password unless hidden."""
        scheme = self.dialect + (f"+{driver}" if driver else "")
        query = f"?{urlencode(self.query)}" if self.query else ""
        if self.dialect == "sqlite":
            return f"{scheme}:///{self.database}{query}"
        who = ""
        if self.user is not None:
            who = quote(self.user, safe="")
            if self.password is not None:
                who += ":" + (HIDDEN if hide else quote(self.password, safe=""))
            who += "@"
        host = self.host or "localhost"
        if ":" in host:
            host = f"[{host}]"
        port = f":{self.port}" if self.port else ""
        return f"{scheme}://{who}{host}{port}/{quote(self.database, safe='')}{query}"

    def with_database(self, database: str) -> DatabaseUrl:
        return replace(self, database=database)

    @cached_property
    def _secrets(self) -> tuple[str, ...]:
        values = [self.password or ""]
        values += [v for k, v in self.query if "password" in k.lower() or k.lower() == "passwd"]
        forms = {
            f for v in values if v for f in (v, quote(v, safe=""), quote_plus(v), repr(v)[1:-1])
        }
        return tuple(sorted(forms, key=len, reverse=True))

    def scrub(self, text: str) -> str:
        """The text without this URL's password, in any of its spellings, or any other URL's."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return re.sub(r"(?<=://)([^\s:/@]+):[^\s/]*@", rf"\1:{HIDDEN}@", text)


def parse_url(url: str) -> DatabaseUrl:
    """Take a URL apart. A bare path that ends in .db, .sqlite or .sqlite3 is SQLite too."""
    url = url.strip()
    if "://" not in url and re.search(r"\.(db|sqlite3?)$", url):
        return DatabaseUrl("sqlite", url)
    match = _URL.match(url)
    scheme = (match["scheme"] if match else url.partition("://")[0]).lower()
    if match is None or scheme not in SCHEMES:
        known = ", ".join(s + "://" for s in ("sqlite", "postgresql", "mysql", "mariadb"))
        raise StepConfigError(
            f"this is no database URL that dataroll knows; it begins with {known}"
        )
    query = tuple(parse_qsl(match["query"] or "", keep_blank_values=True))
    if SCHEMES[scheme] == "sqlite":
        return _sqlite(url, query)
    if not match["database"]:
        raise StepConfigError("the database URL names no database: add /NAME at its end")
    password = match["password"]
    return DatabaseUrl(
        dialect=SCHEMES[scheme],
        database=unquote(match["database"]),
        user=unquote(match["user"]) if match["user"] is not None else None,
        password=unquote(password) if password is not None else None,
        host=unquote(match["host"]).strip("[]") or None,
        port=int(match["port"]) if match["port"] else None,
        query=query,
    )


def _sqlite(url: str, query: tuple[tuple[str, str], ...]) -> DatabaseUrl:
    """``sqlite:///relative.db`` and ``sqlite:////absolute.db``, as SQLAlchemy reads them."""
    path = unquote(url.partition("://")[2].partition("?")[0]).removeprefix("/")
    if path in ("", ":memory:"):
        raise StepConfigError("a SQLite database in memory cannot be migrated: name a file")
    return DatabaseUrl("sqlite", path, query=query)
