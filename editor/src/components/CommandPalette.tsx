/** Every action by name: Mod+K, a few letters, Enter. */
import { Search } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { useMemo, useState } from "react";
import { allActions, useActionRegistry, type Action } from "./keys";
import { Kbd } from "./Kbd";

export function CommandPalette({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-50 bg-black/30" />
        <Radix.Content
          aria-describedby={undefined}
          className="appear fixed top-[14vh] left-1/2 z-50 w-[560px] max-w-[94vw] -translate-x-1/2 overflow-hidden rounded-xl border border-line bg-panel shadow-high"
        >
          <Radix.Title className="sr-only">Commands</Radix.Title>
          <List onClose={onClose} />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function List({ onClose }: { onClose: () => void }) {
  const layers = useActionRegistry((state) => state.layers);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const found = useMemo(() => search(allActions(layers), text), [layers, text]);
  const chosen = Math.min(at, found.length - 1);

  function run(action: Action | undefined): void {
    if (!action) return;
    onClose();
    // After the dialog has gone, so that focus can move where the action wants it.
    setTimeout(() => action.perform(), 0);
  }

  return (
    <div
      onKeyDown={(event) => {
        if (event.key === "ArrowDown") setAt(Math.min(chosen + 1, found.length - 1));
        else if (event.key === "ArrowUp") setAt(Math.max(chosen - 1, 0));
        else if (event.key === "Enter") run(found[chosen]);
        else return;
        event.preventDefault();
      }}
    >
      <div className="flex items-center gap-2 border-b border-line px-3">
        <Search size={15} className="text-ink-3" />
        <input
          autoFocus
          role="combobox"
          aria-expanded
          aria-controls="commands"
          aria-activedescendant={found[chosen] ? `command-${found[chosen].id}` : undefined}
          aria-label="Search commands"
          placeholder="What would you like to do?"
          className="h-11 flex-1 bg-transparent text-base outline-none"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
        />
      </div>
      <ul id="commands" role="listbox" aria-label="Commands" className="max-h-[46vh] overflow-auto p-1.5">
        {found.map((action, index) => (
          <li
            key={action.id}
            id={`command-${action.id}`}
            role="option"
            aria-selected={index === chosen}
            ref={index === chosen ? (element) => element?.scrollIntoView({ block: "nearest" }) : undefined}
            onMouseMove={() => setAt(index)}
            onClick={() => run(action)}
            className={`flex h-8 items-center gap-2 rounded-md px-2 ${index === chosen ? "bg-hover" : ""}`}
          >
            <span className="w-24 shrink-0 truncate text-xs text-ink-3">{action.group}</span>
            <span className="flex-1 truncate">{action.name}</span>
            {action.keys && action.keys.split(" ").map((keys) => <Kbd key={keys} keys={keys} />)}
          </li>
        ))}
        {found.length === 0 && (
          <li className="px-2 py-6 text-center text-ink-3">No command has these words.</li>
        )}
      </ul>
    </div>
  );
}

function search(actions: Action[], text: string): Action[] {
  const shown = actions.filter((action) => !action.hidden && !action.disabled);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return shown.filter((action) => {
    const inside = `${action.group} ${action.name}`.toLowerCase();
    return words.every((word) => inside.includes(word));
  });
}
