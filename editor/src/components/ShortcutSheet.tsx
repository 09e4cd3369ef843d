/** All shortcuts that work here, on `?`. */
import { Dialog } from "./Dialog";
import { Kbd } from "./Kbd";
import { allActions, useActionRegistry, type Action } from "./keys";

export function ShortcutSheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const layers = useActionRegistry((state) => state.layers);
  const groups = new Map<string, Action[]>();
  for (const action of allActions(layers)) {
    if (action.keys) groups.set(action.group, [...(groups.get(action.group) ?? []), action]);
  }
  return (
    <Dialog open={open} onClose={onClose} title="Keyboard shortcuts" width="max-w-3xl">
      <div className="columns-2 gap-8 max-sm:columns-1">
        {[...groups].map(([group, actions]) => (
          <section key={group} className="mb-4 break-inside-avoid">
            <h3 className="mb-1 text-xs font-semibold text-ink-3">{group}</h3>
            <ul>
              {actions.map((action) => (
                <li
                  key={action.id}
                  className="flex h-7 items-center justify-between gap-3 border-b border-line/60"
                >
                  <span className="truncate">{action.name}</span>
                  <span className="flex gap-1">
                    {action.keys?.split(" ").map((keys) => (
                      <Kbd key={keys} keys={keys} />
                    ))}
                  </span>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
