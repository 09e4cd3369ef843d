"""A script's statements, split as the database itself would split them.

>>> [s.sql for s in split("CREATE FUNCTION f() … $$ a; b $$; SELECT ';'", "postgresql")]
["CREATE FUNCTION f() … $$ a; b $$", "SELECT ';'"]

Splitting on every ``;`` miscounts a quarter of real migration files: quotes,
comments, dollar quoting, trigger bodies and ``DELIMITER`` hide semicolons.
The rules followed are those of psql's, MySQL's and SQLite's own shells; the
tests compare them with sqlparse and with ``sqlite3.complete_statement``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORDS = r"|\b(?P<word>begin|case|end|create|delimiter|atomic)\b"
_TOKENS = {
    "postgresql": re.compile(
        r"(?P<line>--[^\n]*)|(?P<block>/\*)|(?P<escaped>\b[eE]'(?:[^'\\]|\\.|'')*')"
        r"|(?P<quoted>'[^']*'|\"[^\"]*\")|(?<![\w$])(?P<dollar>\$(?:[^\W\d]\w*)?\$)"
        r"|(?P<open>\()|(?P<close>\))|(?P<end>;)|^(?P<meta>\\[a-z?!][^\n]*)" + _WORDS,
        re.IGNORECASE | re.DOTALL | re.MULTILINE,
    ),
    "sqlite": re.compile(
        r"(?P<line>--[^\n]*)|(?P<block>/\*)|(?P<quoted>'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\])"
        r"|(?P<end>;)" + _WORDS,
        re.IGNORECASE | re.DOTALL,
    ),
    "mysql": re.compile(
        r"(?P<line>--(?=[\s\x00-\x1f]|$)[^\n]*|\#[^\n]*)|(?P<block>/\*)"
        r"|(?P<quoted>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`)"
        r"|(?P<end>;)" + _WORDS,
        re.IGNORECASE | re.DOTALL,
    ),
}

_ROUTINE = {
    "postgresql": re.compile(r"create\s+(or\s+replace\s+)?(function|procedure)\b", re.I),
    "sqlite": re.compile(r"create\s+(temp\s+|temporary\s+)?trigger\b", re.I),
    "mysql": re.compile(
        r"(create\s+(or\s+replace\s+)?(definer\s*=\s*\S+\s+)?(aggregate\s+)?"
        r"(procedure|function|trigger|event)\b|begin\s+not\s+atomic\b)",
        re.I,
    ),
}

_COPY = re.compile(r"copy\b[^;]*\bfrom\s+stdin\b", re.I)
_END_OF_DATA = re.compile(r"^\\\.[ \t\r]*$", re.M)
_END_OF_BLOCK = re.compile(r"\s+(if|loop|while|repeat|for)\b", re.I)
_PASSED_OVER = re.compile(
    r"\\(restrict|unrestrict|echo|qecho|warn|timing|pset|encoding|set\s+on_error_stop|x|a|t)\b",
    re.I,
)
"""psql's own commands that change nothing in the database; its dumps and its users write them."""
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_DELIMITER = re.compile(r"delimiter[ \t]+(\S+)[^\n]*", re.I)


@dataclass(frozen=True)
class Statement:
    sql: str
    """Without its terminator, and without the comments before it."""
    line: int
    """Where it begins in the file, from 1."""
    data: str | None = field(default=None, repr=False)
    """What follows a ``COPY … FROM STDIN`` up to the line ``\\.``: PostgreSQL's dumps hold it."""


def split(script: str, dialect: str) -> list[Statement]:
    """The script's statements in order; what holds nothing but comments is no statement."""
    return _Splitter(script.removeprefix("﻿"), dialect).statements()


