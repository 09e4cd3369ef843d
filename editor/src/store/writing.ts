/** The text of a long definition is worked out beside the page: typing does not wait for it. */
import { unwritten, wrote, type Entry } from "@/domain/history";
import type { WriteRequest } from "./writingWorker";

/** Letters; a shorter text is written in a few milliseconds. */
const LONG = 20_000;

let worker: Worker | undefined;
let busy = false;

export function isLong(entry: Entry): boolean {
  return typeof Worker !== "undefined" && unwritten(entry).text.length > LONG;
}

/** `then` is called when there is a text. While one is being worked out nothing else is begun: `then` looks again. */
export function writeBeside(entry: Entry, then: () => void): void {
  if (busy) return;
  busy = true;
  const { text, steps } = unwritten(entry);
  worker ??= new Worker(new URL("./writingWorker.ts", import.meta.url), { type: "module" });
  worker.onmessage = (event: MessageEvent<string[]>) => {
    busy = false;
    wrote(steps, event.data);
    then();
  };
  worker.onerror = () => {
    // Whoever needs the text has it worked out at once, as for a short one.
    busy = false;
    worker?.terminate();
    worker = undefined;
  };
  const request: WriteRequest = { text, steps: steps.map(({ format, raw }) => ({ format, raw })) };
  worker.postMessage(request);
}
