"""Breaks the code that keeps texts from becoming code in every small way: something must notice."""

from __future__ import annotations

import re
import types

import pytest

from compiler import code, gate, literals, names, plain, verbatim
from tests.compiler.mutants import mutants, running
from tests.compiler.promises import (
    code_holds,
    gate_holds,
    literals_hold,
    names_hold,
    plain_holds,
    verbatim_holds,
)

PROMISES = {
    literals: (literals_hold,),
    code: (literals_hold, code_holds),
    names: (names_hold,),
    plain: (plain_holds,),
    verbatim: (verbatim_holds,),
    gate: (gate_holds,),
}

EQUIVALENT = {
    literals: {
        r"^if text.isascii\(\).* → False": "only the quick way for plain texts is not taken",
        r"""^'(\\\\|")' → nothing""": "the same: '' is in every text",
        r"^number < 256 → LtE|^25[67] →|^256 →": "ÿ and Ā are printable and never come here",
        r"^'\u034f.* → another text": "one more sign in a set of signs",
        r"^number < 65536 → LtE|^65536 → 65537": "the first letter beyond is printable",
    },
    code: {},
    plain: {},
    names: {
        r"^without the item '_'|^'_' → ": "a soft keyword anyway; or one more character to strip",
        r"^'ascii' → another text": "Python reads over the sign in a codec's name",
        r"^1 → 0": "com0 and lpt0 would get an underscore too",
        r"^9 → 10": "the mark of a long name stands one further to the left",
    },
    verbatim: {
        r"→ another text": "one more sign in a set of signs",
        r"^1 → [02]": "the first letter of a line or none, either way",
    },
    gate: {
        r"^if planned != joined → True": "the tree is looked at too",
        r"^if plain is not None → False": "the parser says the same, later",
        r"^if on_one_line\(.*_flow_in_words.* → True": "the same for the flow function",
        r"^if made is None → True|^if parameter.default → False": "the same again",
        r"^without raise GateError\(.*holds? more than was planned": "then a name is unbound, or None is not equal",
        r"^if '#' in text → True": "it is always read with brackets too",
        r"^if kind is ast.Constant → False": "a constant has nothing below it",
        r"found and end|the flow function has another form": "then the rules are not as many",
    },
}
"""Mutants that do the same, with the reason; each pattern must still be of use."""

WEAKENING = re.compile(
    r"if .* → (True|False)|without (raise|not|\w+\()|→ (Eq|NotEq|Lt|LtE|Gt|GtE|In|NotIn|Is|IsNot|And|Or)$"
)


@pytest.mark.parametrize(
    "module",
    [literals, code, names, plain, verbatim, pytest.param(gate, marks=pytest.mark.long)],
    ids=lambda module: module.__name__.rpartition(".")[2],
)
@pytest.mark.timeout(900)
def test_no_small_change_goes_unnoticed(module: types.ModuleType) -> None:
    unnoticed: list[str] = []
    tried = 0
    unused = set(EQUIVALENT[module])
    for place, tree in mutants(module):
        words = place.partition(": ")[2]
        if module is gate and not WEAKENING.search(words):
            continue  # the gate's texts decide only which of two ways is taken
        tried += 1
        if noticed(module, tree):
            continue
        reasons = [pattern for pattern in EQUIVALENT[module] if re.search(pattern, words)]
        unused.difference_update(reasons)
        if not reasons:
            unnoticed.append(place)
    assert unnoticed == []
    assert unused == set()
    assert tried > 30
    for promise in PROMISES[module]:
        promise()  # everything is as it was


def noticed(module: types.ModuleType, tree: object) -> bool:
    try:
        with running(module, tree):  # type: ignore[arg-type]
            for promise in PROMISES[module]:
                promise()
    except Exception:
        return True
    return False
