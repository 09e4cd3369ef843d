import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { compressed } from "./compressed.ts";

// The server serves what stands in server/web; while developing, `npm run dev` asks a running server.
const server = process.env["DATAROLL_URL"] ?? "http://127.0.0.1:8420";

export default defineConfig({
  plugins: [react(), tailwindcss(), compressed()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../server/web",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    chunkSizeWarningLimit: 700,
    // An icon by itself is smaller than the headers that it comes with.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: "icons", test: /node_modules[\\/]lucide-react/ }] } },
    },
  },
  server: { proxy: { "/api": { target: server, ws: true } } },
  // A busy machine may take its time; nothing here waits for anything.
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.ts", "tests/**/*.test.tsx"],
    testTimeout: 60_000,
  },
});
