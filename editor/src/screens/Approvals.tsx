/** What waits for somebody's word: what exactly will run, who has spoken, how long there is. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, CheckSquare, Forward, MessageSquare, X } from "lucide-react";
import { useEffect, useState } from "react";
import toast from "react-hot-toast";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { approvals } from "@/api/calls";
import type { Approval } from "@/api/types";
import { HandOn } from "@/components/approvals/HandOn";
import { Button, Tip } from "@/components/Button";
import { FieldFrame } from "@/components/Field";
import { LiveMark } from "@/components/LiveMark";
import { Empty, Failure, Loading, Page } from "@/components/Page";
import { PlanCard } from "@/components/Plan";
import { Badge } from "@/components/Status";
import { Ago, duration, exactTime, useNow } from "@/components/Time";
import { useSession } from "@/store/session";
import { FilterSelect } from "@/components/FilterSelect";

const TONE = {
  pending: "wait",
  approved: "ok",
  rejected: "danger",
  expired: "warn",
  cancelled: "mute",
} as const;

export default function Approvals() {
  const { id } = useParams();
  const go = useNavigate();
  const [query, setQuery] = useSearchParams();
  const status = query.get("status") ?? "pending";
  const mine = query.get("asked") === "me";
  const filter = (name: string, value: string | null) => {
    const next = new URLSearchParams(query);
    if (value) next.set(name, value);
    else next.delete(name);
    setQuery(next, { replace: true });
  };
  const list = useQuery({
    queryKey: ["approvals", status, mine],
    queryFn: () =>
      approvals.list({
        status: status === "all" ? undefined : status,
        mine: mine ? "true" : undefined,
        limit: "100",
      }),
    refetchInterval: 15_000,
  });
  const items = list.data?.items ?? [];
  const first = useFirstShown(items[0]?.id, `${status} ${mine}`);
  const chosen = id ?? first;
  const detail = useQuery({
    queryKey: ["approvals", "one", chosen],
    queryFn: () => approvals.get(chosen!),
    enabled: chosen !== undefined,
    refetchInterval: 15_000,
  });

  return (
    <Page
      title="Approvals"
      actions={
        <>
          <LiveMark />
          <FilterSelect
            label="Status"
            value={status === "all" ? "" : status}
            onChange={(value) => filter("status", value === "pending" ? null : value || "all")}
            choices={["pending", "approved", "rejected", "expired", "cancelled"]}
          />
          <FilterSelect
            label="Who is asked"
            value={mine ? "me" : ""}
            onChange={(value) => filter("asked", value)}
            choices={["me"]}
          />
        </>
      }
    >
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : items.length === 0 && !chosen ? (
        <div className="panel">
          <Empty
            icon={<CheckSquare size={22} />}
            title={status === "pending" ? "Nothing waits for an approval" : "No approval fits"}
          >
            When a run reaches an approval step it appears here, with everything it is about to do.
          </Empty>
        </div>
      ) : (
        <div className="grid grid-cols-[minmax(240px,340px)_1fr] gap-4 max-md:grid-cols-1">
          <ul aria-label="Approvals" className="panel self-start overflow-hidden">
            {items.map((item) => (
              <li key={item.id} className="border-b border-line last:border-0">
                <button
                  type="button"
                  aria-pressed={item.id === chosen}
                  onClick={() =>
                    void go(`/approvals/${item.id}${query.size ? `?${query}` : ""}`, { replace: true })
                  }
                  className={`w-full px-3 py-2.5 text-left ${item.id === chosen ? "bg-hover" : "hover:bg-sunken"}`}
                >
                  <span className="flex items-center gap-2">
                    <span className="min-w-0 flex-1 truncate font-medium">
                      {item.workflowName ?? item.workflowId}
                    </span>
                    {item.status === "pending" ? (
                      <Countdown until={item.expiresAt} />
                    ) : (
                      <Badge tone={TONE[item.status as keyof typeof TONE] ?? "mute"}>{item.status}</Badge>
                    )}
                  </span>
                  <span className="block truncate text-xs text-ink-2">{item.message || item.nodeId}</span>
                  <span className="text-xs text-ink-3">
                    {item.requestedBy?.name ?? "no person"} · <Ago at={item.createdAt} />
                  </span>
                </button>
              </li>
            ))}
            {items.length === 0 && <li className="p-4 text-ink-2">No other approval fits.</li>}
          </ul>
          {detail.data ? (
            <Detail key={detail.data.id} approval={detail.data} />
          ) : detail.isError ? (
            <Failure error={detail.error} />
          ) : (
            <Loading />
          )}
        </div>
      )}
    </Page>
  );
}

/**
 * What was shown first stays until somebody chooses: a request that comes or is decided meanwhile
 * must not put another one under the hand that is about to approve.
 */
