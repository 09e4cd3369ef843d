/** What one version does differently from another: in words, drawn, as text and as code. */
import { Tabs } from "radix-ui";
import { lazy, Suspense, useMemo } from "react";
import { compare, type Change } from "@/domain/compare";
import { readPlain } from "@/domain/read";
import { isMap, type PlainMap } from "@/domain/tree";
import { useWorkflow } from "@/store/workflow";
import { Loading } from "../Page";
import { Badge } from "../Status";
import { TabBar } from "../TabBar";
import { GraphDifference } from "./GraphDifference";

const DiffView = lazy(() => import("./DiffView"));
const TONE = { high: "danger", medium: "warn", low: "mute" } as const;
const SIGN = { added: "+", removed: "−", changed: "~" } as const;

/** One side of a comparison; an empty one is a workflow with nothing in it. */
export interface Side {
  content: string;
  format: "yaml" | "json";
  /** The generated flow; nothing where the definition cannot be compiled. */
  source?: string | null | undefined;
}

export const NOTHING: Side = { content: "", format: "yaml" };

export function Differences({ before, after }: { before: Side; after: Side }) {
  const catalogue = useWorkflow((state) => state.catalogue);
  const old = useMemo(() => plainOf(before), [before]);
  const now = useMemo(() => plainOf(after), [after]);
  const changes = useMemo(() => compare(old, now, catalogue), [old, now, catalogue]);
  return (
    <Tabs.Root defaultValue="words" className="flex min-h-0 flex-1 flex-col">
      <TabBar
        label="Differences"
        tabs={[
          ["words", `Changes (${changes.length})`],
          ["graph", "Graph"],
          ["text", "Definition"],
          ["python", "Prefect code"],
        ]}
      />
      <div className="min-h-0 flex-1 overflow-auto">
        <Tabs.Content value="words" tabIndex={-1}>
          <ChangeList changes={changes} />
        </Tabs.Content>
        <Tabs.Content value="graph" className="h-full" tabIndex={-1}>
          <GraphDifference before={old} after={now} catalogue={catalogue} />
        </Tabs.Content>
        <Suspense fallback={<Loading rows={3} />}>
          <Tabs.Content value="text" className="h-full" tabIndex={-1}>
            <DiffView
              label="Difference of the definition"
              before={before.content}
              after={after.content}
              language={after.format}
            />
          </Tabs.Content>
          <Tabs.Content value="python" className="h-full" tabIndex={-1}>
            <DiffView
              label="Difference of the generated flow"
              before={before.source ?? ""}
              after={after.source ?? ""}
              language="python"
            />
          </Tabs.Content>
        </Suspense>
      </div>
    </Tabs.Root>
  );
}

function ChangeList({ changes }: { changes: readonly Change[] }) {
  if (changes.length === 0)
    return (
      <p className="py-4 text-ink-2">
        What runs does not change; only places, comments or the way of writing do.
      </p>
    );
  return (
    <ul className="py-1" aria-label="Changes in words">
      {changes.map((change, index) => (
        <li key={index} className="flex items-start gap-2.5 border-b border-line py-1.5 last:border-0">
          <span aria-hidden className="w-3 text-center font-mono text-ink-3">
            {SIGN[change.kind]}
          </span>
          <span className="min-w-0 flex-1 break-words">{change.text}</span>
          <Badge tone={TONE[change.risk]}>
            {change.risk === "high" ? "look twice" : change.risk === "medium" ? "notable" : "minor"}
          </Badge>
        </li>
      ))}
    </ul>
  );
}

function plainOf({ content, format }: Side): PlainMap {
  if (!content) return {};
  try {
    const plain = readPlain(content, format);
    return isMap(plain) ? plain : {};
  } catch {
    return {};
  }
}
