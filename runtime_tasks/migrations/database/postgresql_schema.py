"""PostgreSQL's schema as texts, from its catalogues: what a fingerprint is made of.

Objects that belong to an extension count as the extension. Column numbers are
left out, because a column dropped and added again leaves a hole in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime_tasks.migrations.database.base import JOURNAL_TABLE, Fingerprint

if TYPE_CHECKING:
    from runtime_tasks.migrations.database.postgresql import PostgreSQL

_OURS = (
    "{0} NOT LIKE 'pg\\_%' AND {0} <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend e"
    " WHERE e.deptype = 'e' AND e.objid = {1} AND e.classid = '{2}'::regclass)"
)

_NAME = "CASE WHEN n.nspname = current_schema() THEN {0} ELSE n.nspname || '.' || {0} END"

TABLES = f"""
SELECT {_NAME.format("c.relname")} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND {_OURS.format("n.nspname", "c.oid", "pg_class")}
"""

# Each query gives: kind, name, definition, and the table it hangs on (for leaving tables out).
QUERIES = (
    f"""
    SELECT 'table', {_NAME.format("c.relname")}, concat_ws(' ', c.relkind, c.relpersistence,
      CASE WHEN c.relrowsecurity THEN 'rls' END, CASE WHEN c.relforcerowsecurity THEN 'force' END,
      c.reloptions::text, c.relacl::text, pg_get_partkeydef(c.oid),
      pg_get_expr(c.relpartbound, c.oid), obj_description(c.oid, 'pg_class'),
      (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
         CASE WHEN a.attnotnull THEN 'not null' END, pg_get_expr(d.adbin, d.adrelid),
         nullif(a.attidentity, ''), nullif(a.attgenerated, ''),
         CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
         col_description(a.attrelid, a.attnum)), E'\\n' ORDER BY a.attnum)
       FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
       LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)), c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'c') AND {_OURS.format("n.nspname", "c.oid", "pg_class")}
    """,
    f"""
    SELECT 'constraint', {_NAME.format("c.relname")} || '.' || k.conname,
      pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated THEN '' ELSE ' not valid' END,
      c.relname
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OURS.format("n.nspname", "c.oid", "pg_class")}
    """,
    f"""
    SELECT 'index', {_NAME.format("i.relname")},
      pg_get_indexdef(i.oid) || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END, c.relname
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = i.relnamespace
    WHERE {_OURS.format("n.nspname", "c.oid", "pg_class")} AND n.nspname <> 'pg_toast'
    """,
    f"""
    SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END,
      {_NAME.format("c.relname")}, concat_ws(' ', pg_get_viewdef(c.oid), c.reloptions::text,
      c.relacl::text), ''
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND {_OURS.format("n.nspname", "c.oid", "pg_class")}
    """,
    f"""
    SELECT 'sequence', {_NAME.format("c.relname")}, concat_ws(' ', format_type(s.seqtypid, NULL),
      s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle),
      coalesce((SELECT t.relname FROM pg_depend o JOIN pg_class t ON t.oid = o.refobjid
        WHERE o.objid = c.oid AND o.classid = 'pg_class'::regclass
        AND o.refclassid = 'pg_class'::regclass AND o.deptype IN ('a', 'i') LIMIT 1), '')
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OURS.format("n.nspname", "c.oid", "pg_class")}
    """,
    f"""
    SELECT 'function', {_NAME.format("p.oid::regprocedure::text")},
      CASE WHEN p.prokind IN ('f', 'p', 'w') THEN pg_get_functiondef(p.oid) ELSE p.prokind::text END,
      ''
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE {_OURS.format("n.nspname", "p.oid", "pg_proc")}
    """,
    f"""
    SELECT 'trigger', {_NAME.format("c.relname")} || '.' || t.tgname,
      pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text, c.relname
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND {_OURS.format("n.nspname", "c.oid", "pg_class")}
    """,
    f"""
    SELECT 'type', {_NAME.format("t.typname")}, concat_ws(' ', t.typtype,
      (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e
       WHERE e.enumtypid = t.oid), format_type(nullif(t.typbasetype, 0), t.typtypmod),
      CASE WHEN t.typnotnull THEN 'not null' END, t.typdefault,
      (SELECT string_agg(pg_get_constraintdef(k.oid), ', ' ORDER BY k.conname)
       FROM pg_constraint k WHERE k.contypid = t.oid)), ''
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd', 'r') AND {_OURS.format("n.nspname", "t.oid", "pg_type")}
    """,
    f"""
    SELECT 'policy', {_NAME.format("c.relname")} || '.' || p.polname, concat_ws(' ', p.polcmd,
      p.polpermissive, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
      (SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname) FROM pg_roles r
       WHERE r.oid = ANY (p.polroles))), c.relname
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    """,
    "SELECT 'extension', extname, extversion, '' FROM pg_extension",
    "SELECT 'schema', nspname, coalesce(nspacl::text, ''), '' FROM pg_namespace n WHERE "
    + _OURS.format("n.nspname", "n.oid", "pg_namespace"),
)


def fingerprint(database: PostgreSQL, ignore: Sequence[str]) -> Fingerprint:
    left_out = {name.rpartition(".")[2] for name in (JOURNAL_TABLE, *ignore)}
    schemas = {name.rpartition(".")[0] for name in ignore}
    objects: dict[str, str] = {}
    for query in QUERIES:
        for kind, name, definition, table in database.query(query):
            if table not in left_out and not (kind == "schema" and name in schemas):
                objects[f"{kind} {name}"] = definition or ""
    return Fingerprint(objects)
