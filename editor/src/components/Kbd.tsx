/** A shortcut as keycaps: `Mod+Shift+Z`. */
const MAC = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);
const NAMES: Record<string, string> = MAC
  ? { Mod: "⌘", Shift: "⇧", Alt: "⌥", Delete: "⌫", Enter: "↵", Escape: "Esc" }
  : { Mod: "Ctrl", Delete: "Del", Enter: "↵", Escape: "Esc" };

export function Kbd({ keys, onDark = false }: { keys: string; onDark?: boolean }) {
  return (
    <span className="inline-flex items-center gap-0.5">
      {keys.split("+").map((key) => (
        <kbd
          key={key}
          className={`min-w-4 rounded border px-1 text-center font-sans text-[0.68rem] leading-4 ${onDark ? "border-white/25 text-white" : "border-line-strong bg-sunken text-ink-2"}`}
        >
          {NAMES[key] ?? key}
        </kbd>
      ))}
    </span>
  );
}
