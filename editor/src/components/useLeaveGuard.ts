/** Ask before work that is not saved is left behind by closing the page. Inside the editor the draft is kept anyway. */
import { useEffect } from "react";

export function useBlocker(dirty: boolean): void {
  useEffect(() => {
    if (!dirty) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [dirty]);
}
