r"""The one place where a user's text becomes Python: as a literal, every character of it escaped
that could end the literal, or that a reader would not see.

>>> quoted('say "hi"\n')
'\'say "hi"\\n\''
>>> quoted("a\u202eb\x00")
'"a\\u202eb\\x00"'
"""

from __future__ import annotations

from compiler.newer_characters import NEWER

_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and symbols by their category, and blank (Default_Ignorable_Code_Point in
DerivedCoreProperties.txt of the Unicode Character Database, and the empty braille pattern)."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def quoted(text: str) -> str:
    """Double quotes unless single ones need fewer escapes, which is black's rule."""
    if text.isascii() and text.isprintable() and not ('"' in text or "\\" in text):
        return f'"{text}"'  # as nearly all are
    quote = quote_for(text)
    return f"{quote}{escaped(text, quote)}{quote}"


def quote_for(text: str) -> str:
    return "'" if text.count('"') > text.count("'") else '"'


def escaped(text: str, quote: str) -> str:
    """The inside of a literal.

    Whatever a reader would not see (control characters, bidirectional marks, zero widths,
    line separators, private use) is escaped, so that the file shows what it holds.
    """
    if text.isascii() and text.isprintable() and "\\" not in text and quote not in text:
        return text
    return "".join([_escaped(character, quote) for character in text])


def _escaped(character: str, quote: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character == quote:
        return "\\" + character
    if visible(character):
        return character
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def visible(character: str) -> bool:
    """Whether a reader sees the character; the same under every version of Python.

    >>> visible("é"), visible("🦉"), visible("\\u3164"), visible("\\u00a0")
    (True, True, False, False)
    """
    return character.isprintable() and character not in _FILLERS and not NEWER.match(character)


def number(value: int | float) -> str:
    """Black writes 1e100 where repr writes 1e+100."""
    return repr(value).replace("e+", "e")
