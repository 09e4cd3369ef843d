/** Buttons, in four weights and two sizes; with a reason when they are disabled. */
import { Tooltip } from "radix-ui";
import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import { Kbd } from "./Kbd";

type Weight = "primary" | "plain" | "quiet" | "danger";

const LOOK: Record<Weight, string> = {
  primary: "bg-accent text-white hover:not-disabled:bg-accent-hover border border-transparent shadow-sm",
  plain: "bg-panel text-ink border border-line-strong hover:not-disabled:bg-sunken",
  quiet: "text-ink-2 border border-transparent hover:not-disabled:bg-hover hover:not-disabled:text-ink",
  danger: "bg-panel text-danger border border-line-strong hover:not-disabled:bg-danger-soft",
};

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  weight?: Weight;
  size?: "small" | "normal";
  icon?: ReactNode;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({
  weight = "plain",
  size = "normal",
  icon,
  children,
  className = "",
  ...rest
}: ButtonProps) {
  const measure = size === "small" ? "h-6 px-2 text-xs gap-1" : "h-[30px] px-2.5 text-sm gap-1.5";
  return (
    <button
      type="button"
      className={`inline-flex shrink-0 items-center justify-center rounded-md font-medium whitespace-nowrap select-none disabled:opacity-55 ${measure} ${LOOK[weight]} ${className}`}
      {...rest}
    >
      {icon}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonProps, "children" | "icon"> {
  label: string;
  keys?: string | undefined;
  children: ReactNode;
  side?: "top" | "right" | "bottom" | "left";
}

/** A button that is only an icon: its name is in the tooltip and for screen readers. */
export function IconButton({
  label,
  keys,
  children,
  side = "bottom",
  weight = "quiet",
  className = "",
  ...rest
}: IconButtonProps) {
  return (
    <Tip text={label} keys={keys} side={side}>
      <button
        type="button"
        aria-label={label}
        className={`inline-flex size-7 shrink-0 items-center justify-center rounded-md disabled:opacity-45 ${LOOK[weight]} ${className}`}
        {...rest}
      >
        {children}
      </button>
    </Tip>
  );
}

export function Tip({
  text,
  keys,
  side = "bottom",
  children,
}: {
  text: ReactNode;
  keys?: string | undefined;
  side?: "top" | "right" | "bottom" | "left";
  children: ReactNode;
}) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          side={side}
          sideOffset={6}
          className="z-50 flex max-w-72 items-center gap-2 rounded-md bg-[#1d1d24] px-2 py-1 text-xs text-white shadow-high dark:bg-[#33333e]"
        >
          {text}
          {keys && <Kbd keys={keys} onDark />}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
