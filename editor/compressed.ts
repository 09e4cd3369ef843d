/** Beside each built text file its compressed forms, as small as they get: the server sends them as they are. */
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const SMALLEST = 1024;

export function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        for (const [fileName, file] of Object.entries(bundle)) {
          const source = file.type === "chunk" ? file.code : file.source;
          const bytes = Buffer.from(source);
          if (bytes.length < SMALLEST || !/\.(js|css|svg)$/.test(fileName)) continue;
          const text = { [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT };
          this.emitFile({
            type: "asset",
            fileName: `${fileName}.br`,
            source: brotliCompressSync(bytes, { params: text }),
          });
          this.emitFile({ type: "asset", fileName: `${fileName}.gz`, source: gzipSync(bytes, { level: 9 }) });
        }
      },
    },
  };
}
