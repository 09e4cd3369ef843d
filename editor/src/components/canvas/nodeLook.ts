/** An icon and a colour for what a node does. Types this editor has never heard of get a plain box. */
import {
  Bell,
  Box,
  CalendarClock,
  Clock,
  DatabaseZap,
  FileText,
  FlaskConical,
  GitBranch,
  Globe,
  Hand,
  LifeBuoy,
  Mail,
  MessageSquare,
  PlayCircle,
  Plug,
  Search,
  Siren,
  SquareTerminal,
  Undo2,
  UserCheck,
  Webhook,
  Zap,
  ListChecks,
  type LucideIcon,
} from "lucide-react";

export interface NodeLook {
  icon: LucideIcon;
  ink: string;
  soft: string;
}

const ICONS: Record<string, LucideIcon> = {
  "trigger/manual": Hand,
  "trigger/scheduled": CalendarClock,
  "trigger/webhook": Webhook,
  "trigger/event": Zap,
  "action/discover_migrations": Search,
  "action/dry_run": FlaskConical,
  "action/execute_migrations": DatabaseZap,
  "action/rollback": Undo2,
  "action/delay": Clock,
  "action/http_request": Globe,
  "action/run_sql": SquareTerminal,
  "action/run_tests": ListChecks,
  "action/check_connections": Plug,
  "action/migration_report": FileText,
  action: PlayCircle,
  condition: GitBranch,
  approval: UserCheck,
  "notification/slack": MessageSquare,
  "notification/email": Mail,
  "notification/pagerduty": Siren,
  "notification/webhook": Webhook,
  notification: Bell,
  delay: Clock,
  error_handler: LifeBuoy,
};

const COLOURS: Record<string, [string, string]> = {
  trigger: ["text-ok", "bg-ok-soft"],
  action: ["text-run", "bg-run-soft"],
  condition: ["text-warn", "bg-warn-soft"],
  approval: ["text-wait", "bg-wait-soft"],
  notification: ["text-pink", "bg-pink-soft"],
  delay: ["text-teal", "bg-teal-soft"],
  error_handler: ["text-danger", "bg-danger-soft"],
};

export function nodeLook(type: string, variant = ""): NodeLook {
  const [ink, soft] = COLOURS[type] ?? ["text-ink-2", "bg-mute-soft"];
  return { icon: ICONS[`${type}/${variant}`] ?? ICONS[type] ?? Box, ink, soft };
}
