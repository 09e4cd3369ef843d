/**
 * One run, as it happens.
 *
 * An event carries statuses and times, so it is put into what is known already: a thousand
 * nodes are not asked for again because one has settled. Inputs and outputs are fetched a
 * moment later, for all that happened meanwhile.
 */
import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { executions } from "@/api/calls";
import type { Execution } from "@/api/types";
import { withEvents } from "@/domain/runEvents";
import { isFinished } from "@/domain/statuses";
import { follow, type LiveEvent } from "./live";

/** Events that come together are drawn together. */
const GATHER_MS = 60;
const FETCH_MS = 1500;
/** Asked in any case, should an event have been lost. */
const POLL_MS = 5000;

export const executionKey = (id: string | null | undefined): unknown[] => ["execution", id];

export function useExecution(id: string | null) {
  const queries = useQueryClient();
  const run = useQuery({
    queryKey: executionKey(id),
    queryFn: () => executions.get(id!),
    enabled: id !== null,
    refetchInterval: (query) => (query.state.data && isFinished(query.state.data.status) ? false : POLL_MS),
  });
  const known = run.data !== undefined;
  const after = run.data?.liveSeq;
  useEffect(() => {
    if (!known || id === null) return;
    return gather(queries, id, after);
    // The first number is where following begins; later ones follow from the events themselves.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [id, known, queries]);
  return run;
}

function gather(queries: QueryClient, id: string, after: number | undefined): () => void {
  let waiting: LiveEvent[] = [];
  let drawing: ReturnType<typeof setTimeout> | undefined;
  let fetching: ReturnType<typeof setTimeout> | undefined;
  const fetchSoon = (pause: number): void => {
    fetching ??= setTimeout(() => {
      fetching = undefined;
      void queries.invalidateQueries({ queryKey: executionKey(id) });
    }, pause);
  };
  const stop = follow(
    `execution:${id}`,
    (event) => {
      if (event.kind === "log") return;
      waiting.push(event);
      drawing ??= setTimeout(() => {
        drawing = undefined;
        const events = waiting;
        waiting = [];
        queries.setQueryData<Execution>(executionKey(id), (run) => run && withEvents(run, events));
      }, GATHER_MS);
      fetchSoon(event.kind === "node" ? FETCH_MS : GATHER_MS * 2);
    },
    after,
  );
  return () => {
    stop();
    clearTimeout(drawing);
    clearTimeout(fetching);
  };
}
