"""What would mend a problem, said so that a program can do it."""

from __future__ import annotations

import pytest

from compiler.fixes import Fix, fixes_for
from compiler.workflow import check_workflow
from tests.compiler.definitions import workflow

START = "start: {type: trigger}\n"
GO = 'go: {type: action, action: execute_migrations, connectionId: "{{ connectionId }}"}\n'


def fixes(text: str, code: str) -> list[Fix]:
    checked = check_workflow(text, "yaml")
    both = zip(checked.problems, fixes_for(checked, text), strict=True)
    return [fix for problem, fix in both if problem.code == code and fix is not None]


def replaced(text: str, fix: Fix) -> str:
    """The text after a fix of words, made by hand as an editor would."""
    lines = text.split("\n")
    for edit in fix.edits:
        assert edit.edit == "replace-text"
        line = lines[edit.line - 1]
        assert line.startswith(edit.old, edit.column - 1)
        end = edit.column - 1 + len(edit.old)
        lines[edit.line - 1] = line[: edit.column - 1] + edit.new + line[end:]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("nodes", "code", "title", "after"),
    [
        ("go: {type: acton}", "unknown-value", "Write action", "type: action}"),
        ('"go": {"type": "trigger", "nots": "x"}', "unknown-key", "Write notes", '"notes": "x"'),
        (
            "go: {type: action, action: discover_migration, connectionId: x}",
            "unknown-value",
            "Write discover_migrations",
            "action: discover_migrations,",
        ),
        ("go: {type: trigger, label: 5}", "wrong-type", 'Write "5"', 'label: "5"}'),
        (
            'a-1: {type: trigger}\nb: {type: condition, condition: "{{ 1 + a-2.output }}"}',
            "unknown-name",
            "Write a-1",
            '"{{ 1 + a-1.output }}"',
        ),
        (
            "d: {type: action, action: discover_migrations, connectionId: x}\n"
            "b:\n  type: condition\n  condition: |\n"
            "    {{ d.output.migratons.length > 0 }}",
            "unknown-field",
            "Write migrations",
            "{{ d.output.migrations.length > 0 }}",
        ),
    ],
)
def test_a_word_that_was_meant_otherwise_is_written(
    nodes: str, code: str, title: str, after: str
) -> None:
    text = workflow(nodes, "d -> b" if "d.output" in nodes else "")
    (fix,) = fixes(text, code)
    assert fix.title == title
    mended = replaced(text, fix)
    assert after in mended
    assert fixes(mended, code) == []


@pytest.mark.parametrize(
    ("text", "code", "title", "edits"),
    [
        (
            workflow(START + GO.replace(', connectionId: "{{ connectionId }}"', ""), "start -> go"),
            "missing",
            "Add connectionId: {{ connectionId }}",
            [("set-field", "go", "connectionId", "{{ connectionId }}")],
        ),
        (
            "name: Test\nnodes: {start: {type: trigger}}\n",
            "missing",
            'Write version: "1.0"',
            [("set-top", "version", "1.0")],
        ),
        (
            workflow(START + GO, "start -> go\nstart -> goo"),
            "unknown-node",
            "Write go",
            [("set-edge", 1, "target", "go")],
        ),
        (
            workflow(START + GO, "start -> go\nstart -> go"),
            "duplicate-edge",
            "Remove the edge",
            [("remove-edge", 1)],
        ),
        (
            workflow(START + GO, "start -> go: Failed"),
            "unknown-label",
            "Remove the label",
            [("set-edge", 0, "label", None)],
        ),
        (
            workflow(START + GO, "start -> go\ngo -> start"),
            "edge-into-start",
            "Remove the edge",
            [("remove-edge", 1)],
        ),
        (
            workflow(START + GO.replace("}\n", ", maxRetries: 2, retryDelay: 1}\n"), "start -> go"),
            "retry-not-idempotent",
            "Remove the retries",
            [("set-field", "go", "maxRetries", None), ("set-field", "go", "retryDelay", None)],
        ),
        (
            workflow(START + GO),
            "unreachable",
            "Connect start to it",
            [("add-edge", "start", "go", None)],
        ),
        (
            workflow(START + GO + GO.replace("go:", "again:"), "start -> go\nstart -> again"),
            "side-by-side",
            "Run again after go",
            [("add-edge", "go", "again", None)],
        ),
        (
            workflow(START + GO, "start -> go"),
            "rollback-coverage",
            "Add a rollback for when it fails",
            [
                (
                    "add-node",
                    "rollback-1",
                    "action",
                    "Roll back",
                    {"action": "rollback", "connectionId": "{{ connectionId }}"},
                ),
                ("add-edge", "go", "rollback-1", "Failed"),
            ],
        ),
    ],
)
def test_what_has_one_sensible_answer_is_offered(
    text: str, code: str, title: str, edits: list[tuple[object, ...]]
) -> None:
    fix = fixes(text, code)[0]
    assert fix.title == title
    assert [(edit.edit, *list(vars(edit).values())[:-1]) for edit in fix.edits] == edits


def test_a_rollback_that_is_there_is_used() -> None:
    back = GO.replace("go:", "back:").replace("execute_migrations", "rollback")
    text = workflow(START + GO + GO.replace("go:", "late:") + back, "start -> go\ngo -> late")
    titles = {fix.title for fix in fixes(text, "rollback-coverage")}
    assert titles == {"Draw a Failed edge to back"}


def test_a_hostile_text_gets_no_fix_that_was_not_checked() -> None:
    # The word at the place is not the one that the message speaks of.
    text = "version: '1.0'\nname: T\nnodes: {a: {\"ty\\u0070o\": 1, type: trigger}}\n"
    assert fixes(text, "unknown-key") == []
