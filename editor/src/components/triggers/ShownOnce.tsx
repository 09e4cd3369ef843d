/** A webhook's address and secret: shown this once, and in no answer after it. */
import { Copy } from "lucide-react";
import toast from "react-hot-toast";
import type { TriggerMade } from "@/api/types";
import { Button, IconButton } from "../Button";
import { Dialog } from "../Dialog";

export function ShownOnce({ made, onClose }: { made: TriggerMade; onClose: () => void }) {
  const scheme = typeof made.config["scheme"] === "string" ? made.config["scheme"] : "standard";
  return (
    <Dialog
      open
      onClose={onClose}
      width="max-w-xl"
      title="The webhook’s address"
      description="Copy both now. They are stored so that nobody can read them again; a lost one is replaced by rotating."
      footer={
        <Button weight="primary" onClick={onClose}>
          I have copied them
        </Button>
      }
    >
      <dl className="flex flex-col gap-3">
        <Line name="Address" value={made.url ?? ""} />
        {made.key && <Line name="Key, the end of the address" value={made.key} />}
        {made.secret ? (
          <Line name="Secret" value={made.secret} />
        ) : (
          <p className="text-ink-2">The secret is the one that the node names.</p>
        )}
        <div>
          <dt className="label mb-1">{scheme === "github" ? "In GitHub" : "For instance"}</dt>
          <dd className="text-ink-2">
            {scheme === "github" ? (
              "Settings → Webhooks → Add webhook: the address as Payload URL, application/json, and the secret."
            ) : scheme === "shared-secret" || scheme === "gitlab" ? (
              <pre
                tabIndex={0}
                className="overflow-x-auto rounded-md bg-sunken p-2 font-mono text-[0.72rem] leading-5"
              >{`curl -X POST ${made.url ?? ""} \\
  -H "${headerOf(scheme, made.config)}: $SECRET" \\
  -H "Content-Type: application/json" -d '{"ref": "refs/heads/main"}'`}</pre>
            ) : (
              "Any sender that follows standardwebhooks.com: it signs each delivery with the secret."
            )}
          </dd>
        </div>
      </dl>
    </Dialog>
  );
}

function headerOf(scheme: string, config: Record<string, unknown>): string {
  if (scheme === "gitlab") return "X-Gitlab-Token";
  return typeof config["header"] === "string" ? config["header"] : "X-Webhook-Secret";
}

function Line({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt className="label mb-1">{name}</dt>
      <dd className="flex items-center gap-1 rounded-md border border-line bg-sunken pl-2">
        <code className="min-w-0 flex-1 py-1.5 font-mono text-xs break-all select-all">{value}</code>
        <IconButton
          label={`Copy: ${name}`}
          onClick={() => {
            void navigator.clipboard?.writeText(value);
            toast.success("Copied", { duration: 1500 });
          }}
        >
          <Copy size={13} />
        </IconButton>
      </dd>
    </div>
  );
}
