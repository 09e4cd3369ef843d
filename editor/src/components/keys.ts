/**
 * The keymap as data: an action is one object with its name, its keys and what it does.
 *
 * The command palette and the `?` sheet show the same list.
 */
import { useEffect } from "react";
import { create } from "zustand";

export interface Action {
  id: string;
  name: string;
  group: string;
  /** For instance `Mod+Shift+Z`, or `G W` for one after the other. */
  keys?: string;
  perform: () => void;
  /** Also while somebody types into a field. */
  whileTyping?: boolean;
  disabled?: boolean;
  /** Kept out of the palette. */
  hidden?: boolean;
}

interface Registry {
  layers: ReadonlyMap<string, readonly Action[]>;
  set: (layer: string, actions: readonly Action[]) => void;
  drop: (layer: string) => void;
}

export const useActionRegistry = create<Registry>((set, get) => ({
  layers: new Map(),
  set: (layer, actions) => set({ layers: new Map(get().layers).set(layer, actions) }),
  drop: (layer) => {
    const layers = new Map(get().layers);
    layers.delete(layer);
    set({ layers });
  },
}));

/** A screen's actions, while it is shown. Give a list that is remembered between renders. */
export function useActions(layer: string, actions: readonly Action[]): void {
  useEffect(() => {
    useActionRegistry.getState().set(layer, actions);
    return () => useActionRegistry.getState().drop(layer);
  }, [layer, actions]);
}

export function allActions(layers: ReadonlyMap<string, readonly Action[]>): Action[] {
  return [...layers.values()].flat();
}

const MAC = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);

function pressed(event: KeyboardEvent): string {
  const key =
    event.key.length === 1 ? event.key.toUpperCase() : event.key === "Backspace" ? "Delete" : event.key;
  const mod = MAC ? event.metaKey : event.ctrlKey;
  const shift = event.shiftKey && (mod || event.key.length > 1);
  return [mod ? "Mod" : "", event.altKey ? "Alt" : "", shift ? "Shift" : "", key].filter(Boolean).join("+");
}

export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}

/** Listens once for the whole page. */
export function useKeyboard(): void {
  useEffect(() => {
    let first = "";
    let timer: ReturnType<typeof setTimeout> | undefined;
    function onKey(event: KeyboardEvent): void {
      if (event.defaultPrevented || event.isComposing) return;
      const typing = isTyping(event.target);
      const keys = pressed(event);
      const sequence = first ? `${first} ${keys}` : keys;
      const actions = allActions(useActionRegistry.getState().layers).filter(
        (action) => action.keys && !action.disabled && (!typing || action.whileTyping),
      );
      // A menu or a dialog keeps its own keys.
      const inDialog =
        event.target instanceof Element && event.target.closest("[role=dialog],[role=menu],[role=listbox]");
      const found = actions.findLast((action) => action.keys === sequence);
      if (found && (!inDialog || found.whileTyping)) {
        event.preventDefault();
        first = "";
        found.perform();
        return;
      }
      if (!typing && !inDialog && actions.some((action) => action.keys?.startsWith(`${keys} `))) {
        first = keys;
        clearTimeout(timer);
        timer = setTimeout(() => (first = ""), 900);
      } else first = "";
    }
    window.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("keydown", onKey);
      clearTimeout(timer);
    };
  }, []);
}
