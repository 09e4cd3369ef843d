/**
 * A value that somebody is asked for: a declared variable, or a template's question.
 *
 *     wrong({ name: "ticket", type: "string", pattern: "[A-Z]+-[0-9]+" }, "x")  →  "It does not match [A-Z]+-[0-9]+."
 *
 * The server checks the same; here people are told before they press the button.
 */
import type { WorkflowVariable } from "./definition";
import { isMap, type Plain } from "./tree";

export interface Asked {
  name: string;
  /** string | number | boolean | object | list | connection | secret | cron | timezone | approvers | emails */
  type: string;
  label?: string;
  hint?: string | undefined;
  required?: boolean;
  default?: Plain | undefined;
  pattern?: string | undefined;
  enum?: readonly Plain[] | undefined;
}

export const VARIABLE_TYPES = ["string", "number", "boolean", "object", "list", "connection", "secret"];

export function askedOf(variable: WorkflowVariable): Asked {
  const { name, type, description, pattern } = variable;
  return {
    name,
    type,
    hint: description,
    default: variable.default,
    required: variable.required !== false && variable.default === undefined,
    ...(typeof pattern === "string" && pattern ? { pattern } : {}),
    ...(Array.isArray(variable.enum) && variable.enum.length ? { enum: variable.enum } : {}),
  };
}

/** Undefined when the value will do; a value that is left out is wrong only where it must be given. */
export function wrong(asked: Asked, value: Plain | undefined): string | undefined {
  if (value === undefined || value === "") return asked.required ? "It must be given." : undefined;
  switch (asked.type) {
    case "number":
      if (typeof value !== "number" || !Number.isFinite(value)) return "A number is wanted.";
      break;
    case "boolean":
      if (typeof value !== "boolean") return "True or false is wanted.";
      break;
    case "object":
      if (!isMap(value)) return 'An object is wanted, such as {"key": "value"}.';
      break;
    case "list":
    case "approvers":
    case "emails":
      if (!Array.isArray(value)) return "A list is wanted.";
      break;
  }
  if (asked.enum && !asked.enum.some((choice) => choice === value)) return "It is none of the choices.";
  if (asked.pattern && typeof value === "string") return unlike(asked.pattern, value);
  return undefined;
}

/** The server matches the whole text. A pattern that this browser cannot read is the server's to judge. */
function unlike(pattern: string, value: string): string | undefined {
  try {
    return new RegExp(`^(?:${pattern})$`, "u").test(value) ? undefined : `It does not match ${pattern}.`;
  } catch {
    return undefined;
  }
}
