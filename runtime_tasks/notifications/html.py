"""HTML from elsewhere, reduced to what a report needs: no scripts, no attributes, no addresses."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

KEPT = frozenset(
    "h1 h2 h3 h4 p ul ol li table thead tbody tr th td code pre strong em b i br hr".split()  # noqa: SIM905
)
EMPTY = frozenset({"br", "hr"})
DROPPED = frozenset({"script", "style", "head", "title", "template"})


def harmless(html: str) -> str:
    """``html`` with the tags that are kept, bare; the rest of the text stays, escaped."""
    cleaner = _Cleaner()
    cleaner.feed(html)
    cleaner.close()
    return "".join(cleaner.parts) + "".join(f"</{tag}>" for tag in reversed(cleaner.open))


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.open: list[str] = []
        self.dropping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED:
            self.dropping += 1
        elif tag in KEPT and not self.dropping:
            self.parts.append(f"<{tag}>")
            if tag not in EMPTY:
                self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in DROPPED:
            self.dropping = max(0, self.dropping - 1)
        elif tag in self.open and not self.dropping:
            while True:
                closing = self.open.pop()
                self.parts.append(f"</{closing}>")
                if closing == tag:
                    break

    def handle_data(self, data: str) -> None:
        if not self.dropping:
            self.parts.append(escape(data))
