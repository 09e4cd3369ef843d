/** What stands around every screen: the way to the others, who you are, and whether the server answers. */
import {
  Activity,
  BarChart3,
  CheckSquare,
  Database,
  KeyRound,
  LayoutTemplate,
  LogOut,
  Moon,
  PanelLeft,
  ScrollText,
  Search,
  Sun,
  Users,
  Variable,
  WifiOff,
  Workflow,
  Monitor,
  Keyboard,
} from "lucide-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { NavLink, useLocation, useNavigate } from "react-router";
import { approvals, auth } from "@/api/calls";
import { follow } from "@/store/live";
import { useOnline } from "@/store/online";
import { applyTheme, usePreferences, type Theme } from "@/store/preferences";
import { useSession, useTeam } from "@/store/session";
import { Boundary } from "./Boundary";
import { IconButton } from "./Button";
import { CommandPalette } from "./CommandPalette";
import { useActions, useKeyboard, type Action } from "./keys";
import { Menu } from "./Menu";
import { ShortcutSheet } from "./ShortcutSheet";

const PLACES = [
  { to: "/workflows", name: "Workflows", icon: Workflow, keys: "G W" },
  { to: "/executions", name: "Executions", icon: Activity, keys: "G E" },
  { to: "/approvals", name: "Approvals", icon: CheckSquare, keys: "G A" },
  { to: "/templates", name: "Templates", icon: LayoutTemplate, keys: "G T" },
  { to: "/metrics", name: "Metrics", icon: BarChart3, keys: "G M" },
  { to: "/connections", name: "Connections", icon: Database, keys: "G C", apart: true },
  { to: "/variables", name: "Variables", icon: Variable, keys: "G V" },
  { to: "/team", name: "Team", icon: Users, keys: "G P" },
  { to: "/tokens", name: "Tokens", icon: KeyRound, keys: "G K" },
  { to: "/audit", name: "Audit", icon: ScrollText, keys: "G L" },
] as const;

const THEMES: [Theme, string, typeof Sun][] = [
  ["light", "Light", Sun],
  ["dark", "Dark", Moon],
  ["system", "As the system", Monitor],
];

export function Shell({ children }: { children: ReactNode }) {
  const [palette, setPalette] = useState(false);
  const [sheet, setSheet] = useState(false);
  const go = useNavigate();
  const { pathname } = useLocation();
  const inEditor = /^\/workflows\/[^/]+\/editor/.test(pathname);
  const preferences = usePreferences();
  const signOut = useSession((session) => session.signOut);

  const actions = useMemo<Action[]>(
    () => [
      {
        id: "palette",
        name: "Command palette",
        group: "General",
        keys: "Mod+K",
        whileTyping: true,
        hidden: true,
        perform: () => setPalette(true),
      },
      { id: "sheet", name: "Keyboard shortcuts", group: "General", keys: "?", perform: () => setSheet(true) },
      {
        id: "sidebar",
        name: "Show or hide the sidebar",
        group: "General",
        keys: "Mod+B",
        perform: () => preferences.set({ sidebar: !preferences.sidebar }),
      },
      ...PLACES.map(({ to, name, keys }) => ({
        id: `go-${to}`,
        name: `Go to ${name.toLowerCase()}`,
        group: "Go",
        keys,
        perform: () => void go(to),
      })),
      ...THEMES.map(([theme, name]) => ({
        id: `theme-${theme}`,
        name: `Colours: ${name.toLowerCase()}`,
        group: "General",
        perform: () => {
          preferences.set({ theme });
          applyTheme(theme);
        },
      })),
      { id: "sign-out", name: "Sign out", group: "General", perform: () => void signOut() },
    ],
    [go, preferences, signOut],
  );
  useActions("shell", actions);
  useKeyboard();

  return (
    <div className="flex h-full flex-col">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-panel focus:px-3 focus:py-1.5 focus:shadow-high"
      >
        Skip to the content
      </a>
      <OfflineBanner />
      <div className="flex min-h-0 flex-1">
        <Sidebar
          narrow={inEditor || !preferences.sidebar}
          onSearch={() => setPalette(true)}
          onHelp={() => setSheet(true)}
        />
        <div className="min-w-0 flex-1">
          <Boundary resetKey={pathname}>{children}</Boundary>
        </div>
      </div>
      <CommandPalette open={palette} onClose={() => setPalette(false)} />
      <ShortcutSheet open={sheet} onClose={() => setSheet(false)} />
    </div>
  );
}

