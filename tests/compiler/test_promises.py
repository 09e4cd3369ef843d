from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.compiler.promises import PROMISES, SOUND


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_a_line_of_defence_keeps_its_promise(promise: Callable[[], None]) -> None:
    promise()


def test_every_tampering_finds_its_place() -> None:
    """A tampering that changes nothing would prove nothing."""
    from tests.compiler.promises import ANYWHERE, AT_MANY, AT_WISH

    for which, tampered in (("wish", AT_WISH), ("many", AT_MANY)):
        assert [old for old, _ in tampered if old not in SOUND[which][0].source] == []
    assert [
        old for old, _ in ANYWHERE if not any(old in flow.source for flow, _, _ in SOUND.values())
    ] == []
