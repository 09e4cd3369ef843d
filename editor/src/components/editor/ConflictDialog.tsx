/** Somebody else saved first. All three texts are here, and none is lost. */
import { Tabs } from "radix-ui";
import { lazy, Suspense, useMemo, useState } from "react";
import toast from "react-hot-toast";
import { merge } from "@/domain/merge";
import { patchText } from "@/domain/patch";
import { readPlain } from "@/domain/read";
import type { Plain } from "@/domain/tree";
import { resolveConflict } from "@/store/opening";
import { useSaving, type Conflict } from "@/store/saving";
import { Button } from "../Button";
import { Dialog } from "../Dialog";
import { Loading } from "../Page";
import { TabBar } from "../TabBar";

const DiffView = lazy(() => import("./DiffView"));

export function ConflictDialog() {
  const conflict = useSaving((state) => state.conflict);
  if (!conflict) return null;
  return <Resolve conflict={conflict} />;
}

/** Theirs, with what I did on top: their comments and order stay. */
export function together(conflict: Conflict): { text: string; conflicts: string[] } {
  try {
    const plain = (text: string): Plain => readPlain(text, conflict.format);
    const { merged, conflicts } = merge(plain(conflict.base), plain(conflict.mine), plain(conflict.theirs));
    return { text: patchText(conflict.theirs, conflict.format, merged), conflicts };
  } catch {
    return { text: conflict.mine, conflicts: ["the text could not be read"] };
  }
}

function Resolve({ conflict }: { conflict: Conflict }) {
  const proposal = useMemo(() => together(conflict), [conflict]);
  const [text, setText] = useState(proposal.text);
  const [busy, setBusy] = useState(false);

  async function settle(result: string, message: string): Promise<void> {
    setBusy(true);
    try {
      await resolveConflict(result);
      toast.success(message);
    } catch (error) {
      toast.error((error as Error).message);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Dialog
      open
      onClose={() => useSaving.setState({ conflict: null })}
      width="max-w-5xl"
      title="Somebody else saved this workflow first"
      description={
        proposal.conflicts.length === 0
          ? "Both sets of changes fit together. Below is what saving would change in theirs."
          : `Both changed ${proposal.conflicts.join(", ")}. Yours stands in the text below; edit it as you like.`
      }
      footer={
        <>
          <Button disabled={busy} onClick={() => void settle(conflict.theirs, "Theirs is loaded")}>
            Take theirs
          </Button>
          <Button disabled={busy} onClick={() => void settle(conflict.mine, "Yours is saved")}>
            Keep mine as it is
          </Button>
          <Button
            weight="primary"
            disabled={busy}
            onClick={() => void settle(text, "Both are saved together")}
          >
            Save both together
          </Button>
        </>
      }
    >
      <Tabs.Root defaultValue="both">
        <TabBar
          label="Texts"
          tabs={[
            ["both", "Together, against theirs"],
            ["mine", "What I changed"],
            ["theirs", "What they changed"],
          ]}
        />
        <div className="h-[52vh] overflow-auto">
          <Suspense fallback={<Loading rows={4} />}>
            <Tabs.Content value="both" className="h-full" tabIndex={-1}>
              <DiffView
                label="Both together"
                before={conflict.theirs}
                after={text}
                language={conflict.format}
                onChange={setText}
              />
            </Tabs.Content>
            <Tabs.Content value="mine" className="h-full" tabIndex={-1}>
              <DiffView
                label="What I changed"
                before={conflict.base}
                after={conflict.mine}
                language={conflict.format}
              />
            </Tabs.Content>
            <Tabs.Content value="theirs" className="h-full" tabIndex={-1}>
              <DiffView
                label="What they changed"
                before={conflict.base}
                after={conflict.theirs}
                language={conflict.format}
              />
            </Tabs.Content>
          </Suspense>
        </div>
      </Tabs.Root>
    </Dialog>
  );
}
