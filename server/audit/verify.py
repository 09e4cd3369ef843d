"""Check an exported audit log: every hash, every link, no number missing.

::

    curl …/api/audit/export | dataroll audit verify -
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from server.audit.record import START, entry_hash


@dataclass
class Verdict:
    entries: int = 0
    chains: dict[str, tuple[int, str]] = field(default_factory=dict)
    """The end of each chain: its number and hash, to compare with a copy kept elsewhere."""
    wrong: list[str] = field(default_factory=list)


def verify(lines: Iterable[str]) -> Verdict:
    """Reads JSON lines in the order of the export."""
    verdict = Verdict()
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            chain, seq = str(line["chain"]), int(line["seq"])
        except (ValueError, KeyError, TypeError):
            verdict.wrong.append(f"line {number}: is not an entry of an audit log")
            continue
        verdict.entries += 1
        last_seq, last_hash = verdict.chains.get(chain, (0, START))
        place = f"line {number} (chain {chain}, entry {seq})"
        if seq != last_seq + 1:
            verdict.wrong.append(f"{place}: entry {last_seq + 1} should stand here")
        elif line.get("previousHash") != last_hash:
            verdict.wrong.append(f"{place}: does not follow the entry before it")
        if entry_hash(line) != line.get("hash"):
            verdict.wrong.append(f"{place}: was changed after it was written")
        verdict.chains[chain] = (seq, str(line.get("hash")))
    return verdict
