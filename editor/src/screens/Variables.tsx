/** What all workflows of the team share. Secrets go in and never come out. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Pencil, Plus, Trash2, Variable as VariableIcon } from "lucide-react";
import { useState, type FormEvent } from "react";
import toast from "react-hot-toast";
import { variables } from "@/api/calls";
import { ApiError } from "@/api/http";
import type { TeamVariable } from "@/api/types";
import { Button, IconButton } from "@/components/Button";
import { Confirm, Dialog } from "@/components/Dialog";
import { SelectField, TextField } from "@/components/Field";
import { readValue, showValue } from "@/domain/typed";
import { Empty, Failure, Loading, Page } from "@/components/Page";
import { Badge } from "@/components/Status";
import { Table } from "@/components/Table";
import { Ago } from "@/components/Time";
import { useMay } from "@/store/session";

export default function Variables() {
  const queries = useQueryClient();
  const may = useMay("developer");
  const [editing, setEditing] = useState<TeamVariable | "variable" | "secret">();
  const [deleting, setDeleting] = useState<TeamVariable>();
  const list = useQuery({ queryKey: ["variables"], queryFn: variables.list });
  const fresh = () => queries.invalidateQueries({ queryKey: ["variables"] });
  const remove = useMutation({
    mutationFn: variables.remove,
    onError: (error) => toast.error(error.message),
    onSettled: fresh,
  });
  return (
    <Page
      title="Variables and secrets"
      hint="Shared by the team's workflows. A secret can be replaced, and never read."
      actions={
        may && (
          <>
            <Button icon={<KeyRound size={14} />} onClick={() => setEditing("secret")}>
              New secret
            </Button>
            <Button weight="primary" icon={<Plus size={14} />} onClick={() => setEditing("variable")}>
              New variable
            </Button>
          </>
        )
      }
    >
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : list.data.items.length === 0 ? (
        <div className="panel">
          <Empty icon={<VariableIcon size={22} />} title="No variables yet">
            A webhook's address, a threshold, the name of a channel: what several workflows need stands here
            once.
          </Empty>
        </div>
      ) : (
        <Table
          label="Variables"
          rows={list.data.items}
          keyOf={(variable) => variable.id}
          columns={[
            {
              title: "Name",
              cell: (variable) => <span className="font-mono text-xs font-medium">{variable.name}</span>,
            },
            {
              title: "Type",
              cell: (variable) => <Badge tone={variable.isSecret ? "wait" : "mute"}>{variable.type}</Badge>,
            },
            {
              title: "Value",
              cell: (variable) =>
                variable.isSecret ? (
                  <span className="text-ink-3">{variable.isSet ? "•••••• set" : "not set"}</span>
                ) : (
                  <span className="block max-w-xs truncate font-mono text-xs">
                    {showValue(variable.value, "string")}
                  </span>
                ),
            },
            {
              title: "Description",
              cell: (variable) => <span className="text-ink-2">{variable.description}</span>,
            },
            { title: "Changed", cell: (variable) => <Ago at={variable.updatedAt} /> },
            {
              title: "Actions",
              silent: true,
              className: "text-right whitespace-nowrap",
              cell: (variable) =>
                may && (
                  <>
                    <IconButton label={`Change ${variable.name}`} onClick={() => setEditing(variable)}>
                      <Pencil size={14} />
                    </IconButton>
                    <IconButton label={`Delete ${variable.name}`} onClick={() => setDeleting(variable)}>
                      <Trash2 size={14} />
                    </IconButton>
                  </>
                ),
            },
          ]}
        />
      )}
      {editing && (
        <VariableDialog
          variable={typeof editing === "string" ? undefined : editing}
          secret={editing === "secret" || (typeof editing === "object" && editing.isSecret)}
          onClose={() => setEditing(undefined)}
          onSaved={() => void fresh()}
        />
      )}
      <Confirm
        open={deleting !== undefined}
        onClose={() => setDeleting(undefined)}
        onConfirm={() => deleting && remove.mutate(deleting.id)}
        title={`Delete ${deleting?.name}?`}
        verb="Delete"
        danger
      >
        Workflows that use it fail at their next run.
      </Confirm>
    </Page>
  );
}

function VariableDialog({
  variable,
  secret,
  onClose,
  onSaved,
}: {
  variable: TeamVariable | undefined;
  secret: boolean;
  onClose: () => void;
  onSaved: () => void;
}) {
  const [name, setName] = useState(variable?.name ?? "");
  const [type, setType] = useState(secret ? "secret" : (variable?.type ?? "string"));
  const [value, setValue] = useState(secret ? "" : showValue(variable?.value, "string"));
  const [description, setDescription] = useState(variable?.description ?? "");
  const save = useMutation({
    mutationFn: () => {
      const read = type === "string" || type === "secret" ? value : (readValue(value, "any", true) ?? null);
      const rest = { ...(secret && value === "" ? {} : { value: read }), description: description || null };
      return variable
        ? variables.change(variable.id, rest)
        : variables.create({ name, type: type as "string", ...rest });
    },
    onSuccess: () => {
      onSaved();
      onClose();
    },
  });
  const errors = save.error instanceof ApiError ? save.error.fields : [];
  const errorOf = (field: string): string | undefined =>
    errors.find((error) => error.field === field)?.message;
  return (
    <Dialog
      open
      onClose={onClose}
      title={variable ? `Change ${variable.name}` : secret ? "New secret" : "New variable"}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="variable" weight="primary" disabled={save.isPending}>
            {variable ? "Change" : "Create"}
          </Button>
        </>
      }
    >
      <form
        id="variable"
        className="flex flex-col gap-3"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        {!variable && (
          <TextField
            label="Name"
            required
            autoFocus
            pattern="[A-Za-z_]\w*"
            title="Letters, digits and underscores"
            error={errorOf("name")}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
        {!variable && !secret && (
          <SelectField
            label="Type"
            value={type}
            error={errorOf("type")}
            onChange={(event) => setType(event.target.value)}
            choices={["string", "number", "boolean", "object"].map((each) => ({ value: each, label: each }))}
          />
        )}
        <TextField
          label={secret ? "New value" : "Value"}
          type={secret ? "password" : "text"}
          autoComplete="off"
          required={secret && !variable}
          error={errorOf("value")}
          {...(secret ? { hint: "Kept encrypted. Nobody can read it again, not even you." } : {})}
          value={value}
          onChange={(event) => setValue(event.target.value)}
        />
        <TextField
          label="Description"
          value={description}
          onChange={(event) => setDescription(event.target.value)}
        />
        {save.isError && errors.length === 0 && (
          <p role="alert" className="text-sm text-danger">
            {save.error.message}
          </p>
        )}
      </form>
    </Dialog>
  );
}
