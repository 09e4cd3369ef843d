/** Whether the window has no room for a palette beside the canvas; the same width as Tailwind's `md`. */
import { useSyncExternalStore } from "react";

const query = matchMedia("(width < 48rem)");

export function useNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      query.addEventListener("change", changed);
      return () => query.removeEventListener("change", changed);
    },
    () => query.matches,
  );
}