function Sidebar({
  narrow,
  onSearch,
  onHelp,
}: {
  narrow: boolean;
  onSearch: () => void;
  onHelp: () => void;
}) {
  const me = useSession((session) => session.me);
  const team = useTeam();
  const signOut = useSession((session) => session.signOut);
  const { theme, set } = usePreferences();
  const waiting = usePendingApprovals();
  return (
    <nav
      aria-label="Main"
      className={`flex shrink-0 flex-col border-r border-line bg-panel ${narrow ? "w-12" : "w-52 max-md:w-12"} group`}
      data-narrow={narrow}
    >
      <div
        className={`flex h-12 items-center gap-2 ${narrow ? "justify-center" : "px-3 max-md:justify-center max-md:px-0"}`}
      >
        <img src="/favicon.svg" alt="" className="size-6" />
        {!narrow && (
          <div className="min-w-0 max-md:hidden">
            <div className="text-sm leading-4 font-semibold tracking-tight">dataroll</div>
            <div className="truncate text-[0.68rem] leading-3.5 text-ink-3">{team?.name}</div>
          </div>
        )}
      </div>
      <div className="px-2 pb-1.5">
        {narrow ? (
          <IconButton label="Commands" keys="Mod+K" side="right" className="w-full" onClick={onSearch}>
            <Search size={15} />
          </IconButton>
        ) : (
          <button
            type="button"
            onClick={onSearch}
            className="flex h-7 w-full items-center gap-2 rounded-md border border-line bg-sunken px-2 text-xs text-ink-3 hover:border-line-strong max-md:justify-center"
          >
            <Search size={13} />
            <span className="flex-1 text-left max-md:sr-only">Search…</span>
            <span aria-hidden className="max-md:hidden">
              Ctrl K
            </span>
          </button>
        )}
      </div>
      <ul className="flex flex-1 flex-col gap-0.5 overflow-y-auto px-2">
        {PLACES.map((place) => (
          <li key={place.to} className={"apart" in place ? "mt-2 border-t border-line pt-2" : ""}>
            <NavLink
              to={place.to}
              aria-label={
                place.to === "/approvals" && waiting > 0 ? `${place.name}, ${waiting} waiting` : place.name
              }
              title={narrow ? place.name : undefined}
              className={({ isActive }) =>
                `relative flex h-7 items-center gap-2.5 rounded-md text-sm ${narrow ? "justify-center" : "px-2 max-md:justify-center max-md:px-0"} ${isActive ? "bg-hover font-medium text-ink" : "text-ink-2 hover:bg-sunken"}`
              }
            >
              <place.icon size={15} className="shrink-0" />
              {!narrow && <span className="flex-1 max-md:hidden">{place.name}</span>}
              {place.to === "/approvals" && waiting > 0 && (
                <span
                  aria-hidden
                  className={`rounded-full bg-wait-soft px-1.5 text-[0.68rem] font-semibold text-wait ${narrow ? "absolute -top-1 -right-1" : "max-md:absolute max-md:-top-1 max-md:-right-1"}`}
                >
                  {waiting}
                </span>
              )}
            </NavLink>
          </li>
        ))}
      </ul>
      <div
        className={`flex border-t border-line p-2 ${narrow ? "flex-col items-center gap-1" : "items-center gap-1 max-md:flex-col"}`}
      >
        <Menu
          align="start"
          trigger={
            <button
              type="button"
              aria-label={`Account of ${me?.name ?? "you"}`}
              className="flex size-7 shrink-0 items-center justify-center rounded-full bg-accent-soft text-xs font-semibold text-accent-ink"
            >
              <span aria-hidden>{(me?.name ?? "?").slice(0, 1).toUpperCase()}</span>
            </button>
          }
          items={[
            ...THEMES.map(([value, label, Icon]) => ({
              label,
              icon: <Icon size={14} />,
              checked: theme === value,
              onSelect: () => {
                set({ theme: value });
                applyTheme(value);
              },
            })),
            { label: "Sign out", icon: <LogOut size={14} />, apart: true, onSelect: () => void signOut() },
          ]}
        />
        {!narrow && (
          <span className="min-w-0 flex-1 truncate text-xs text-ink-2 max-md:hidden">{me?.email}</span>
        )}
        <IconButton label="Keyboard shortcuts" keys="?" side="right" onClick={onHelp}>
          <Keyboard size={15} />
        </IconButton>
        {!narrow && (
          <IconButton
            label="Narrow sidebar"
            keys="Mod+B"
            side="right"
            className="max-md:hidden"
            onClick={() => set({ sidebar: false })}
          >
            <PanelLeft size={15} />
          </IconButton>
        )}
      </div>
    </nav>
  );
}

function usePendingApprovals(): number {
  const queries = useQueryClient();
  const team = useTeam();
  const { data } = useQuery({
    queryKey: ["approvals", "pending"],
    queryFn: () => approvals.list({ status: "pending" }),
    refetchInterval: 30_000,
  });
  useEffect(() => {
    if (!team) return;
    return follow(`team:${team.id}`, (event) => {
      if (event.kind.startsWith("approval")) void queries.invalidateQueries({ queryKey: ["approvals"] });
      if (event.kind.startsWith("execution")) void queries.invalidateQueries({ queryKey: ["executions"] });
      if (event.kind.startsWith("workflow") || event.kind.startsWith("execution"))
        void queries.invalidateQueries({ queryKey: ["workflows"] });
    });
  }, [team, queries]);
  return data?.items.length ?? 0;
}

function OfflineBanner() {
  const online = useOnline((state) => state.online);
  useEffect(() => {
    if (online) return;
    const timer = setInterval(() => void auth.me().catch(() => undefined), 3000);
    return () => clearInterval(timer);
  }, [online]);
  if (online) return null;
  return (
    <div
      role="status"
      className="flex items-center justify-center gap-2 bg-warn-soft px-4 py-1.5 text-sm font-medium text-warn"
    >
      <WifiOff size={14} />
      The server does not answer. You can go on editing: your work is kept in this browser. Trying again…
    </div>
  );
}
