/** Every published version, what it said, and the way back to it. */
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import toast from "react-hot-toast";
import { workflows } from "@/api/calls";
import { useWorkflow } from "@/store/workflow";
import { Button } from "../Button";
import { Dialog } from "../Dialog";
import { Loading } from "../Page";
import { Badge } from "../Status";
import { Ago } from "../Time";

const DiffView = lazy(() => import("./DiffView"));

export function VersionsDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const id = useWorkflow((state) => state.workflowId);
  const definition = useWorkflow((state) => state.definition);
  const editText = useWorkflow((state) => state.editText);
  const list = useQuery({ queryKey: ["versions", id], queryFn: () => workflows.versions(id), enabled: open });
  const [chosen, setChosen] = useState<number>();
  const at = chosen ?? list.data?.items[0]?.version;
  const version = useQuery({
    queryKey: ["version", id, at],
    queryFn: () => workflows.version(id, at!),
    enabled: open && at !== undefined,
  });
  return (
    <Dialog
      open={open}
      onClose={onClose}
      width="max-w-5xl"
      title="Versions"
      footer={
        version.data && (
          <Button
            onClick={() => {
              editText(version.data.content, version.data.format);
              toast.success(`The draft now says what version ${at} says`);
              onClose();
            }}
          >
            Put version {at} into the draft
          </Button>
        )
      }
    >
      {list.isPending ? (
        <Loading />
      ) : (
        <div className="flex h-[56vh] gap-3">
          <ul className="w-56 shrink-0 overflow-auto border-r border-line pr-2">
            {list.data?.items.map((item) => (
              <li key={item.version}>
                <button
                  type="button"
                  aria-pressed={item.version === at}
                  onClick={() => setChosen(item.version)}
                  className={`w-full rounded-md px-2 py-1.5 text-left ${item.version === at ? "bg-hover" : "hover:bg-sunken"}`}
                >
                  <span className="flex items-center gap-2 font-medium">
                    Version {item.version}{" "}
                    {item.isLive ? <Badge tone="ok">runs</Badge> : !item.publishedAt && <Badge>draft</Badge>}
                  </span>
                  <span className="block truncate text-xs text-ink-3">{item.changelog ?? "no words"}</span>
                  <span className="text-xs">
                    <Ago at={item.publishedAt ?? item.createdAt} />
                  </span>
                </button>
              </li>
            ))}
          </ul>
          <div className="min-w-0 flex-1 overflow-auto">
            <Suspense fallback={<Loading />}>
              {version.data && (
                <DiffView
                  key={at}
                  label={`Version ${at} against the draft`}
                  before={version.data.content}
                  after={definition.content}
                  language={version.data.format}
                />
              )}
            </Suspense>
          </div>
        </div>
      )}
    </Dialog>
  );
}
