/** Tokens for programs that act for you. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { useState, type FormEvent } from "react";
import toast from "react-hot-toast";
import { auth } from "@/api/calls";
import { Button, IconButton } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { SelectField, TextField } from "@/components/Field";
import { Empty, Failure, Loading, Page } from "@/components/Page";
import { Badge } from "@/components/Status";
import { Table } from "@/components/Table";
import { Ago } from "@/components/Time";
import { Once } from "./Team";

const SCOPES = [
  ["read", "Read"],
  ["write", "Edit workflows"],
  ["execute", "Start and cancel runs"],
  ["approve", "Decide approvals"],
  ["admin", "Everything else you may do"],
] as const;

export default function Tokens() {
  const queries = useQueryClient();
  const [making, setMaking] = useState(false);
  const list = useQuery({ queryKey: ["tokens"], queryFn: auth.tokens });
  const fresh = () => queries.invalidateQueries({ queryKey: ["tokens"] });
  const revoke = useMutation({
    mutationFn: auth.revokeToken,
    onError: (error) => toast.error(error.message),
    onSettled: fresh,
  });
  return (
    <Page
      title="Tokens"
      hint="For programs that act for you. A token can do no more than you."
      actions={
        <Button weight="primary" icon={<Plus size={14} />} onClick={() => setMaking(true)}>
          New token
        </Button>
      }
    >
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : list.data.items.length === 0 ? (
        <div className="panel">
          <Empty icon={<KeyRound size={22} />} title="No tokens yet">
            A token lets a script, a pipeline or the command line do what you may do, or less. It can be taken
            back here at any time.
          </Empty>
        </div>
      ) : (
        <Table
          label="Tokens"
          rows={list.data.items}
          keyOf={(token) => token.id}
          columns={[
            { title: "Name", cell: (token) => <span className="font-medium">{token.name}</span> },
            {
              title: "Begins with",
              cell: (token) => <span className="font-mono text-xs">{token.prefix}…</span>,
            },
            {
              title: "May",
              cell: (token) => (
                <span className="flex gap-1">
                  {token.scopes.length ? (
                    token.scopes.map((scope) => <Badge key={scope}>{scope}</Badge>)
                  ) : (
                    <Badge>all</Badge>
                  )}
                </span>
              ),
            },
            { title: "Made", cell: (token) => <Ago at={token.createdAt} /> },
            { title: "Used", cell: (token) => <Ago at={token.lastUsedAt} /> },
            {
              title: "Until",
              className: "whitespace-nowrap",
              cell: (token) =>
                token.expiresAt ? <Ago at={token.expiresAt} /> : <span className="text-ink-3">no end</span>,
            },
            {
              title: "Actions",
              silent: true,
              className: "text-right",
              cell: (token) => (
                <IconButton label={`Revoke ${token.name}`} onClick={() => revoke.mutate(token.id)}>
                  <Trash2 size={14} />
                </IconButton>
              ),
            },
          ]}
        />
      )}
      {making && <NewToken onClose={() => setMaking(false)} onMade={() => void fresh()} />}
    </Page>
  );
}

function NewToken({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<string[]>(["read"]);
  const [days, setDays] = useState("90");
  const make = useMutation({
    mutationFn: () =>
      auth.makeToken({ name, scopes: scopes as "read"[], expiresInDays: days ? Number(days) : null }),
    onSuccess: onMade,
  });
  return (
    <Dialog open onClose={onClose} title="New token">
      {make.data ? (
        <Once
          label="Token"
          value={make.data.token}
          hint="Copy it now: it is shown this once."
          onClose={onClose}
        />
      ) : (
        <form
          className="flex flex-col gap-3"
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            make.mutate();
          }}
        >
          <TextField
            label="Name"
            required
            autoFocus
            value={name}
            error={make.error?.message}
            onChange={(event) => setName(event.target.value)}
            placeholder="CI of the shop"
          />
          <fieldset className="flex flex-col gap-1">
            <legend className="label mb-1">It may</legend>
            {SCOPES.map(([scope, label]) => (
              <label key={scope} className="flex items-center gap-2 text-sm">
                <input
                  type="checkbox"
                  checked={scopes.includes(scope)}
                  onChange={(event) =>
                    setScopes(
                      event.target.checked ? [...scopes, scope] : scopes.filter((other) => other !== scope),
                    )
                  }
                />
                {label}
              </label>
            ))}
          </fieldset>
          <SelectField
            label="It ends after"
            value={days}
            onChange={(event) => setDays(event.target.value)}
            choices={[
              { value: "30", label: "30 days" },
              { value: "90", label: "90 days" },
              { value: "365", label: "a year" },
              { value: "", label: "never" },
            ]}
          />
          <div className="flex justify-end gap-2">
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" weight="primary" disabled={make.isPending || scopes.length === 0}>
              Make it
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
