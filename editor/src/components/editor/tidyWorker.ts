/** The arrangement of large drawings takes seconds; the page goes on meanwhile. */
import { tidy, type TidyRequest } from "@/domain/tidy";

self.onmessage = (event: MessageEvent<TidyRequest>) => {
  self.postMessage(tidy(event.data));
};
