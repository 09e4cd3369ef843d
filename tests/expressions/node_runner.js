// Evaluates expressions in real JavaScript: one JSON document in, one out.
// {names, scopes: [{…}], expressions: [{text, scopes: [index]}]} → [[result…]…]
"use strict";

function written(value, top) {
  if (value === undefined || value === null) return null;
  if (typeof value === "number") return ["n", Object.is(value, -0) ? "-0" : String(value)];
  if (typeof value === "string") return ["s", value];
  if (typeof value === "boolean") return value;
  if (Array.isArray(value)) return ["a", value.map((item) => written(item))];
  if (typeof value === "function") return ["function"];
  const members = Object.entries(value).filter(([, item]) => item !== undefined);
  return ["o", members.map(([key, item]) => [key, written(item)]).sort((a, b) => (a[0] < b[0] ? -1 : 1))];
}

const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", () => {
  const work = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  const answers = work.expressions.map(({ text, scopes }) => {
    let compiled;
    try {
      compiled = new Function(...work.names, `"use strict"; return (${text}\n);`);
    } catch (error) {
      return scopes.map(() => ["syntax"]);
    }
    return scopes.map((index) => {
      try {
        return written(compiled(...work.names.map((name) => work.scopes[index][name])));
      } catch (error) {
        return ["throws"];
      }
    });
  });
  process.stdout.write(JSON.stringify(answers));
});
