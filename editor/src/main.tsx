import "./styles.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Tooltip } from "radix-ui";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Toaster } from "react-hot-toast";
import { BrowserRouter } from "react-router";
import { ApiError } from "./api/http";
import { App } from "./App";
import { Boundary } from "./components/Boundary";
import { applyTheme, usePreferences } from "./store/preferences";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refuses it will refuse again; what did not arrive may arrive.
      retry: (count, error) =>
        count < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
      staleTime: 5_000,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

applyTheme(usePreferences.getState().theme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  applyTheme(usePreferences.getState().theme),
);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Tooltip.Provider delayDuration={450}>
        <BrowserRouter>
          <Boundary>
            <App />
          </Boundary>
        </BrowserRouter>
        <Toaster
          position="bottom-right"
          toastOptions={{
            duration: 5000,
            className:
              "!bg-panel !text-ink !text-sm !rounded-lg !border !border-line !shadow-high !max-w-[420px]",
            error: { duration: 8000 },
          }}
        />
      </Tooltip.Provider>
    </QueryClientProvider>
  </StrictMode>,
);
