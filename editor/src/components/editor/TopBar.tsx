/** Name, state, and what can be done: undo, tidy, test, save, publish, history. */
import {
  Activity,
  ChevronLeft,
  FlaskConical,
  MoreHorizontal,
  PanelLeftClose,
  PanelRightClose,
  Play,
  Redo2,
  Save,
  Sparkles,
  Undo2,
  UploadCloud,
  Zap,
} from "lucide-react";
import { Link, useNavigate } from "react-router";
import { usePreferences } from "@/store/preferences";
import { useOnline } from "@/store/online";
import { useSaving } from "@/store/saving";
import { useWorkflow } from "@/store/workflow";
import { StateBadge } from "@/components/workflows/StateBadge";
import { Button, IconButton, Tip } from "../Button";
import { Menu } from "../Menu";
import { useNarrow } from "../useNarrow";

interface TopBarProps {
  dirty: boolean;
  mayEdit: boolean;
  onSave: () => void;
  onPublish: () => void;
  onTest: () => void;
  onRun: () => void;
  onTidy: () => void;
  onVersions: () => void;
}

export function TopBar({
  dirty,
  mayEdit,
  onSave,
  onPublish,
  onTest,
  onRun,
  onTidy,
  onVersions,
}: TopBarProps) {
  const workflow = useSaving((state) => state.workflow);
  const state = useSaving((saving) => saving.state);
  const online = useOnline((one) => one.online);
  const history = useWorkflow((store) => store.history);
  const raw = useWorkflow((store) => store.raw);
  const broken = useWorkflow((store) => store.broken);
  const errors = useWorkflow(
    (store) => store.problems.filter((problem) => problem.severity === "error").length,
  );
  const setTop = useWorkflow((store) => store.setTop);
  const { undo, redo } = useWorkflow.getState();
  const { palette, paletteOver, inspector, set } = usePreferences();
  const narrow = useNarrow();
  const shown = narrow ? paletteOver : palette;
  const go = useNavigate();
  const name = typeof raw["name"] === "string" ? raw["name"] : (workflow?.name ?? "");
  const blocked = broken
    ? "The definition cannot be read."
    : errors
      ? `${errors} ${errors === 1 ? "problem stands" : "problems stand"} in the way.`
      : undefined;

  return (
    <header className="flex h-12 shrink-0 items-center gap-1 overflow-x-auto border-b border-line bg-panel px-2">
      <Link
        to="/workflows"
        aria-label="Back to the workflows"
        className="rounded-md p-1.5 text-ink-3 hover:bg-hover"
      >
        <ChevronLeft size={16} />
      </Link>
      <h1 className="sr-only">{name}</h1>
      <input
        aria-label="Name of the workflow"
        dir="auto"
        className="field-sizing-content max-w-80 min-w-16 rounded-md border border-transparent px-1.5 py-1 text-base font-semibold text-ellipsis hover:border-line-strong focus:border-accent"
        value={name}
        readOnly={!mayEdit}
        onChange={(event) => setTop("name", event.target.value)}
      />
      {workflow && <StateBadge workflow={workflow} />}
      <span role="status" className="ml-1 truncate text-xs text-ink-3 max-md:hidden">
        {state === "saving"
          ? "Saving…"
          : !online
            ? "Kept in this browser"
            : dirty
              ? "Unsaved changes"
              : "Saved"}
      </span>
      <div className="ml-auto flex items-center gap-0.5">
        <IconButton
          label={history.past.length ? `Undo: ${history.now.label}` : "Undo"}
          keys="Mod+Z"
          disabled={history.past.length === 0 && !broken}
          onClick={undo}
        >
          <Undo2 size={15} />
        </IconButton>
        <IconButton
          label={history.future[0] ? `Redo: ${history.future[0].label}` : "Redo"}
          keys="Mod+Shift+Z"
          disabled={history.future.length === 0}
          onClick={redo}
        >
          <Redo2 size={15} />
        </IconButton>
        <IconButton
          label="Tidy"
          keys="Shift+T"
          onClick={onTidy}
          disabled={!mayEdit}
          className="max-sm:hidden"
        >
          <Sparkles size={15} />
        </IconButton>
        <IconButton
          label={shown ? "Hide the palette" : "Show the palette"}
          aria-pressed={shown}
          onClick={() => set({ [narrow ? "paletteOver" : "palette"]: !shown })}
        >
          <PanelLeftClose size={15} />
        </IconButton>
        <IconButton
          label={inspector ? "Hide the inspector" : "Show the inspector"}
          aria-pressed={inspector}
          onClick={() => set({ inspector: !inspector })}
        >
          <PanelRightClose size={15} />
        </IconButton>
        <span className="mx-1.5 h-5 w-px bg-line max-md:mx-0.5" />
        <Button
          weight="quiet"
          icon={<Activity size={14} />}
          onClick={() => void go(`/workflows/${workflow?.id}/executions`)}
          className="max-xl:hidden"
        >
          Executions
        </Button>
        <Button icon={<FlaskConical size={14} />} onClick={onTest} disabled={broken !== null}>
          <span className="max-md:sr-only">Test</span>
        </Button>
        {mayEdit && (
          <Button icon={<Save size={14} />} onClick={onSave} disabled={state === "saving" || !dirty}>
            <span className="max-md:sr-only">Save draft</span>
          </Button>
        )}
        {mayEdit && (
          <Tip text={blocked ?? "See what changes, then make it the version that runs"}>
            <span>
              <Button
                weight="primary"
                icon={<UploadCloud size={14} />}
                onClick={onPublish}
                disabled={blocked !== undefined}
                className="ml-0.5"
              >
                Publish
              </Button>
            </span>
          </Tip>
        )}
        <Menu
          trigger={
            <button
              type="button"
              aria-label="More"
              className="ml-0.5 rounded-md p-1.5 text-ink-3 hover:bg-hover"
            >
              <MoreHorizontal size={16} />
            </button>
          }
          items={[
            {
              label: "Run now…",
              icon: <Play size={14} />,
              disabled: !workflow?.isPublished,
              onSelect: onRun,
            },
            {
              label: "Executions",
              icon: <Activity size={14} />,
              onSelect: () => void go(`/workflows/${workflow?.id}/executions`),
            },
            {
              label: "Triggers",
              icon: <Zap size={14} />,
              onSelect: () => void go(`/workflows/${workflow?.id}/triggers`),
            },
            { label: "Versions", icon: <UploadCloud size={14} />, onSelect: onVersions },
          ]}
        />
      </div>
    </header>
  );
}