function useFirstShown(first: string | undefined, filter: string): string | undefined {
  const [shown, setShown] = useState<{ id: string; filter: string }>();
  const kept = shown?.filter === filter ? shown.id : undefined;
  useEffect(() => {
    if (first && !kept) setShown({ id: first, filter });
  }, [first, kept, filter]);
  return kept ?? first;
}

function Countdown({ until }: { until: string | null | undefined }) {
  const now = useNow(1000);
  if (!until) return null;
  const left = new Date(until).getTime() - now;
  if (left <= 0) return <Badge tone="warn">expired</Badge>;
  return (
    <Tip text={`Expires ${exactTime(until)}; then it counts as a no.`}>
      <span
        tabIndex={0}
        role="timer"
        className={`text-xs tabular-nums ${left < 900_000 ? "text-danger" : "text-ink-2"}`}
      >
        {duration(Math.floor(left / 1000) * 1000)} left
      </span>
    </Tip>
  );
}

function Detail({ approval }: { approval: Approval }) {
  const queries = useQueryClient();
  const me = useSession((session) => session.me);
  const [comment, setComment] = useState("");
  const pending = approval.status === "pending";
  const decide = useMutation({
    mutationFn: (yes: boolean) => {
      // The plan that is on this screen: the server refuses a vote on another one.
      const vote = { comment, planHash: approval.planHash };
      return yes ? approvals.approve(approval.id, vote) : approvals.reject(approval.id, vote);
    },
    onSuccess: (after) => {
      toast.success(
        after.status === "pending"
          ? "Your vote is counted"
          : after.status === "approved"
            ? "Approved: the run goes on"
            : "Rejected",
      );
      setComment("");
    },
    onError: (error) => toast.error(error.message),
    onSettled: () => queries.invalidateQueries({ queryKey: ["approvals"] }),
  });
  const say = useMutation({
    mutationFn: () => approvals.comment(approval.id, comment),
    onSuccess: () => setComment(""),
    onError: (error) => toast.error(error.message),
    onSettled: () => queries.invalidateQueries({ queryKey: ["approvals"] }),
  });
  const yes = approval.votes.filter((vote) => vote.vote === "approve").length;
  // The server closes it a moment after its time; here nobody presses a button that is too late.
  const over = useNow(1000) >= new Date(approval.expiresAt ?? Infinity).getTime();
  const may = approval.mayVote && !over;
  const why = over ? "its time is up, and that counts as a no" : approval.mayNotVoteBecause;
  return (
    <article className="panel flex flex-col gap-4 p-4">
      <header className="flex flex-wrap items-start gap-3">
        <div className="min-w-0 flex-1">
          <h2 className="text-lg font-semibold">{approval.workflowName ?? "Approval"}</h2>
          <p className="text-sm text-ink-2">
            {approval.requestedBy
              ? `${approval.requestedBy.id === me?.id ? "You" : approval.requestedBy.name} asked`
              : "Asked"}{" "}
            <Ago at={approval.createdAt} /> · <span className="font-mono text-xs">{approval.nodeId}</span> ·{" "}
            <Link className="text-accent-ink underline" to={`/executions/${approval.executionId}`}>
              the run
            </Link>
          </p>
        </div>
        {pending ? (
          <Countdown until={approval.expiresAt} />
        ) : (
          <Badge tone={TONE[approval.status as keyof typeof TONE] ?? "mute"}>{approval.status}</Badge>
        )}
      </header>
      {approval.message && (
        <p dir="auto" className="rounded-md bg-sunken px-3 py-2 whitespace-pre-wrap">
          {approval.message}
        </p>
      )}
      <section aria-label="What will run" className="flex flex-col gap-2">
        <h3 className="label">What will run, exactly</h3>
        {(approval.plans ?? []).map((plan, index) => (
          <PlanCard key={plan.planHash ?? index} plan={plan} />
        ))}
        {(approval.plans ?? []).length === 0 && (
          <p className="text-ink-2">
            No plan was made before this step: a dry run before the approval would show it.
          </p>
        )}
      </section>
      <section aria-label="Votes" className="flex flex-col gap-1">
        <h3 className="label">
          Votes: {yes} of {approval.required} needed
        </h3>
        <ul>
          {approval.votes.map((vote) => (
            <li key={vote.user.id} className="flex items-start gap-2 py-0.5">
              {vote.vote === "approve" ? (
                <Check size={14} className="mt-0.5 text-ok" aria-label="Yes" />
              ) : (
                <X size={14} className="mt-0.5 text-danger" aria-label="No" />
              )}
              <span>
                <span className="font-medium">{vote.user.name}</span>{" "}
                {vote.comment && <span className="text-ink-2">“{vote.comment}”</span>}{" "}
                <Ago at={vote.createdAt} />
              </span>
            </li>
          ))}
          {approval.delegations.map((handed) => (
            <li key={handed.by.id} className="flex items-start gap-2 py-0.5">
              <Forward size={14} className="mt-0.5 text-ink-3" aria-label="Handed on" />
              <span>
                <span className="font-medium">{handed.by.name}</span>{" "}
                <span className="text-ink-2">handed their vote to {handed.to.name}</span>{" "}
                <Ago at={handed.createdAt} />
              </span>
            </li>
          ))}
          {approval.comments.map((remark) => (
            <li key={remark.id} className="flex items-start gap-2 py-0.5">
              <MessageSquare size={14} className="mt-0.5 text-ink-3" aria-label="Comment" />
              <span>
                <span className="font-medium">{remark.user.name}</span>{" "}
                <span className="text-ink-2">“{remark.text}”</span> <Ago at={remark.createdAt} />
              </span>
            </li>
          ))}
        </ul>
        {approval.votes.length + approval.comments.length + approval.delegations.length === 0 && (
          <p className="text-ink-3">Nobody has spoken yet.</p>
        )}
      </section>
      {approval.rejectionReason && (
        <p className="rounded-md bg-danger-soft px-3 py-2 text-danger">{approval.rejectionReason}</p>
      )}
      {pending && (
        <section aria-label="Decide" className="flex flex-col gap-2 border-t border-line pt-3">
          <FieldFrame label="Comment" hint="Kept for the audit, and readable by later steps.">
            {({ id, describedBy }) => (
              <textarea
                id={id}
                aria-describedby={describedBy}
                rows={2}
                className="input"
                value={comment}
                onChange={(event) => setComment(event.target.value)}
              />
            )}
          </FieldFrame>
          <div className="flex flex-wrap items-center gap-2">
            <Button
              weight="primary"
              icon={<Check size={14} />}
              disabled={!may || decide.isPending}
              aria-describedby={may ? undefined : "why-not"}
              onClick={() => decide.mutate(true)}
            >
              Approve
            </Button>
            <Button
              weight="danger"
              icon={<X size={14} />}
              disabled={!may || decide.isPending}
              aria-describedby={may ? undefined : "why-not"}
              onClick={() => decide.mutate(false)}
            >
              Reject
            </Button>
            <Button disabled={!comment.trim() || say.isPending} onClick={() => say.mutate()}>
              Only comment
            </Button>
            {!may && (
              <p id="why-not" className="text-sm text-ink-2">
                {sentence(why ?? "you are not asked")}
              </p>
            )}
          </div>
          <HandOn approval={approval} />
        </section>
      )}
    </article>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (text.endsWith(".") ? "" : ".");
}
