// Prisma's engine as WebAssembly, on the database in TARGET. Its adapter does not know
// PostgreSQL's type "name", which its own migrate asks for: it is shown as text.
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { defineConfig } from "prisma/config";

const NAME = 19;
const TEXT = 25;
const query = pg.Client.prototype.query;

function shown(results) {
  for (const result of [results].flat())
    for (const column of result?.fields ?? []) if (column.dataTypeID === NAME) column.dataTypeID = TEXT;
  return results;
}

pg.Client.prototype.query = function (...given) {
  const callback = given.at(-1);
  if (typeof callback === "function")
    given[given.length - 1] = (error, results) => callback(error, shown(results));
  const promised = query.apply(this, given);
  return promised?.then ? promised.then(shown) : promised;
};

export default defineConfig({
  engine: "js",
  experimental: { adapter: true },
  schema: "schema.prisma",
  migrations: { path: "migrations" },
  adapter: async () => new PrismaPg(new pg.Pool({ connectionString: process.env.TARGET })),
});
