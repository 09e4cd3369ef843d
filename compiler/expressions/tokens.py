"""Cuts an expression into tokens, one at a time, as the parser asks for them.

Two questions need the names of the workflow: ``discover-1`` is one name if a node is
called so, and a subtraction if there is only ``discover``. What could be both is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, NoReturn

from compiler.errors import ExpressionError
from compiler.expressions.names import Name, NameTable, NodeName, did_you_mean

BLANK: Final = re.compile(
    "[\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]*"
)
WORD: Final = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")
RUN: Final = re.compile(r"[\w$]+(?:-[\w$]+)*")
_NUMBER: Final = re.compile(
    r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+"
    r"|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?"
)
_OPERATOR: Final = re.compile(
    r"\?\.(?![0-9])|>>>=?|\?\?=|&&=|\|\|=|\*\*=|===|!==|<<=|>>=|\.\.\.|=>|==|!=|<=|>=|&&|\|\||\?\?"
    r"|\*\*|\+\+|--|\+=|-=|\*=|/=|%=|&=|\|=|\^=|<<|>>|//|/\*|[-+*/%<>!?:.,()\[\]{}=&|^~;@#`]"
)
_NEXT: Final = re.compile(f"{BLANK.pattern}({_OPERATOR.pattern}|)")
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{0*([0-9a-fA-F]{1,6})\}|(\r\n|[^xu]))", re.DOTALL
)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_LINE_ENDS: Final = ("\n", "\r\n", "\r", "\u2028", "\u2029")
_TEXT: Final = {
    quote: re.compile(rf"{quote}((?:[^{quote}\\\n\r]|\\(?:\r\n|.))*){quote}", re.DOTALL)
    for quote in "\"'"
}
_TEMPLATE: Final = re.compile(r"((?:[^`\\$]|\\(?:\r\n|.)|\$(?!\{))*)(`|\$\{)", re.DOTALL)

CONSTANTS: Final = frozenset(("null", "true", "false", "undefined", "NaN", "Infinity", "Math"))
FOREIGN: Final = frozenset(
    [
        "this",
        "new",
        "function",
        "typeof",
        "delete",
        "void",
        "in",
        "instanceof",
        "await",
        "yield",
        "class",
        "let",
        "const",
        "var",
        "return",
        "if",
        "else",
        "for",
        "while",
        "do",
        "switch",
        "case",
        "try",
        "catch",
        "throw",
        "import",
        "export",
        "super",
        "async",
        "arguments",
        "eval",
        "globalThis",
        "window",
        "require",
        "process",
    ]
)
"""Words of JavaScript that this language leaves out on purpose."""
_OF_PYTHON: Final = {
    "len": "write .length behind the list or the text",
    "not": "write !",
    "None": "write null",
    "True": "write true",
    "False": "write false",
}
"""What people write who think of Python."""


class Token(NamedTuple):
    """``kind``: name, word, number, text, end, or the operator itself."""

    kind: str
    at: int
    end: int
    value: str = ""


class Scanner:
    """Reads ``text`` from ``position``; knows the workflow's names and the arrows' parameters."""

    def __init__(self, text: str, names: Mapping[str, Name], position: int = 0) -> None:
        self.text = text
        self.names = names
        self.position = position
        self.parameters: list[str] = []
        self.arrows = 0
        self._peeked_at = -1
        self._peeked = ""
        self._odd = () if isinstance(names, NameTable) else _odd(names)

    def fail(self, code: str, message: str, at: int, hint: str | None = None) -> NoReturn:
        raise ExpressionError(code, message, at + 1, hint, self.text)

    def skip_blank(self) -> int:
        position = self.position
        # Mostly the next character is a visible one of ASCII.
        if self._peeked_at != position and not "!" <= self.text[position : position + 1] <= "~":
            self.position = position = BLANK.match(self.text, position).end()  # type: ignore[union-attr]
        return position

    def peek(self) -> str:
        """The operator that comes next; empty if something else does."""
        if self._peeked_at != self.position:
            # Blanks come with it, so that a second look costs nothing.
            found = _NEXT.match(self.text, self.position)
            assert found is not None  # noqa: S101 - it matches no characters, too
            self.position = self._peeked_at = found.start(1)
            self._peeked = found[1]
        return self._peeked

    def take(self, operator: str) -> bool:
        """Move past the operator if it comes next."""
        if self.peek() != operator:
            return False
        self.position += len(operator)
        return True

    def expect(self, operator: str, opened: int | None = None) -> None:
        if self.take(operator):
            return
        hint = None if opened is None else f"to close what opens at column {opened + 1}"
        self.unexpected(f"'{operator}' is missing here", hint)

    def unexpected(self, message: str | None = None, hint: str | None = None) -> NoReturn:
        at = self.skip_blank()
        if at >= len(self.text):
            self.fail("syntax", message or "the expression ends too early", at, hint)
        operator = self.peek()
        if operator in ("=", "++", "--") or (operator[-1:] == "=" and operator[0] not in "=!<>"):
            self.fail("not-in-language", "nothing can be assigned here", at, "compare with ===")
        if operator in ("&", "|", "^", "~", "<<", ">>", ">>>"):
            self.fail("not-in-language", f"there is no operator {operator}", at)
        if operator in ("//", "/*"):
            self.fail("not-in-language", "there are no comments in expressions", at)
        found = RUN.match(self.text, at)
        if found and found.group() in FOREIGN:
            self.fail("not-in-language", f"there is no '{found.group()}' in expressions", at)
        seen = found.group()[:60] if found else operator or self.text[at]
        self.fail("syntax", message or f"{seen!r} does not belong here", at, hint)

    def refuse_unclosed(self, opened: int) -> None:
        """A hole needs something in it, and an end."""
        at = self.skip_blank()
        if self.text.startswith("}}", at):
            self.fail("syntax", "this hole is empty", opened)
        if self.text.find("}}", at) < 0:
            hint = 'close it with }}; for the two braces themselves write {{ "{{" }}'
            self.fail("unclosed-hole", "this {{ is never closed", opened, hint)

    def member_name(self) -> tuple[str, int]:
        """The plain word after a dot."""
        at = self.skip_blank()
        found = WORD.match(self.text, at)
        if not found:
            self.unexpected("the name of a member is missing here")
        self.position = found.end()
        return found.group(), at

    def number(self) -> int | float | None:
        """The number that comes next, if one does."""
        at = self.skip_blank()
        found = _NUMBER.match(self.text, at)
        if not found:
            return None
        self.position = found.end()
        after = self.text[self.position : self.position + 1]
        if after and (after.isalnum() or after in "_$"):
            self.fail("syntax", "this is no number", at)
        written = found.group()
        based = written[:2].lower() in ("0x", "0o", "0b")
        value = _double(int(written, 0)) if based else float(written)
        return int(value) if value.is_integer() and value <= 2**53 else value

    def quoted(self) -> str | None:
        """The text in quotes that comes next, if one does."""
        at = self.skip_blank()
        quote = self.text[at : at + 1]
        if quote not in _TEXT:
            return None
        found = _TEXT[quote].match(self.text, at)
        if not found:
            self.fail("syntax", f"the closing {quote} of this text is missing", at)
        self.position = found.end()
        return self._unescaped(found.group(1), at + 1)

    def template_part(self, opened: int) -> tuple[str, bool]:
        """Text up to the next ``${`` or the closing backtick, and whether a hole follows."""
        start = self.position
        found = _TEMPLATE.match(self.text, start)
        if not found:
            self.fail("syntax", "the closing ` of this text is missing", opened)
        self.position = found.end()
        written = found.group(1).replace("\r\n", "\n").replace("\r", "\n")
        return self._unescaped(written, start), found.group(2) == "${"

    def _unescaped(self, written: str, at: int) -> str:
        if "\\" not in written:
            return self._whole(written, at)
        parts: list[str] = []
        position = 0
        while (escape := written.find("\\", position)) >= 0:
            parts.append(written[position:escape])
            found = _ESCAPE.match(written, escape)
            code = found and (found.group(1) or found.group(2) or found.group(3))
            if not found or (code and int(code, 16) > 0x10FFFF):
                self.fail("syntax", "this escape is not complete", at + escape)
            plain = found.group(4)
            if plain in _LINE_ENDS:
                pass  # a continued line
            elif code:
                parts.append(chr(int(code, 16)))
            elif plain.isdigit() and (
                plain != "0" or written[found.end() : found.end() + 1].isdigit()
            ):
                self.fail("syntax", "octal escapes are not allowed", at + escape, r"write \x…")
            else:
                parts.append(_ESCAPED.get(plain, plain))
            position = found.end()
        return self._whole("".join(parts) + written[position:], at)

    def _whole(self, text: str, at: int) -> str:
        """Halves of a character may meet in escapes; a half alone is refused."""
        if not text.isascii():
            try:
                return text.encode("utf-16-be", "surrogatepass").decode("utf-16-be")
            except UnicodeDecodeError:
                self.fail("syntax", "this text holds half a character", at)
        return text

    def word(self) -> Token | None:
        """The name, constant or foreign word that comes next, if one does."""
        at = self.skip_blank()
        for odd in self._odd:
            if self.text.startswith(odd, at):
                return self._name(at, odd)
        found = RUN.match(self.text, at)
        if not found:
            return None
        run = first = found.group()
        if "-" in run:
            known = [start for start in _beginnings(run) if self._knows(start)]
            first = run.partition("-")[0]
        else:
            known = [run] if self._knows(run) else []
        if first in CONSTANTS and first not in self.parameters:
            known = [start for start in known if start != first]
            if not known:
                self.position = at + len(first)
                return Token("constant", at, self.position, first)
        if not known:
            if first[0].isdigit():
                return None
            if first in FOREIGN:
                self.fail("not-in-language", f"there is no '{first}' in expressions", at)
            self.unknown(run, at)
        longest = known[-1]
        if len(known) > 1:
            self._refuse_ambiguous(longest, known[:-1], at)
        rest = run[len(longest) + 1 :]
        if rest and not self._is_operand(rest.partition("-")[0]) and not self._operand_starts(rest):
            self.unknown(run, at)
        return self._name(at, longest)

    def unknown(self, name: str, at: int) -> NoReturn:
        shown = name if len(name) <= 60 else name[:57] + "…"
        known = {} if len(self.names) > 1_000 else self.names
        hint = _OF_PYTHON.get(name)
        if hint is None and known:
            hint = did_you_mean(name, [*known, *self.parameters])
        self.fail("unknown-name", f"nothing here is called '{shown}'", at, hint)

    def _name(self, at: int, name: str) -> Token:
        self.position = at + len(name)
        return Token("name", at, self.position, name)

    def _knows(self, name: str) -> bool:
        return name in self.names or name in self.parameters

    def _is_operand(self, piece: str) -> bool:
        return piece.isdecimal() or self._knows(piece)

    def _operand_starts(self, rest: str) -> bool:
        return rest[0].isdigit() or any(
            self._knows(start) or start in CONSTANTS for start in _beginnings(rest)
        )

    def _refuse_ambiguous(self, longest: str, shorter: Collection[str], at: int) -> None:
        after = self.text[at + len(longest) : at + len(longest) + 2]
        for start in shorter:
            if isinstance(self.names.get(start), NodeName) and start not in self.parameters:
                continue  # nobody subtracts from a node
            pieces = longest[len(start) + 1 :].split("-")
            if not all(self._is_operand(piece) for piece in pieces):
                continue
            if pieces[-1].isdecimal() and (after[:1] in ("[", "?") or _reads_member(after)):
                continue  # nobody reads a member of a number
            self.fail(
                "ambiguous-name",
                f"'{longest}' is a name, and could also be {' - '.join((start, *pieces))}",
                at,
                f"write {' - '.join((start, *pieces))} with spaces, or rename one of them",
            )


def _odd(names: Iterable[str]) -> Sequence[str]:
    """Names that no run of word characters and hyphens covers, which are looked for by hand."""
    return sorted((name for name in names if not RUN.fullmatch(name)), key=len)[::-1]


def _double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _reads_member(after: str) -> bool:
    return after[:1] == "." and not after[1:].isdecimal()


def _beginnings(run: str) -> list[str]:
    """``a-b-c`` → a, a-b, a-b-c."""
    pieces = run.split("-")
    return ["-".join(pieces[: count + 1]) for count in range(len(pieces))]
