"""The collector of reference cycles rests while a definition is compiled.

Each time that some hundred objects have been made, Python's collector looks for cycles among the
young ones. A compilation makes ten thousand and more that live until its end, and hardly a cycle:
a tenth of its time, and a quarter where the definition is large, went into looking in vain.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """In several threads at once, too: it is stopped only by one that will start it again.

    Another thread may start it meanwhile; that costs time, and nothing else.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
