// Runs drizzle-orm's own migrator: node drizzle.js URL FOLDER
import fs from "node:fs";

const [url, migrationsFolder] = process.argv.slice(2);

if (url.startsWith("postgresql:")) {
  const { default: pg } = await import("pg");
  const { drizzle } = await import("drizzle-orm/node-postgres");
  const { migrate } = await import("drizzle-orm/node-postgres/migrator");
  const client = new pg.Client(url);
  await client.connect();
  await migrate(drizzle(client), { migrationsFolder });
  await client.end();
} else if (url.startsWith("mysql:")) {
  const mysql = await import("mysql2/promise");
  const { drizzle } = await import("drizzle-orm/mysql2");
  const { migrate } = await import("drizzle-orm/mysql2/migrator");
  const client = await mysql.createConnection({ uri: url });
  await migrate(drizzle(client), { migrationsFolder });
  await client.end();
} else {
  const file = url.replace("sqlite:///", "");
  const { default: start } = await import("sql.js");
  const { drizzle } = await import("drizzle-orm/sql-js");
  const { migrate } = await import("drizzle-orm/sql-js/migrator");
  const SQL = await start();
  const database = new SQL.Database(fs.existsSync(file) ? fs.readFileSync(file) : undefined);
  migrate(drizzle(database), { migrationsFolder });
  fs.writeFileSync(file, database.export());
}
