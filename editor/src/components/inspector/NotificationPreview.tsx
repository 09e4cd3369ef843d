/** What a notification would say, without sending it. The server makes it, with the newest run's data or a sample. */
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { notifications } from "@/api/calls";
import type { components } from "@/api/schema";
import type { WorkflowNode } from "@/domain/definition";
import type { Name } from "@/domain/scope";
import { Json } from "../Json";
import { useFilled, useTrial, useValue } from "./trial";

type Asked = components["schemas"]["PreviewNotification"];
type Data = Record<string, unknown>;

interface NotificationPreviewProps {
  node: WorkflowNode;
  provider: string;
  scope: readonly Name[];
}

export function NotificationPreview({ node, provider, scope }: NotificationPreviewProps) {
  const [open, setOpen] = useState(false);
  const data = useDeferredValue(node.data);
  const trial = useTrial(scope, open);
  const message = useFilled(text(data["message"]), trial, open);
  const details = useValue(data["details"], trial, open);
  const asked: Partial<Asked> = {
    provider: provider as Asked["provider"],
    message,
    template: text(data["template"]),
    ...(isData(details) ? { details } : {}),
  };
  const answer = useQuery({
    queryKey: ["notification", asked],
    queryFn: ({ signal }) => notifications.preview(asked, signal),
    enabled: open && trial.ready,
    retry: false,
    placeholderData: (before) => before,
  });
  return (
    <details
      className="rounded-md border border-line"
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary className="label cursor-pointer px-2.5 py-1.5">What would be sent</summary>
      <div className="flex flex-col gap-2 border-t border-line p-2.5 text-sm" aria-live="polite">
        {answer.isError ? (
          <p className="text-xs text-danger">{answer.error.message}</p>
        ) : answer.data ? (
          <>
            <Payload payload={answer.data} />
            <p className="text-xs text-ink-3">
              Nothing is sent. {trial.real.size > 0 ? "The newest run's data" : "Sample data"} fills it in
              {isData(details) ? "." : "; without details the template shows a sample of them."}
            </p>
          </>
        ) : (
          <p className="text-xs text-ink-3">Asking the server…</p>
        )}
      </div>
    </details>
  );
}

/** Slack's blocks and a mail are shown as people will read them; what machines read is shown as it is. */
function Payload({ payload }: { payload: Data }) {
  const { blocks, subject, text: body } = payload;
  if (Array.isArray(blocks)) {
    return (
      <div className="flex flex-col gap-2 border-l-4 border-line-strong pl-2.5">
        {blocks.filter(isData).map((block, index) => (
          <Block key={index} block={block} />
        ))}
      </div>
    );
  }
  if (typeof subject === "string") {
    return (
      <div className="rounded-md bg-sunken p-2.5">
        <p className="mb-1.5 font-semibold" dir="auto">
          {subject}
        </p>
        <p className="text-xs [overflow-wrap:anywhere] whitespace-pre-wrap" dir="auto">
          {text(body)}
        </p>
      </div>
    );
  }
  return <Json label="JSON" value={payload} />;
}

function Block({ block }: { block: Data }) {
  const words = wordsOf(block);
  const parts = [block["fields"], block["elements"]].flatMap((list) => (Array.isArray(list) ? list : []));
  const size = block["type"] === "header" ? "text-base font-semibold" : "text-sm";
  return (
    <>
      {words && (
        <p dir="auto" className={`[overflow-wrap:anywhere] whitespace-pre-wrap ${size}`}>
          {words}
        </p>
      )}
      {parts.length > 0 && (
        <div className="grid grid-cols-2 gap-2 text-xs">
          {parts.filter(isData).map((part, index) => (
            <Fact key={index} words={text(part["text"])} />
          ))}
        </div>
      )}
    </>
  );
}

function wordsOf(block: Data): string {
  const inner = block["text"];
  return isData(inner) ? text(inner["text"]) : text(inner);
}

/** `*Label*`, and what stands below it. */
function Fact({ words }: { words: string }) {
  const [, label, value] = /^\*([^*\n]+)\*\n([^]*)$/.exec(words) ?? [];
  if (label === undefined) return <p className="text-ink-2 [overflow-wrap:anywhere]">{words}</p>;
  return (
    <p className="min-w-0">
      <span className="block text-ink-3">{label}</span>
      <span className="[overflow-wrap:anywhere]">{value}</span>
    </p>
  );
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isData(value: unknown): value is Data {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
