/** Ids that are unique, readable, and names in expressions: `discover-1`, `discover-2`. */

/** Words too long for an id that people type into expressions. */
const SHORT: Record<string, string> = {
  discover_migrations: "discover",
  execute_migrations: "execute",
  dry_run: "dryrun",
  http_request: "http",
  check_connections: "check",
  migration_report: "report",
  notification: "notify",
  run_sql: "sql",
  run_tests: "tests",
};

export function freshId(base: string, taken: ReadonlySet<string>): string {
  const stem =
    (SHORT[base] ?? base)
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "") || "node";
  for (let number = 1; ; number++) {
    const id = `${stem}-${number}`;
    // `a-1` and `a_1` would become one name in the generated file.
    if (!taken.has(id) && !taken.has(id.replaceAll("-", "_"))) return id;
  }
}

/** What a copy of this node is called: the same stem, the next free number. */
export function copiedId(id: string, taken: ReadonlySet<string>): string {
  return freshId(id.replace(/[-_]?\d+$/, ""), taken);
}

const ID = /^[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*$/;
const RESERVED = new Set([
  "connectionId",
  "currentUser",
  "trigger",
  "execution",
  "variables",
  "Math",
  "true",
  "false",
  "null",
  "undefined",
]);

/** Why this cannot be a node's id, or undefined. */
export function idProblem(id: string, taken: ReadonlySet<string>): string | undefined {
  if (!ID.test(id)) return "An id is letters, digits and single hyphens, and begins with a letter.";
  if (RESERVED.has(id)) return `“${id}” is a word of the expression language.`;
  const name = id.replaceAll("-", "_");
  const other = [...taken].find((used) => used.replaceAll("-", "_") === name);
  return other ? `“${other}” has this name already.` : undefined;
}
