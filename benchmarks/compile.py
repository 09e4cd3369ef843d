"""How long a compilation takes, as multiples of parsing the same text with PyYAML's C loader.

    python benchmarks/compile.py            # the table
    python benchmarks/compile.py --most 3   # exit code 1 if 20 or 100 nodes take more

"compile" is a compilation of a text that has been compiled before, but not kept as a whole;
"unseen" one in which every id, label and expression is new; "hit" an unchanged text. Ratios within
one run are comparable between machines; all are measured in turn, and the best of several rounds
counts, so that a busy machine disturbs all alike.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from compiler import compile_workflow
from compiler.cache import FlowCache
from compiler.workflow import check_workflow

SIZES = (20, 100, 1000, 5000)
WISH = Path(__file__).parents[1] / "templates/workflows/safe_production_migration.yaml"


_LETTERS = str.maketrans("0123456789", "ghijklmnop")
"""An id begins with a letter."""


def definition(size: int, turn: int = 0) -> str:
    """A chain of the wish's nodes over and over: discover, condition, dry run, approval, ….

    Each ``turn`` has ids, labels and expressions of its own, in as many characters.
    """
    head = WISH.read_text().partition("nodes:\n")[0]
    lines = ["nodes:", "  start:", "    type: trigger", "    label: Start"]
    edges = ["edges:"]
    before, label = "start", ""
    kinds = (
        'action|Find {turn}{n}|action: discover_migrations|connectionId: "{{{{ connectionId }}}}"',
        'condition|Any {turn}{n}?|condition: "{{{{ {before}.output.migrations.length > 0 }}}}"|operator: equals|value: true',
        'action|Try {turn}{n}|action: dry_run|connectionId: "{{{{ connectionId }}}}"|migrations: "{{{{ {discover}.output.migrations }}}}"',
        'approval|Ask {turn}{n}|approvers: ["{{{{ currentUser.teamOwner }}}}"]|timeout: 3600',
        'notification|Tell {turn}{n}|provider: slack|webhook: "{{{{ slackWebhook }}}}"|message: "At {turn}{n} of {{{{ targetEnv }}}}"|maxRetries: 3',
    )
    labels = ("", "Yes", "", "Approved", "")
    discover, mark = "", f"{turn:03x}".translate(_LETTERS)
    for number in range(1, size):
        kind = (number - 1) % len(kinds)
        id_ = f"{mark}-{number}"
        discover = id_ if kind == 0 else discover
        type_, name, *rest = (
            kinds[kind].format(n=number, turn=mark, before=before, discover=discover).split("|")
        )
        lines += [f"  {id_}:", f"    type: {type_}", f"    label: {name}"]
        lines += [f"    {line}" for line in rest]
        edges += [f"  - source: {before}", f"    target: {id_}"]
        edges += [f'    label: "{label}"'] if label else []
        before, label = id_, labels[kind]
    return head + "\n".join([*lines, *edges]) + "\n"


def best(
    rounds: int,
    *functions: Callable[[], object],
    clock: Callable[[], float] = time.process_time,
) -> list[float]:
    """Seconds of each function, measured in turn; of processor time unless told otherwise."""
    found = [1e9] * len(functions)
    for _ in range(rounds):
        for index, function in enumerate(functions):
            gc.collect(1)  # nobody tidies up after the one before
            start = clock()
            function()
            found[index] = min(found[index], clock() - start)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--most", type=float, help="the ratio that 20 and 100 nodes may have, seen before or not"
    )
    most = parser.parse_args().most
    print(
        f"{'nodes':>6} {'bytes':>8} {'C loader':>10} {'check':>10} "
        f"{'compile':>10} {'ratio':>6} {'unseen':>10} {'ratio':>6} {'hit':>9}"
    )
    ratios = []
    for size in SIZES:
        text = definition(size)
        rounds = max(5, 10_000 // size)
        texts = [definition(size, turn) for turn in range(1, rounds + 1)]
        cache = FlowCache()
        cache.compile(text, "yaml")
        loader, check, unseen, compilation, hit = best(
            rounds,
            lambda text=text: yaml.load(text, yaml.CSafeLoader),  # type: ignore[misc]
            lambda text=text: check_workflow(text, "yaml"),  # type: ignore[misc]
            lambda texts=texts: compile_workflow(texts.pop(), "yaml"),  # type: ignore[misc]
            lambda text=text: compile_workflow(text, "yaml"),  # type: ignore[misc]
            lambda text=text, cache=cache: cache.compile(text, "yaml"),  # type: ignore[misc]
        )
        ratios.append(max(compilation, unseen) / loader)
        print(
            f"{size:>6} {len(text):>8} {loader * 1e3:>7.2f} ms {check * 1e3:>7.2f} ms "
            f"{compilation * 1e3:>7.2f} ms {compilation / loader:>6.2f} "
            f"{unseen * 1e3:>7.2f} ms {unseen / loader:>6.2f} {hit * 1e6:>6.0f} µs"
        )
    # The libraries that a compiler of this kind stands on, for the machine's own pace.
    libraries = [sys.executable, "-c", "import yaml, jinja2, pydantic; pydantic.BaseModel"]
    program = [sys.executable, "-m", "cli", "compile", "--check", str(WISH)]
    imports, cold = best(
        10,
        lambda: subprocess.run(libraries, capture_output=True, check=False),
        lambda: subprocess.run(program, capture_output=True, check=False),
        clock=time.perf_counter,
    )
    print(
        f"dataroll compile of one file, cold: {cold * 1e3:.0f} ms, {cold / imports:.2f} times "
        f"the {imports * 1e3:.0f} ms of importing PyYAML, Jinja and pydantic"
    )
    if most is not None and max(ratios[:2]) > most:
        sys.exit(f"more than {most} times the C loader")


if __name__ == "__main__":
    main()
