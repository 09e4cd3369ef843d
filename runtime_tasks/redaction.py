"""Secrets leave nothing behind: every text that is kept or shown passes here first.

A value is looked for plainly, percent-encoded and JSON-escaped however far somebody went with it,
and in base64 at each of the three alignments, so that it is found inside a longer encoded text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any

MASK = "••••"
SHORTEST = 4
"""Shorter values are words of the language; hiding them would hide everything."""
PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")
"""What nothing encodes: RFC 3986's unreserved characters."""


class Redactor:
    def __init__(self, secrets: Iterable[str]) -> None:
        kept = {secret for secret in secrets if len(secret) >= SHORTEST}
        forms = kept | {form for secret in kept for form in _base64(secret)}
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._spelled = [
            (max(PLAIN.findall(secret), key=len, default=""), _spellings(secret))
            for secret in sorted(kept, key=lambda secret: (-len(secret), secret))
            if not PLAIN.fullmatch(secret)
        ]

    def text(self, text: str) -> str:
        # One substring search per form: with fifty secrets a regular expression of all
        # their forms was twenty times slower.
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        for part, pattern in self._spelled:
            if part in text:
                text = pattern.sub(MASK, text)
        return text

    def json(self, value: Any) -> Any:
        """The same JSON with every secret masked, in keys too."""
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.json(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.json(inner) for inner in value]
        return value


def _spellings(secret: str) -> re.Pattern[str]:
    """Each character by itself: libraries differ in which ones they encode, and some encode again
    what is encoded already."""
    return re.compile("".join(_spelling(character) for character in secret))


def _spelling(character: str) -> str:
    if PLAIN.fullmatch(character):
        return re.escape(character)
    percent = "".join(rf"%(?:25)*(?i:{byte:02x})" for byte in character.encode())
    escapes = {json.dumps(character)[1:-1], json.dumps(character, ensure_ascii=False)[1:-1]}
    escapes |= {f"\\u{ord(character):04x}", "\\/" if character == "/" else character}
    # Text inside JSON inside JSON: each backslash may be there more than once. And hexadecimal
    # digits come in both cases.
    written = [
        f"(?i:{found})" if "u" in found else found
        for escape in escapes - {character}
        if (found := re.escape(escape).replace(r"\\", r"\\+"))
    ]
    written += [re.escape(character), *([r"\+"] if character == " " else [])]
    return f"(?:{percent}|{'|'.join(sorted(written, key=len, reverse=True))})"


def _base64(secret: str) -> Iterable[str]:
    raw = secret.encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        # Characters that also depend on the bytes before or after are cut off.
        start = (shift * 8 + 5) // 6
        end = len(b"\0" * shift + raw) * 8 // 6
        core = encoded[start:end].decode()
        if len(core) >= SHORTEST + 2:
            yield core
            yield core.replace("+", "-").replace("/", "_")