class _Splitter:
    def __init__(self, script: str, dialect: str) -> None:
        self.script = script
        self.dialect = dialect
        self.pattern = _TOKENS[dialect]
        self.found: list[Statement] = []
        self.first: int | None = None
        """Where the current statement's first token stands; None while there is none."""
        self.line = 1
        self.counted = 0

    def statements(self) -> list[Statement]:
        script, position, start = self.script, 0, 0
        depth = blocks = 0
        delimiter = ";"
        pattern = self.pattern
        while True:
            token = pattern.search(script, position)
            stop = token.start() if token else len(script)
            self._content(start, stop)
            if token is None:
                break
            kind, position = token.lastgroup, token.end()
            if kind == "block":
                position = self._end_of_comment(token.start())
                if not self._executable(token.start()):
                    start = position
                    continue
            elif kind == "line":
                start = position
                continue
            elif kind == "dollar":
                closing = script.find(token[0], position)
                position = len(script) if closing < 0 else closing + len(token[0])
            elif kind == "meta":
                if self.first is None:
                    if not _PASSED_OVER.match(token[0]):
                        self._content(token.start(), position)
                        self._finish(position)
                    start = position
                    continue
            elif kind == "open":
                depth += 1
            elif kind == "close":
                depth = max(0, depth - 1)
            elif kind == "word":
                word = token[0].lower()
                if word == "delimiter":
                    changed = self._delimiter(token.start())
                    if changed:
                        delimiter, position = changed
                        pattern = _with_delimiter(self.pattern, delimiter)
                        start, self.first = position, None
                        continue
                blocks = self._blocks(word, token, blocks)
            elif kind == "end" and depth == 0 and blocks <= 0:
                start = position = self._finish(token.start(), position)
                blocks = 0
                continue
            self._content(token.start(), position)
            start = position
        self._finish(len(script))
        return self.found

    def _content(self, start: int, stop: int) -> None:
        """Note where the statement begins, if it begins between the two."""
        if self.first is None:
            match = re.compile(r"\S").search(self.script, start, stop)
            if match:
                self.first = match.start()

    def _finish(self, stop: int, position: int = 0) -> int:
        """Keep the statement that ends here; where the next one may begin."""
        if self.first is not None:
            self.line += self.script.count("\n", self.counted, self.first)
            self.counted = self.first
            sql, data = self.script[self.first : stop].rstrip(), None
            if self.dialect == "postgresql" and _COPY.match(sql):
                data, position = self._data(position)
            self.found.append(Statement(sql, self.line, data))
        self.first = None
        return position

    def _data(self, position: int) -> tuple[str, int]:
        """The lines after a COPY, and where they end."""
        begin = self.script.find("\n", position) + 1 or len(self.script)
        end = _END_OF_DATA.search(self.script, begin)
        if end is None:
            return self.script[begin:], len(self.script)
        return self.script[begin : end.start()], end.end()

    def _end_of_comment(self, start: int) -> int:
        """PostgreSQL's comments nest, the others' do not."""
        if self.dialect != "postgresql":
            closing = self.script.find("*/", start + 2)
            return len(self.script) if closing < 0 else closing + 2
        level, position = 1, start + 2
        for mark in re.compile(r"/\*|\*/").finditer(self.script, position):
            level += 1 if mark[0] == "/*" else -1
            if level == 0:
                return mark.end()
        return len(self.script)

    def _executable(self, start: int) -> bool:
        """MySQL runs what stands in ``/*! … */`` and MariaDB what stands in ``/*M! … */``."""
        return self.dialect == "mysql" and self.script.startswith(("/*!", "/*M!"), start)

    def _delimiter(self, start: int) -> tuple[str, int] | None:
        if self.dialect != "mysql" or self.first is not None:
            return None
        match = _DELIMITER.match(self.script, start)
        return (match[1], match.end()) if match else None

    def _blocks(self, word: str, token: re.Match[str], blocks: int) -> int:
        """How many BEGIN … END and CASE … END are open inside a routine's or trigger's body."""
        first = token.start() if self.first is None else self.first
        if not _ROUTINE[self.dialect].match(self.script, first):
            return 0
        if self.dialect == "postgresql":
            # Only BEGIN ATOMIC opens a body in plain SQL; all other bodies are quoted.
            following = self.script[token.end() : token.end() + 20].split()
            if word == "begin" and following[:1] and following[0].lower() == "atomic":
                return blocks + 1
            if blocks == 0:
                return 0
        if self.script[token.start() - 1] in ".@":
            return blocks  # a column or variable of that name
        if self.dialect == "sqlite":
            # As its own shell does: the body ends with the END that follows a semicolon, so that
            # neither CASE … END nor a column called so can be mistaken for it.
            if word == "begin":
                return 1
            near = self.script[max(first, token.start() - 2000) : token.start()]
            before = _COMMENT.sub(" ", near).rstrip()
            return 0 if word == "end" and before.endswith(";") else blocks
        if word in ("begin", "case"):
            if word == "case" and re.search(
                r"\bend\s+$", self.script[max(first, token.start() - 40) : token.start()], re.I
            ):
                return blocks  # the CASE of END CASE
            return blocks + 1
        if word == "end" and not _END_OF_BLOCK.match(self.script, token.end()):
            return blocks - 1
        return blocks


def _with_delimiter(pattern: re.Pattern[str], delimiter: str) -> re.Pattern[str]:
    marked = pattern.pattern.replace("(?P<end>;)", f"(?P<end>{re.escape(delimiter)})")
    return re.compile(marked, pattern.flags)
