/** The editor: palette, canvas, inspector, text. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { MousePointerClick } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import toast from "react-hot-toast";
import { useBlocker } from "@/components/useLeaveGuard";
import { useParams } from "react-router";
import { misc, workflows } from "@/api/calls";
import { Canvas } from "@/components/canvas/Canvas";
import { copyChosen, duplicateChosen, pasteClip } from "@/components/editor/adding";
import { BottomPanel } from "@/components/editor/BottomPanel";
import { ConflictDialog } from "@/components/editor/ConflictDialog";
import { Palette, PALETTE_SEARCH_ID } from "@/components/editor/Palette";
import { PublishDialog } from "@/components/editor/PublishDialog";
import { RunDialog } from "@/components/editor/RunDialog";
import { RunStrip } from "@/components/editor/RunStrip";
import { tidyNow } from "@/components/editor/tidyNow";
import { TopBar } from "@/components/editor/TopBar";
import { VersionsDialog } from "@/components/editor/VersionsDialog";
import { Inspector } from "@/components/inspector/Inspector";
import { preload } from "@/components/code/lazyCode";
import { useNarrow } from "@/components/useNarrow";
import { isTyping, useActions, type Action } from "@/components/keys";
import { Failure, Loading } from "@/components/Page";
import { catalogueOf } from "@/store/catalogue";
import { startChecking } from "@/store/checking";
import { usePreferences } from "@/store/preferences";
import { useExecution } from "@/store/following";
import { statusesOf, useRun } from "@/store/run";
import { isDirty, keepDraft, openSaved, openWorkflow } from "@/store/opening";
import { useSaving } from "@/store/saving";
import { useMay } from "@/store/session";
import { useWorkflow } from "@/store/workflow";

export default function Editor() {
  const { id = "" } = useParams();
  const workflow = useQuery({
    queryKey: ["workflow", id],
    queryFn: () => workflows.get(id),
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const types = useQuery({ queryKey: ["node-types"], queryFn: misc.nodeTypes, staleTime: Infinity });
  const opened = useSaving((state) => state.workflow?.id === id);

  useEffect(() => {
    if (types.data) useWorkflow.getState().setCatalogue(catalogueOf(types.data.items));
  }, [types.data]);
  useEffect(() => {
    if (!workflow.data) return;
    useRun.getState().clear();
    if (openWorkflow(workflow.data.data, workflow.data.etag)) {
      toast(
        (notice) => (
          <span className="flex items-center gap-3">
            Your unsaved changes are back.
            <button
              type="button"
              className="font-medium text-accent-ink underline"
              onClick={() => toast.dismiss(notice.id)}
            >
              Keep them
            </button>
            <button
              type="button"
              className="font-medium text-accent-ink underline"
              onClick={() => {
                openSaved(workflow.data.data, workflow.data.etag);
                toast.dismiss(notice.id);
              }}
            >
              Discard them
            </button>
          </span>
        ),
        // It stays until somebody has answered: what is discarded is gone.
        { duration: Infinity },
      );
    }
  }, [workflow.data, id]);

  if (workflow.isError) return <Failure error={workflow.error} retry={() => void workflow.refetch()} />;
  if (!opened || !types.data) return <Loading />;
  return (
    <ReactFlowProvider>
      <Screen key={id} />
    </ReactFlowProvider>
  );
}

function Screen() {
  const flow = useReactFlow();
  const mayEdit = useMay("developer");
  const preferences = usePreferences();
  const [dialog, setDialog] = useState<"publish" | "test" | "run" | "versions">();
  const dirty = useDirty();
  const narrow = useNarrow();
  const queries = useQueryClient();
  useEffect(() => startChecking(), []);
  useEffect(preload, []);
  useEffect(() => useWorkflow.setState({ readOnly: !mayEdit }), [mayEdit]);
  useFollowTest();

  const save = useCallback(async () => {
    if (!isDirty()) return;
    try {
      await useWorkflow.getState().saveDefinition();
      await queries.invalidateQueries({ queryKey: ["workflows"] });
    } catch (error) {
      toast.error((error as Error).message);
    }
  }, [queries]);
  const tidy = useCallback(async () => {
    await tidyNow();
    void flow.fitView({ padding: 0.18, maxZoom: 1, duration: 200 });
  }, [flow]);

  const actions = useMemo<Action[]>(() => {
    const store = useWorkflow.getState;
    const toggle = (key: "panel" | "palette" | "paletteOver" | "inspector") => () =>
      preferences.set({ [key]: !preferences[key] });
    return [
      {
        id: "save",
        name: "Save draft",
        group: "Workflow",
        keys: "Mod+S",
        whileTyping: true,
        perform: () => void save(),
      },
      {
        id: "publish",
        name: "Publish…",
        group: "Workflow",
        keys: "Mod+Shift+P",
        perform: () => setDialog("publish"),
        disabled: !mayEdit,
      },
      {
        id: "test",
        name: "Test with sample data…",
        group: "Workflow",
        keys: "Mod+Enter",
        whileTyping: true,
        perform: () => setDialog("test"),
      },
      { id: "run", name: "Run now…", group: "Workflow", perform: () => setDialog("run") },
      { id: "versions", name: "Versions…", group: "Workflow", perform: () => setDialog("versions") },
      { id: "undo", name: "Undo", group: "Edit", keys: "Mod+Z", perform: () => store().undo() },
      { id: "redo", name: "Redo", group: "Edit", keys: "Mod+Shift+Z", perform: () => store().redo() },
      {
        id: "redo-y",
        name: "Redo",
        group: "Edit",
        keys: "Mod+Y",
        hidden: true,
        perform: () => store().redo(),
      },
      { id: "copy", name: "Copy", group: "Edit", keys: "Mod+C", perform: () => void copyChosen() },
      {
        id: "cut",
        name: "Cut",
        group: "Edit",
        keys: "Mod+X",
        perform: () => void copyChosen().then((done) => done && store().removeChosen()),
      },
      { id: "duplicate", name: "Duplicate", group: "Edit", keys: "Mod+D", perform: duplicateChosen },
      { id: "delete", name: "Delete", group: "Edit", keys: "Delete", perform: () => store().removeChosen() },
      {
        id: "all",
        name: "Choose all",
        group: "Edit",
        keys: "Mod+A",
        perform: () => store().choose(store().byId.keys()),
      },
      {
        id: "none",
        name: "Choose nothing",
        group: "Edit",
        keys: "Escape",
        perform: () => store().choose([]),
      },
      {
        id: "add",
        name: "Add a step",
        group: "Edit",
        keys: "A",
        perform: () => {
          preferences.set({ palette: true, paletteOver: true });
          setTimeout(() => document.getElementById(PALETTE_SEARCH_ID)?.focus(), 0);
        },
      },
      { id: "tidy", name: "Tidy", group: "Canvas", keys: "Shift+T", perform: () => void tidy() },
      { id: "tidy-t", name: "Tidy", group: "Canvas", keys: "T", hidden: true, perform: () => void tidy() },
      {
        id: "fit",
        name: "Show everything",
        group: "Canvas",
        keys: "F",
        perform: () => void flow.fitView({ padding: 0.18, maxZoom: 1, duration: 200 }),
      },
      { id: "zoom-in", name: "Zoom in", group: "Canvas", keys: "+", perform: () => void flow.zoomIn() },
      { id: "zoom-out", name: "Zoom out", group: "Canvas", keys: "-", perform: () => void flow.zoomOut() },
      { id: "next", name: "Next node", group: "Canvas", keys: "J", perform: () => step(1, flow) },
      { id: "previous", name: "Previous node", group: "Canvas", keys: "K", perform: () => step(-1, flow) },
      {
        id: "panel",
        name: "Show or hide the panel",
        group: "View",
        keys: "Mod+J",
        whileTyping: true,
        perform: toggle("panel"),
      },
      {
        id: "palette",
        name: "Show or hide the palette",
        group: "View",
        perform: toggle(narrow ? "paletteOver" : "palette"),
      },
      {
        id: "inspector",
        name: "Show or hide the inspector",
        group: "View",
        keys: "I",
        perform: toggle("inspector"),
      },
      ...(["definition", "code", "problems", "plan", "logs"] as const).map((tab, index) => ({
        id: `tab-${tab}`,
        name: `Show ${["the definition", "the Prefect code", "the problems", "the SQL plan", "the logs"][index]}`,
        group: "View",
        keys: String(index + 1),
        perform: () => preferences.set({ panel: true, panelTab: tab }),
      })),
    ];
  }, [flow, save, tidy, mayEdit, preferences, narrow]);
  useActions("editor", actions);
  usePasteEvent();
  useBlocker(dirty);

  return (
    <main id="main" className="flex h-full flex-col overflow-hidden" tabIndex={-1}>
      <TopBar
        dirty={dirty}
        mayEdit={mayEdit}
        onSave={() => void save()}
        onPublish={() => setDialog("publish")}
        onTest={() => setDialog("test")}
        onRun={() => setDialog("run")}
        onTidy={() => void tidy()}
        onVersions={() => setDialog("versions")}
      />
      <div className="relative flex min-h-0 flex-1">
        {(narrow ? preferences.paletteOver : preferences.palette) && mayEdit && <Palette over={narrow} />}
        <div className="flex min-w-0 flex-1 flex-col">
          <div className="relative min-h-0 flex-1">
            <Canvas />
            <EmptyCanvas />
            <RunStrip />
          </div>
          <BottomPanel />
        </div>
        {preferences.inspector && <Inspector onTest={() => setDialog("test")} />}
      </div>
      {dialog === "publish" && <PublishDialog onClose={() => setDialog(undefined)} />}
      <RunDialog
        open={dialog === "test" || dialog === "run"}
        test={dialog !== "run"}
        onClose={() => setDialog(undefined)}
      />
      <VersionsDialog open={dialog === "versions"} onClose={() => setDialog(undefined)} />
      <ConflictDialog />
    </main>
  );
}

function EmptyCanvas() {
  const empty = useWorkflow((state) => state.nodes.length === 0 && !state.broken);
  if (!empty) return null;
  return (
    <div className="pointer-events-none absolute inset-0 flex flex-col items-center justify-center gap-2 text-center text-ink-2">
      <MousePointerClick size={22} className="text-ink-3" />
      <p className="font-medium">Drag a step here, or click one in the palette</p>
      <p className="text-sm text-ink-3">A trigger is a good beginning. Press A to search for a step.</p>
    </div>
  );
}

function step(by: 1 | -1, flow: ReturnType<typeof useReactFlow>): void {
  const { nodes, selectedNode, setSelectedNode, positions } = useWorkflow.getState();
  if (nodes.length === 0) return;
  const at = selectedNode ? nodes.findIndex((node) => node.id === selectedNode.id) : by > 0 ? -1 : 0;
  const next = nodes[(at + by + nodes.length) % nodes.length]!;
  setSelectedNode(next);
  const place = positions[next.id];
  if (place)
    void flow.setCenter(place.x + 112, place.y + 30, { zoom: Math.max(flow.getZoom(), 0.6), duration: 150 });
}

/** Whether the server has what is drawn; asked when either changes. Also keeps the draft in this browser. */
function useDirty(): boolean {
  const [dirty, setDirty] = useState(isDirty);
  useEffect(() => {
    const look = (): void => {
      const { broken, history } = useWorkflow.getState();
      // What was changed last is being written beside the page; it is looked at when it is there.
      if (!broken && history.now.text === undefined) return setDirty(true);
      setDirty(isDirty());
      keepDraft();
    };
    const stops = [
      useWorkflow.subscribe((state, before) => {
        if (state.definition !== before.definition || state.broken !== before.broken) look();
        else if (state.raw !== before.raw) setDirty(true);
      }),
      useSaving.subscribe((state, before) => {
        if (state.savedText !== before.savedText) look();
      }),
    ];
    look();
    // What was typed a moment ago is not looked at yet when the page goes away.
    window.addEventListener("beforeunload", keepDraft);
    return () => {
      window.removeEventListener("beforeunload", keepDraft);
      stops.forEach((stop) => stop());
    };
  }, []);
  return dirty;
}

function usePasteEvent(): void {
  useEffect(() => {
    function onPaste(event: ClipboardEvent): void {
      if (isTyping(event.target)) return;
      const text = event.clipboardData?.getData("text/plain") ?? "";
      pasteClip(text.includes('"dataroll/nodes"') ? text : localStorage.getItem("dataroll.clip"));
    }
    document.addEventListener("paste", onPaste);
    return () => document.removeEventListener("paste", onPaste);
  }, []);
}

/** While a test is shown on the canvas, its nodes take their colours from it. */
function useFollowTest(): void {
  const id = useRun((state) => state.executionId);
  const run = useExecution(id);
  useEffect(() => {
    if (id && run.data?.id === id) useRun.getState().show(id, statusesOf(run.data.nodeExecutions));
  }, [id, run.data]);
}
