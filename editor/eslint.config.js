import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules", "src/api/schema.d.ts"] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    plugins: { "react-hooks": hooks },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      // `!` is used where an index has just been checked; the reason stands beside it.
      "@typescript-eslint/no-non-null-assertion": "off",
      // Taking a key out of an object leaves its name behind.
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      // Computed keys are how plain definition trees are copied without a field.
      "@typescript-eslint/no-dynamic-delete": "off",
    },
  },
  {
    // The domain is pure: no React, no store, no network; of the API only its generated types.
    files: ["src/domain/**"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            { group: ["react", "react-dom", "@/store/*", "@/components/*", "@/screens/*"] },
            { group: ["@/api/*", "!@/api/schema"] },
            { group: ["@/api/schema"], allowTypeImports: true },
          ],
        },
      ],
    },
  },
  {
    files: ["public/*.js"],
    languageOptions: { globals: { localStorage: "readonly", matchMedia: "readonly", document: "readonly" } },
  },
);
