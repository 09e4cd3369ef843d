/** What else can be done with a request that is open: hand one's vote on, or take the request back. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Forward, Undo2 } from "lucide-react";
import { useState } from "react";
import toast from "react-hot-toast";
import { approvals } from "@/api/calls";
import type { Approval } from "@/api/types";
import { Button } from "@/components/Button";
import { FieldFrame } from "@/components/Field";
import { useMay } from "@/store/session";

export function HandOn({ approval }: { approval: Approval }) {
  const queries = useQueryClient();
  const mayWithdraw = useMay("developer");
  const [to, setTo] = useState("");
  const [sure, setSure] = useState(false);
  const change = useMutation({
    mutationFn: (work: () => Promise<unknown>) => work(),
    onSuccess: () => setTo(""),
    onError: (error) => toast.error(error.message),
    onSettled: () => queries.invalidateQueries({ queryKey: ["approvals"] }),
  });
  if (!approval.mayVote && !mayWithdraw) return null;
  return (
    <details className="text-sm">
      <summary className="cursor-pointer text-ink-2">Somebody else, or not at all</summary>
      <div className="mt-2 flex flex-wrap items-end gap-2">
        {approval.mayVote && (
          <form
            className="flex items-end gap-2"
            onSubmit={(event) => {
              event.preventDefault();
              change.mutate(() => approvals.delegate(approval.id, to.trim()));
            }}
          >
            <FieldFrame label="Hand my vote to" hint="The e-mail address of somebody who may approve.">
              {({ id, describedBy }) => (
                <input
                  id={id}
                  aria-describedby={describedBy}
                  className="input"
                  value={to}
                  onChange={(event) => setTo(event.target.value)}
                />
              )}
            </FieldFrame>
            <Button type="submit" icon={<Forward size={14} />} disabled={!to.trim() || change.isPending}>
              Hand on
            </Button>
          </form>
        )}
        {mayWithdraw && (
          <Button
            weight={sure ? "danger" : undefined}
            icon={<Undo2 size={14} />}
            disabled={change.isPending}
            onClick={() => (sure ? change.mutate(() => approvals.withdraw(approval.id)) : setSure(true))}
          >
            {sure ? "Really withdraw: the run ends" : "Withdraw the request"}
          </Button>
        )}
      </div>
    </details>
  );
}
