/** All node types: drag one onto the canvas, or press Enter. */
import { Search } from "lucide-react";
import { useMemo, useState, type KeyboardEvent } from "react";
import type { NodeType } from "@/domain/nodeTypes";
import { usePreferences } from "@/store/preferences";
import { useWorkflow } from "@/store/workflow";
import { nodeLook } from "../canvas/nodeLook";
import { addFromPalette, PALETTE_MIME, paletteKey } from "./adding";

const GROUPS: [string, string][] = [
  ["trigger", "Triggers"],
  ["action", "Actions"],
  ["condition", "Logic"],
  ["delay", "Logic"],
  ["approval", "People"],
  ["notification", "Notifications"],
  ["error_handler", "Logic"],
];

export const PALETTE_SEARCH_ID = "palette-search";

/** By name, type and the words of the description; all words must be there. */
export function searchTypes(types: readonly NodeType[], text: string): NodeType[] {
  const words = text.toLowerCase().replaceAll("_", " ").split(/\s+/).filter(Boolean);
  return types.filter((type) => {
    const inside = `${type.label} ${type.type} ${type.variant} ${type.description} ${type.branches.join(" ")}`
      .toLowerCase()
      .replaceAll("_", " ");
    return words.every((word) => inside.includes(word));
  });
}

/** `over`: lying on the canvas, where there is no room beside it. */
export function Palette({ over = false }: { over?: boolean }) {
  const catalogue = useWorkflow((state) => state.catalogue);
  const [text, setText] = useState("");
  const groups = useMemo(() => {
    const result = new Map<string, NodeType[]>();
    for (const type of searchTypes(catalogue.all, text)) {
      const name = GROUPS.find(([kind]) => kind === type.type)?.[1] ?? "More";
      result.set(name, [...(result.get(name) ?? []), type]);
    }
    const order = ["Triggers", "Actions", "Logic", "People", "Notifications", "More"];
    return [...result].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  }, [catalogue, text]);

  /** Arrows go through the list, from the search field down. */
  function onKeyDown(event: KeyboardEvent<HTMLElement>): void {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const stops = [...event.currentTarget.querySelectorAll<HTMLElement>("input,[data-palette]")];
    const at = stops.indexOf(document.activeElement as HTMLElement);
    stops[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
    event.preventDefault();
  }

  return (
    <aside
      aria-label="Node palette"
      className={`flex h-full w-56 shrink-0 flex-col border-r border-line bg-panel ${over ? "absolute inset-y-0 left-0 z-20 shadow-high" : ""}`}
      onKeyDown={onKeyDown}
    >
      <div className="relative p-2">
        <Search size={14} className="absolute top-4 left-4.5 text-ink-3" />
        <input
          id={PALETTE_SEARCH_ID}
          type="search"
          aria-label="Search node types"
          placeholder="Add a step…"
          className="input pl-8"
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            const first = groups[0]?.[1][0];
            if (event.key === "Enter" && first && text.trim()) {
              addFromPalette(paletteKey(first));
              setText("");
            }
            if (event.key === "Escape") {
              if (text) setText("");
              else event.currentTarget.blur();
              if (over) usePreferences.getState().set({ paletteOver: false });
            }
          }}
        />
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-3">
        {groups.map(([name, types]) => (
          <section key={name} aria-label={name} className="mb-2">
            <h2 className="px-1.5 pt-1 pb-1 text-xs font-medium text-ink-3">{name}</h2>
            <ul className="flex flex-col gap-px">
              {types.map((type) => (
                <li key={paletteKey(type)}>
                  <Item type={type} />
                </li>
              ))}
            </ul>
          </section>
        ))}
        {groups.length === 0 && (
          <p className="px-2 py-6 text-center text-ink-3">No node type has these words.</p>
        )}
      </div>
    </aside>
  );
}

function Item({ type }: { type: NodeType }) {
  const { icon: Icon, ink, soft } = nodeLook(type.type, type.variant);
  return (
    <button
      type="button"
      draggable
      data-palette={paletteKey(type)}
      title={type.summary}
      onDragStart={(event) => {
        event.dataTransfer.setData(PALETTE_MIME, paletteKey(type));
        event.dataTransfer.effectAllowed = "copy";
      }}
      onClick={() => addFromPalette(paletteKey(type))}
      className="flex w-full items-start gap-2 rounded-md px-1.5 py-1.5 text-left hover:bg-sunken active:cursor-grabbing"
    >
      <span className={`mt-px flex size-6 shrink-0 items-center justify-center rounded ${ink} ${soft}`}>
        <Icon size={13} />
      </span>
      <span className="min-w-0">
        <span className="block text-sm leading-4.5 font-medium">{type.label}</span>
        <span className="line-clamp-2 text-[0.7rem] leading-3.5 text-ink-3">{type.summary}</span>
      </span>
    </button>
  );
}
