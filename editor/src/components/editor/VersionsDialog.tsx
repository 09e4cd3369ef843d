/** Every published version, how it differs from another, and the way back to it. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import toast from "react-hot-toast";
import { workflows } from "@/api/calls";
import { useWorkflow } from "@/store/workflow";
import { Button } from "../Button";
import { Dialog } from "../Dialog";
import { Failure, Loading } from "../Page";
import { Badge } from "../Status";
import { Ago } from "../Time";
import { Differences } from "./Differences";

export function VersionsDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const id = useWorkflow((state) => state.workflowId);
  const definition = useWorkflow((state) => state.definition);
  const editText = useWorkflow((state) => state.editText);
  const list = useQuery({ queryKey: ["versions", id], queryFn: () => workflows.versions(id), enabled: open });
  const [chosen, setChosen] = useState<number>();
  const [against, setAgainst] = useState<number>();
  const source = useWorkflow((state) => state.source);
  const draft = useMemo(() => ({ ...definition, source }), [definition, source]);
  const at = chosen ?? list.data?.items[0]?.version;
  const version = useQuery({
    queryKey: ["version", id, at],
    queryFn: () => workflows.version(id, at!),
    enabled: open && at !== undefined,
  });
  const other = useQuery({
    queryKey: ["version", id, against],
    queryFn: () => workflows.version(id, against!),
    enabled: open && against !== undefined,
  });
  const later = against === undefined ? draft : other.data;
  const failed = version.isError ? version : other.isError ? other : undefined;
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
                  onClick={() => {
                    setChosen(item.version);
                    if (against === item.version) setAgainst(undefined);
                  }}
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
          <div className="flex min-w-0 flex-1 flex-col gap-2">
            <label className="flex items-center gap-2 text-sm text-ink-2">
              From version {at} to
              <select
                className="input w-auto"
                value={against ?? ""}
                onChange={(event) => setAgainst(event.target.value ? Number(event.target.value) : undefined)}
              >
                <option value="">what is in the editor</option>
                {list.data?.items
                  .filter((item) => item.publishedAt && item.version !== at)
                  .map((item) => (
                    <option key={item.version} value={item.version}>
                      version {item.version}
                    </option>
                  ))}
              </select>
            </label>
            {failed ? (
              <Failure error={failed.error} retry={() => void failed.refetch()} />
            ) : version.data && later ? (
              <Differences before={version.data} after={later} />
            ) : (
              <Loading />
            )}
          </div>
        </div>
      )}
    </Dialog>
  );
}
