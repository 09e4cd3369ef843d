/** Below the canvas: the text, the code, the problems, the plan, the logs. */
import { ChevronDown, ChevronUp } from "lucide-react";
import { Tabs } from "radix-ui";
import { lazy, Suspense, type KeyboardEvent, type PointerEvent } from "react";
import { usePreferences, type PanelTab } from "@/store/preferences";
import { useWorkflow } from "@/store/workflow";
import { IconButton } from "../Button";
import { ProblemList } from "../inspector/ProblemList";
import { Loading } from "../Page";
import { Badge } from "../Status";
import { NewestLogs } from "./NewestLogs";
import { PlanView } from "./PlanView";

const DefinitionView = lazy(() => import("./DefinitionView"));
const SourceView = lazy(() => import("./SourceView"));

const TABS: [PanelTab, string][] = [
  ["definition", "Definition"],
  ["code", "Prefect code"],
  ["problems", "Problems"],
  ["plan", "SQL plan"],
  ["logs", "Logs"],
];

export function BottomPanel() {
  const { panel, panelTab, panelHeight, set } = usePreferences();
  const problems = useWorkflow((state) => state.problems);
  const broken = useWorkflow((state) => state.broken);
  const errors = problems.filter((problem) => problem.severity === "error").length;
  const limit = (height: number): number =>
    Math.round(Math.min(Math.max(height, 120), window.innerHeight * 0.75));

  function drag(event: PointerEvent<HTMLDivElement>): void {
    const start = event.clientY + panelHeight;
    const element = event.currentTarget;
    element.setPointerCapture(event.pointerId);
    element.onpointermove = (move) => set({ panelHeight: limit(start - move.clientY) });
    element.onpointerup = () => (element.onpointermove = null);
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    set({ panelHeight: limit(panelHeight + (event.key === "ArrowUp" ? 32 : -32)) });
    event.preventDefault();
  }

  return (
    <Tabs.Root
      value={panelTab}
      onValueChange={(value) => set({ panelTab: value as PanelTab, panel: true })}
      className="relative flex shrink-0 flex-col border-t border-line bg-panel"
      style={{ height: panel ? panelHeight : 34 }}
    >
      {panel && (
        <div
          role="separator"
          aria-label="Height of the panel"
          aria-orientation="horizontal"
          aria-valuenow={panelHeight}
          aria-valuemin={120}
          aria-valuemax={1000}
          tabIndex={0}
          onPointerDown={drag}
          onKeyDown={onKeyDown}
          className="absolute inset-x-0 -top-1 z-10 h-2 cursor-row-resize hover:bg-accent/30"
        />
      )}
      <div className="flex h-[33px] shrink-0 items-center border-b border-line pr-1 pl-2">
        <Tabs.List aria-label="Panel" className="flex h-full min-w-0 gap-1 overflow-x-auto overflow-y-hidden">
          {TABS.map(([value, name]) => (
            <Tabs.Trigger
              key={value}
              value={value}
              onClick={() => !panel && set({ panel: true, panelTab: value })}
              className={`flex items-center gap-1.5 border-b-2 border-transparent px-2 text-xs font-medium whitespace-nowrap text-ink-3 hover:text-ink ${panel ? "data-[state=active]:border-accent data-[state=active]:text-ink" : ""}`}
            >
              {name}
              {value === "problems" && problems.length > 0 && (
                <Badge tone={errors ? "danger" : "warn"}>{problems.length}</Badge>
              )}
              {value === "definition" && broken && <Badge tone="danger">!</Badge>}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <IconButton
          label={panel ? "Close the panel" : "Open the panel"}
          keys="Mod+J"
          side="top"
          className="ml-auto"
          onClick={() => set({ panel: !panel })}
        >
          {panel ? <ChevronDown size={15} /> : <ChevronUp size={15} />}
        </IconButton>
      </div>
      {!panel &&
        TABS.map(([value]) => <Tabs.Content key={value} value={value} forceMount hidden tabIndex={-1} />)}
      {panel && (
        <div className="min-h-0 flex-1">
          <Suspense fallback={<Loading rows={3} />}>
            <Tabs.Content value="definition" className="h-full" tabIndex={-1}>
              <DefinitionView />
            </Tabs.Content>
            <Tabs.Content value="code" className="h-full" tabIndex={-1}>
              <SourceView />
            </Tabs.Content>
            <Tabs.Content value="problems" className="h-full overflow-auto px-3 py-1" tabIndex={-1}>
              <ProblemList problems={problems} />
            </Tabs.Content>
            <Tabs.Content value="plan" className="h-full overflow-auto p-3" tabIndex={-1}>
              <PlanView />
            </Tabs.Content>
            <Tabs.Content value="logs" className="h-full overflow-hidden" tabIndex={-1}>
              <NewestLogs />
            </Tabs.Content>
          </Suspense>
        </div>
      )}
    </Tabs.Root>
  );
}
