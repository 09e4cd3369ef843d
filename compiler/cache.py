"""Compiled flows by the text they came from: an unchanged file is not compiled again.

A compilation depends on nothing but its arguments and the compiler itself, so the key is
their digest. The memory is one process's; ``dataroll compile`` needs none on disk, because it
compares its result with the file that is there.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from compiler.compiled import CompiledFlow
from compiler.workflow import Format, compile_workflow

MOST = 256


class FlowCache:
    """Keeps the flows that were asked for last. Safe to share between threads."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.hits = 0
        self._flows: OrderedDict[tuple[str, str, int], CompiledFlow] = OrderedDict()
        self._lock = Lock()

    def compile(
        self,
        source: str | bytes,
        format: Format,  # noqa: A002 - the fixed name
        *,
        version: int = 1,
    ) -> CompiledFlow:
        """As :func:`compiler.compile_workflow`; what does not compile is not kept."""
        data = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
        key = (hashlib.sha256(data).hexdigest(), format, version)
        with self._lock:
            known = self._flows.get(key)
            if known is not None:
                self.hits += 1
                self._flows.move_to_end(key)
                return known
        flow = compile_workflow(source, format, version=version)
        with self._lock:
            self._flows[key] = flow
            while len(self._flows) > self.most:
                self._flows.popitem(last=False)
        return flow
