/** Who did what, when. Nothing here can be changed. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Download, ScrollText } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { misc } from "@/api/calls";
import { Button } from "@/components/Button";
import { Empty, Failure, Loading, Page } from "@/components/Page";
import { Table } from "@/components/Table";
import { Ago } from "@/components/Time";
import { useTeam } from "@/store/session";

export default function Audit() {
  const team = useTeam();
  const [text, setText] = useState("");
  const list = useInfiniteQuery({
    queryKey: ["audit", team?.id],
    queryFn: ({ pageParam }) => misc.audit({ limit: "100", cursor: pageParam ?? undefined }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor ?? null,
  });
  const all = list.data?.pages.flatMap((page) => page.items) ?? [];
  const words = text.toLowerCase();
  const rows = all.filter(
    (entry) =>
      !words ||
      JSON.stringify([entry.actor, entry.action, entry.subjectType, entry.subjectId, entry.details])
        .toLowerCase()
        .includes(words),
  );
  return (
    <Page
      title="Audit log"
      hint="Every change, by whom. Entries are chained, so that a missing one shows."
      actions={
        <>
          <input
            type="search"
            aria-label="Search the entries that are shown"
            placeholder="Search what is shown"
            className="input !w-56"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <a
            href="/api/audit/export"
            download
            className="inline-flex h-[30px] items-center gap-1.5 rounded-md border border-line-strong bg-panel px-2.5 text-sm font-medium hover:bg-sunken"
          >
            <Download size={14} /> Export
          </a>
        </>
      }
    >
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : rows.length === 0 ? (
        <div className="panel">
          <Empty
            icon={<ScrollText size={22} />}
            title={text ? "No entry has these words" : "Nothing has happened yet"}
          >
            {text
              ? "Only what is shown is searched: load more, or take a shorter word."
              : "Whoever publishes, runs, approves or changes something is named here."}
          </Empty>
        </div>
      ) : (
        <>
          <Table
            label="Audit log"
            rows={rows}
            keyOf={(entry) => String(entry.seq)}
            columns={[
              { title: "When", className: "w-24", cell: (entry) => <Ago at={entry.at} /> },
              { title: "Who", cell: (entry) => <span className="whitespace-nowrap">{entry.actor}</span> },
              {
                title: "What",
                cell: (entry) => <span className="font-mono text-xs whitespace-nowrap">{entry.action}</span>,
              },
              {
                title: "On",
                cell: (entry) => {
                  const to = {
                    workflow: `/workflows/${entry.subjectId}/editor`,
                    execution: `/executions/${entry.subjectId}`,
                    approval: `/approvals/${entry.subjectId}`,
                  }[entry.subjectType];
                  const name = `${entry.subjectType} ${entry.subjectId ?? ""}`;
                  return to ? (
                    <Link to={to} className="font-mono text-xs text-accent-ink hover:underline">
                      {name}
                    </Link>
                  ) : (
                    <span className="font-mono text-xs text-ink-2">{name}</span>
                  );
                },
              },
              {
                title: "Details",
                cell: (entry) => {
                  const details = JSON.stringify(entry.details);
                  return (
                    <span
                      title={details}
                      className="line-clamp-1 max-w-xl font-mono text-[0.7rem] text-ink-3"
                    >
                      {details === "{}" ? "" : details}
                    </span>
                  );
                },
              },
            ]}
          />
          {list.hasNextPage && (
            <div className="mt-3 text-center">
              <Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                Show older ones
              </Button>
            </div>
          )}
        </>
      )}
    </Page>
  );
}
