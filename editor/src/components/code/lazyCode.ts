/**
 * The code editor, loaded when it is first needed, and soon after the page has come to rest.
 *
 * A server that is gone must not take a form with it: then a plain field does.
 */
import { lazy } from "react";
import { PlainField } from "./PlainField";

const load = () => import("./CodeField");

export const CodeField = lazy(() => load().catch(() => ({ default: PlainField })));

export function preload(): void {
  const later = window.requestIdleCallback ?? ((action: () => void) => setTimeout(action, 500));
  later(() => {
    for (const part of [
      load,
      () => import("../editor/DefinitionView"),
      () => import("../editor/SourceView"),
    ]) {
      part().catch(() => undefined);
    }
  });
}
