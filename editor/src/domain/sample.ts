/**
 * Made-up data of a schema's shape, for trying expressions before anything has run.
 *
 *     sampleOf({ type: "array", items: { type: "string" } })  →  ["text"]
 */
import type { Schema } from "./nodeTypes";
import { resolve, type Name } from "./scope";
import type { Plain } from "./tree";

export function sampleOf(
  schema: Schema,
  defs: Record<string, Schema> = schema.$defs ?? {},
  depth = 0,
): Plain {
  const found = resolve(schema, defs);
  if (!found || depth > 5) return null;
  const usual = found.default;
  // An empty list or map says nothing of the shape.
  if (usual !== undefined && usual !== null && (typeof usual !== "object" || Object.keys(usual).length > 0))
    return usual;
  if (found.const !== undefined) return found.const;
  if (found.enum) return found.enum[0] ?? null;
  switch (found.type) {
    case "array":
      return found.items ? [sampleOf(found.items, defs, depth + 1)] : [];
    case "object":
      return Object.fromEntries(
        Object.entries(found.properties ?? {}).map(([key, inner]) => [key, sampleOf(inner, defs, depth + 1)]),
      );
    case "string":
      return "text";
    case "number":
    case "integer":
      return 1;
    case "boolean":
      return true;
    default:
      return null;
  }
}

/** Every name of a scope with made-up data, and over it what really came out of a run. */
export function sampleScope(
  scope: readonly Name[],
  outputs: ReadonlyMap<string, unknown>,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const { name, schema } of scope) {
    const defs = { ...schema.$defs, ...schema.properties?.["output"]?.$defs };
    result[name] = sampleOf(schema, defs);
    if (outputs.has(name)) result[name] = { output: outputs.get(name), status: "success", error: null };
  }
  return result;
}
