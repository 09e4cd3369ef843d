/** A menu under a button. */
import { DropdownMenu as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { Kbd } from "./Kbd";

export interface MenuItem {
  label: string;
  icon?: ReactNode;
  keys?: string;
  onSelect: () => void;
  disabled?: boolean;
  danger?: boolean;
  /** A line above it. */
  apart?: boolean;
  checked?: boolean;
}

export function Menu({
  trigger,
  items,
  align = "end",
}: {
  trigger: ReactNode;
  items: MenuItem[];
  align?: "start" | "end";
}) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          sideOffset={4}
          className="appear z-50 min-w-48 rounded-lg border border-line bg-panel p-1 shadow-high"
        >
          {items.map((item) => (
            <div key={item.label}>
              {item.apart && <Radix.Separator className="my-1 h-px bg-line" />}
              <Radix.Item
                disabled={item.disabled ?? false}
                onSelect={item.onSelect}
                className={`flex h-7 items-center gap-2 rounded-md px-2 text-sm outline-none select-none data-disabled:opacity-50 data-highlighted:bg-hover ${item.danger ? "text-danger" : "text-ink"}`}
              >
                <span className="flex w-4 justify-center text-ink-3">{item.checked ? "✓" : item.icon}</span>
                <span className="flex-1">{item.label}</span>
                {item.keys && <Kbd keys={item.keys} />}
              </Radix.Item>
            </div>
          ))}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
