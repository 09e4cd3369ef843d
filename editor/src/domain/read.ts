/** Text to tree, whichever way it is written. */
import { readJson } from "./readJson";
import { readYaml } from "./readYaml";
import { toPlain, type Format, type Plain, type Tree } from "./tree";

export function read(text: string, format: Format): Tree {
  return format === "json" ? readJson(text) : readYaml(text);
}

export function readPlain(text: string, format: Format): Plain {
  return toPlain(read(text, format));
}
