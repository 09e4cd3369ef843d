"""The same three migrations in the layout of each tool that our runner runs."""

from __future__ import annotations

import json

STEPS = (
    (
        "users",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(50));\n"
        "INSERT INTO users VALUES (1, 'a;b');",
        "DROP TABLE users;",
    ),
    (
        "email",
        "ALTER TABLE users ADD COLUMN email VARCHAR(90);",
        "ALTER TABLE users DROP COLUMN email;",
    ),
    ("orders", "CREATE TABLE orders (id INTEGER PRIMARY KEY);", "DROP TABLE orders;"),
)

Files = dict[str, str]


def layout(tool: str, steps: tuple[tuple[str, str, str], ...] = STEPS) -> Files:
    files: Files = {}
    for number, (name, up, down) in enumerate(steps, 1):
        stamp = f"2024010100000{number}"
        match tool:
            case "sql":
                files |= {f"{number:03}_{name}.sql": up, f"{number:03}_{name}.down.sql": down}
            case "goose":
                text = f"-- +goose Up\n{up}\n\n-- +GOOSE down\n{down}\n"
                files[f"{number:05}_{name}.sql"] = text
            case "golang-migrate":
                base = f"{number:06}_{name}"
                files |= {f"{base}.up.sql": up, f"{base}.down.sql": down}
            case "dbmate":
                files[f"{stamp}_{name}.sql"] = f"-- migrate:up\n{up}\n\n-- migrate:down\n{down}\n"
            case "flyway":
                files |= {f"V1.{number}__{name}.sql": up, f"U1.{number}__{name}.sql": down}
            case "prisma":
                base = f"{stamp}_{name}"
                files |= {f"{base}/migration.sql": up, f"{base}/down.sql": down}
            case "drizzle":
                base = f"{number - 1:04}_{name}"
                text = up.replace(";\n", ";\n--> statement-breakpoint\n").rstrip(";")
                files |= {f"{base}.sql": text, f"{base}.down.sql": down}
    if tool == "drizzle":
        entries = [
            {
                "idx": i,
                "version": "7",
                "when": 1700000000000 + i,
                "tag": f"{i:04}_{name}",
                "breakpoints": True,
            }
            for i, (name, _, _) in enumerate(steps)
        ]
        journal = {"version": "7", "dialect": "postgresql", "entries": entries}
        files["meta/_journal.json"] = json.dumps(journal)
    return files


TOOLS = ("sql", "goose", "golang-migrate", "dbmate", "flyway", "prisma", "drizzle")
