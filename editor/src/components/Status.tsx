/** How a status looks, everywhere: a colour, a shape and its word (never colour alone). */
import {
  Ban,
  CheckCircle2,
  Circle,
  CircleDashed,
  CircleHelp,
  Hourglass,
  LoaderCircle,
  SkipForward,
  XCircle,
} from "lucide-react";
import type { ComponentType } from "react";
import type { NodeStatus } from "@/api/types";

interface Look {
  word: string;
  ink: string;
  soft: string;
  bar: string;
  icon: ComponentType<{ size?: number; className?: string }>;
}

export const STATUS: Record<NodeStatus, Look> = {
  pending: {
    word: "Pending",
    ink: "text-ink-2",
    soft: "bg-mute-soft",
    bar: "bg-line-strong",
    icon: CircleDashed,
  },
  running: { word: "Running", ink: "text-run", soft: "bg-run-soft", bar: "bg-run", icon: LoaderCircle },
  waiting: { word: "Waiting", ink: "text-wait", soft: "bg-wait-soft", bar: "bg-wait", icon: Hourglass },
  success: { word: "Success", ink: "text-ok", soft: "bg-ok-soft", bar: "bg-ok", icon: CheckCircle2 },
  failed: { word: "Failed", ink: "text-danger", soft: "bg-danger-soft", bar: "bg-danger", icon: XCircle },
  cancelled: { word: "Cancelled", ink: "text-ink-2", soft: "bg-mute-soft", bar: "bg-ink-3", icon: Ban },
  skipped: {
    word: "Skipped",
    ink: "text-ink-2",
    soft: "bg-mute-soft",
    bar: "bg-line-strong",
    icon: SkipForward,
  },
  unknown: { word: "Unknown", ink: "text-warn", soft: "bg-warn-soft", bar: "bg-warn", icon: CircleHelp },
};

const NONE: Look = {
  word: "Unknown",
  ink: "text-ink-2",
  soft: "bg-mute-soft",
  bar: "bg-line-strong",
  icon: Circle,
};

export function statusLook(status: string): Look {
  return STATUS[status as NodeStatus] ?? NONE;
}

export function StatusIcon({ status, size = 14 }: { status: string; size?: number }) {
  const { icon: Icon, ink } = statusLook(status);
  return <Icon size={size} className={`shrink-0 ${ink} ${status === "running" ? "animate-spin" : ""}`} />;
}

export function StatusBadge({ status }: { status: string }) {
  const { word, ink, soft } = statusLook(status);
  return (
    <span
      className={`inline-flex h-5 items-center gap-1 rounded-full px-1.5 text-xs font-medium ${ink} ${soft}`}
    >
      <StatusIcon status={status} size={12} />
      {word}
    </span>
  );
}

export function Badge({
  children,
  tone = "mute",
}: {
  children: React.ReactNode;
  tone?: "mute" | "ok" | "warn" | "danger" | "accent" | "wait";
}) {
  const look = {
    mute: "bg-mute-soft text-ink-2",
    ok: "bg-ok-soft text-ok",
    warn: "bg-warn-soft text-warn",
    danger: "bg-danger-soft text-danger",
    accent: "bg-accent-soft text-accent-ink",
    wait: "bg-wait-soft text-wait",
  }[tone];
  return (
    <span
      className={`inline-flex h-5 items-center gap-1 rounded-full px-2 text-xs font-medium whitespace-nowrap ${look}`}
    >
      {children}
    </span>
  );
}

export const ENVIRONMENT_TONE = { development: "ok", staging: "warn", production: "danger" } as const;
