/** The names of tabs in a row, the open one underlined; what they open stands in `Tabs.Content`. */
import { Tabs } from "radix-ui";
import type { ReactNode } from "react";

interface TabBarProps {
  label: string;
  tabs: readonly (readonly [value: string, name: ReactNode])[];
  /** For narrow places. */
  small?: boolean;
  className?: string;
}

export function TabBar({ label, tabs, small = false, className = "" }: TabBarProps) {
  return (
    <Tabs.List
      aria-label={label}
      className={`flex shrink-0 border-b border-line ${small ? "gap-3" : "gap-4"} ${className}`}
    >
      {tabs.map(([value, name]) => (
        <Tabs.Trigger
          key={value}
          value={value}
          className={`-mb-px flex h-8 items-center gap-1 border-b-2 border-transparent font-medium whitespace-nowrap text-ink-3 hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink ${small ? "text-xs" : "text-sm"}`}
        >
          {name}
        </Tabs.Trigger>
      ))}
    </Tabs.List>
  );
}
