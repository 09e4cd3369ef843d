"""Check an exported audit log: every hash, every link, no number missing, and nothing at its end.

::

    curl …/api/audit/export | dataroll audit verify -

An export closes with a signed line that says where the chain ends, so a file that was cut off
is noticed, and so are entries that somebody took out of the end of the table. Who can also write
the table of ends could make a shorter log look whole: an earlier export, kept elsewhere, tells
(``continues``).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from server.audit.record import START, end_text, entry_hash

End = tuple[int, str]
"""The number and the hash of a chain's last entry."""


@dataclass
class Verdict:
    entries: int = 0
    chains: dict[str, End] = field(default_factory=dict)
    """The end of each chain, to compare with a copy kept elsewhere."""
    signed_by: set[str] = field(default_factory=set)
    """Public keys whose signatures fit; whether they are the server's is the reader's to know."""
    wrong: list[str] = field(default_factory=list)


def verify(
    lines: Iterable[str],
    *,
    public_key: str | None = None,
    continues: Mapping[str, End] | None = None,
) -> Verdict:
    """Reads JSON lines in the order of the export.

    ``public_key``: the server's, base64; without it any key that fits is reported.
    ``continues``: the ends of an earlier export, which this one has to hold.
    """
    verdict = Verdict()
    earlier = dict(continues or {})
    closed: set[str] = set()
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            if "end" in line:
                _close(verdict, closed, number, line, public_key)
                continue
            chain, seq = str(line["chain"]), int(line["seq"])
        except (ValueError, KeyError, TypeError):
            verdict.wrong.append(f"line {number}: is not an entry of an audit log")
            continue
        verdict.entries += 1
        last_seq, last_hash = verdict.chains.get(chain, (0, START))
        place = f"line {number} (chain {chain}, entry {seq})"
        if chain in closed:
            verdict.wrong.append(f"{place}: stands after the end of its chain")
        if seq != last_seq + 1:
            verdict.wrong.append(f"{place}: entry {last_seq + 1} should stand here")
        elif line.get("previousHash") != last_hash:
            verdict.wrong.append(f"{place}: does not follow the entry before it")
        if entry_hash(line) != line.get("hash"):
            verdict.wrong.append(f"{place}: was changed after it was written")
        verdict.chains[chain] = (seq, str(line.get("hash")))
        if earlier.get(chain) == verdict.chains[chain]:
            del earlier[chain]
    for chain in sorted(verdict.chains.keys() - closed):
        verdict.wrong.append(f"chain {chain}: the line that says where it ends is missing")
    for chain, (seq, _) in sorted(earlier.items()):
        verdict.wrong.append(f"chain {chain}: entry {seq} of the earlier export is not in this one")
    return verdict


def _close(
    verdict: Verdict, closed: set[str], number: int, line: Any, public_key: str | None
) -> None:
    end = line["end"]
    chain, key = str(end["chain"]), str(line["publicKey"])
    place = f"line {number} (end of chain {chain})"
    if (int(end["seq"]), end["hash"]) != verdict.chains.setdefault(chain, (0, START)):
        verdict.wrong.append(f"{place}: the chain goes on to entry {end['seq']}, which is missing")
    if public_key is not None and key != public_key:
        verdict.wrong.append(f"{place}: is signed by another key than {public_key}")
    try:
        signature = base64.b64decode(line["signature"], validate=True)
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True)).verify(
            signature, end_text(end).encode()
        )
        verdict.signed_by.add(key)
    except (InvalidSignature, ValueError):
        verdict.wrong.append(f"{place}: its signature does not fit")
    closed.add(chain)
