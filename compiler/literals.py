r"""The one place where a user's text becomes Python: as a literal, every character of it escaped
that could end the literal, or that a reader would not see.

>>> quoted('say "hi"\n')
'\'say "hi"\\n\''
>>> quoted("a\u202eb\x00")
'"a\\u202eb\\x00"'
"""

from __future__ import annotations

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def quoted(text: str) -> str:
    """Double quotes unless single ones need fewer escapes, which is black's rule."""
    quote = quote_for(text)
    return quote + escaped(text, quote) + quote


def quote_for(text: str) -> str:
    return "'" if text.count('"') > text.count("'") else '"'


def escaped(text: str, quote: str) -> str:
    """The inside of a literal.

    Whatever is not printable by Unicode (control characters, bidirectional marks, zero
    widths, line separators, private use) is escaped, so that the file shows what it holds.
    """
    if text.isascii() and text.isprintable() and "\\" not in text and quote not in text:
        return text
    return "".join([_escaped(character, quote) for character in text])


def _escaped(character: str, quote: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character == quote:
        return "\\" + character
    if character.isprintable():
        return character
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def number(value: int | float) -> str:
    """Black writes 1e100 where repr writes 1e+100."""
    return repr(value).replace("e+", "e")
