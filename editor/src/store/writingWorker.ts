/** Texts of changes, one after the other, away from the page. */
import { patchText } from "@/domain/patch";
import type { Format, PlainMap } from "@/domain/tree";

export interface WriteRequest {
  text: string;
  steps: { format: Format; raw: PlainMap }[];
}

self.onmessage = (event: MessageEvent<WriteRequest>) => {
  let { text } = event.data;
  const texts = event.data.steps.map(({ format, raw }) => (text = patchText(text, format, raw)));
  self.postMessage(texts);
};
