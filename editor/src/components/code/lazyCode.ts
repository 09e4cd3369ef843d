/**
 * The code editor, loaded when it is first needed, and soon after the page has come to rest.
 *
 * A server that is gone must not take a form with it: then a plain field does.
 */
import { lazy } from "react";
import { PlainField } from "./PlainField";

const load = () => import("./CodeField");

export const CodeField = lazy(() => load().catch(() => ({ default: PlainField })));

/** Milliseconds in which the drawing comes to stand: what it needs itself comes first. */
const FIRST = 1000;

export function preload(): () => void {
  const timer = setTimeout(() => {
    for (const part of [
      load,
      () => import("../editor/DefinitionView"),
      () => import("../editor/SourceView"),
    ]) {
      part().catch(() => undefined);
    }
  }, FIRST);
  return () => clearTimeout(timer);
}
