/** The databases that workflows work on, coloured by how much care they need. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CheckCircle2, Database, MoreHorizontal, Pencil, Plug, Plus, Trash2, XCircle } from "lucide-react";
import { useState, type FormEvent } from "react";
import toast from "react-hot-toast";
import { connections } from "@/api/calls";
import { ApiError } from "@/api/http";
import type { Connection, Environment } from "@/api/types";
import { Button, Tip } from "@/components/Button";
import { Confirm, Dialog } from "@/components/Dialog";
import { SelectField, TextField } from "@/components/Field";
import { Menu } from "@/components/Menu";
import { Empty, Failure, Loading, Page } from "@/components/Page";
import { Badge, ENVIRONMENT_TONE } from "@/components/Status";
import { Table } from "@/components/Table";
import { Ago } from "@/components/Time";
import { useMay } from "@/store/session";

const TOOLS = [
  "auto",
  "alembic",
  "django",
  "dbmate",
  "prisma",
  "drizzle",
  "flyway",
  "golang-migrate",
  "goose",
  "sql",
];

export default function Connections() {
  const queries = useQueryClient();
  const may = useMay("admin");
  const [editing, setEditing] = useState<Connection | "new">();
  const [deleting, setDeleting] = useState<Connection>();
  const list = useQuery({ queryKey: ["connections"], queryFn: connections.list });
  const fresh = () => queries.invalidateQueries({ queryKey: ["connections"] });
  const test = useMutation({
    mutationFn: (connection: Connection) => connections.test(connection.id),
    onSuccess: (result) =>
      result.ok ? toast.success(result.message || "It answers") : toast.error(result.message),
    onError: (error) => toast.error(error.message),
    onSettled: fresh,
  });
  const remove = useMutation({
    mutationFn: connections.remove,
    onError: (error) => toast.error(error.message),
    onSettled: fresh,
  });
  return (
    <Page
      title="Connections"
      hint="Databases, and where their migrations are."
      actions={
        may && (
          <Button weight="primary" icon={<Plus size={14} />} onClick={() => setEditing("new")}>
            New connection
          </Button>
        )
      }
    >
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : list.data.items.length === 0 ? (
        <div className="panel">
          <Empty icon={<Database size={22} />} title="No connections yet">
            A connection names a database and the folder or git repository that holds its migrations. Begin
            with one for development.
          </Empty>
        </div>
      ) : (
        <Table
          label="Connections"
          rows={list.data.items}
          keyOf={(connection) => connection.id}
          columns={[
            {
              title: "Name",
              cell: (connection) => (
                <div>
                  <span className="font-medium">{connection.name}</span>
                  <div
                    className="max-w-sm truncate font-mono text-[0.7rem] text-ink-3"
                    title={connection.database}
                  >
                    {connection.database}
                  </div>
                </div>
              ),
            },
            {
              title: "Environment",
              cell: (connection) => (
                <Badge tone={ENVIRONMENT_TONE[connection.environment as Environment] ?? "mute"}>
                  {connection.environment}
                </Badge>
              ),
            },
            {
              title: "Migrations",
              cell: ({ migrations, tool }) => (
                <span className="text-ink-2">
                  <span className="font-mono text-xs">
                    {migrations.path ??
                      [migrations.gitUrl, migrations.ref, migrations.subfolder].filter(Boolean).join(" · ")}
                  </span>
                  <span className="block text-xs text-ink-3">
                    {tool === "auto" ? "tool found by itself" : tool}
                  </span>
                </span>
              ),
            },
            {
              title: "Last test",
              cell: (connection) =>
                connection.testedAt ? (
                  <Tip
                    text={
                      connection.testMessage || (connection.testPassed ? "It answered" : "It did not answer")
                    }
                  >
                    <span tabIndex={0} className="flex items-center gap-1.5">
                      {connection.testPassed ? (
                        <CheckCircle2 size={14} className="text-ok" aria-label="Passed" />
                      ) : (
                        <XCircle size={14} className="text-danger" aria-label="Failed" />
                      )}
                      <Ago at={connection.testedAt} />
                    </span>
                  </Tip>
                ) : (
                  <span className="text-ink-3">never</span>
                ),
            },
            {
              title: "Actions",
              silent: true,
              className: "text-right whitespace-nowrap",
              cell: (connection) => (
                <div className="flex justify-end gap-1">
                  <Button
                    size="small"
                    icon={<Plug size={12} />}
                    aria-label={`Test ${connection.name}`}
                    disabled={test.isPending}
                    onClick={() => test.mutate(connection)}
                  >
                    Test
                  </Button>
                  {may && (
                    <Menu
                      trigger={
                        <button
                          type="button"
                          aria-label={`More for ${connection.name}`}
                          className="rounded-md p-1 text-ink-3 hover:bg-hover"
                        >
                          <MoreHorizontal size={16} />
                        </button>
                      }
                      items={[
                        {
                          label: "Change…",
                          icon: <Pencil size={14} />,
                          onSelect: () => setEditing(connection),
                        },
                        {
                          label: "Delete…",
                          icon: <Trash2 size={14} />,
                          danger: true,
                          apart: true,
                          onSelect: () => setDeleting(connection),
                        },
                      ]}
                    />
                  )}
                </div>
              ),
            },
          ]}
        />
      )}
      {editing && (
        <ConnectionDialog
          connection={editing === "new" ? undefined : editing}
          onClose={() => setEditing(undefined)}
          onSaved={() => void fresh()}
        />
      )}
      <Confirm
        open={deleting !== undefined}
        onClose={() => setDeleting(undefined)}
        onConfirm={() => deleting && remove.mutate(deleting.id)}
        title={`Delete “${deleting?.name}”?`}
        verb="Delete"
        danger
      >
        Workflows that name it can no longer run. The database itself is not touched.
      </Confirm>
    </Page>
  );
}

function ConnectionDialog({
  connection,
  onClose,
  onSaved,
}: {
  connection: Connection | undefined;
  onClose: () => void;
  onSaved: () => void;
}) {
  const [name, setName] = useState(connection?.name ?? "");
  const [environment, setEnvironment] = useState<Environment>(
    (connection?.environment as Environment) ?? "development",
  );
  const [url, setUrl] = useState("");
  const [from, setFrom] = useState<"path" | "git">(connection?.migrations.gitUrl ? "git" : "path");
  const [path, setPath] = useState(connection?.migrations.path ?? "");
  const [git, setGit] = useState({
    gitUrl: connection?.migrations.gitUrl ?? "",
    ref: connection?.migrations.ref ?? "",
    subfolder: connection?.migrations.subfolder ?? "",
  });
  const [tool, setTool] = useState(connection?.tool ?? "auto");
  const save = useMutation({
    mutationFn: () => {
      const migrations =
        from === "path"
          ? { path }
          : {
              gitUrl: git.gitUrl,
              ...(git.ref ? { ref: git.ref } : {}),
              ...(git.subfolder ? { subfolder: git.subfolder } : {}),
            };
      const body = { name, environment, migrations, tool: tool as "auto", ...(url ? { url } : {}) };
      return connection ? connections.change(connection.id, body) : connections.create(body);
    },
    onSuccess: () => {
      onSaved();
      onClose();
    },
  });
  const fields = save.error instanceof ApiError ? save.error.fields : [];
  const errorOf = (field: string): string | undefined =>
    fields.find(
      (error) =>
        error.field === field || error.field.startsWith(`${field}.`) || error.field.endsWith(`.${field}`),
    )?.message;
  return (
    <Dialog
      open
      onClose={onClose}
      title={connection ? `Change ${connection.name}` : "New connection"}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="connection" weight="primary" disabled={save.isPending}>
            {connection ? "Change" : "Create"}
          </Button>
        </>
      }
    >
      <form
        id="connection"
        className="flex flex-col gap-3"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <TextField
          label="Name"
          required
          autoFocus
          value={name}
          error={errorOf("name")}
          onChange={(event) => setName(event.target.value)}
        />
        <SelectField
          label="Environment"
          value={environment}
          error={errorOf("environment")}
          onChange={(event) => setEnvironment(event.target.value as Environment)}
          choices={["development", "staging", "production"].map((value) => ({
            value,
            label: value.replace(/^./, (letter) => letter.toUpperCase()),
          }))}
        />
        <TextField
          label="Database URL"
          required={!connection}
          type="password"
          autoComplete="off"
          error={errorOf("url")}
          hint={
            connection
              ? "Empty: stays as it is. It is never shown again."
              : "Kept encrypted, and never shown again."
          }
          placeholder="postgresql://user:password@host/database"
          value={url}
          onChange={(event) => setUrl(event.target.value)}
        />
        <SelectField
          label="Migrations are in"
          value={from}
          onChange={(event) => setFrom(event.target.value as "path")}
          choices={[
            { value: "path", label: "A folder on the worker" },
            { value: "git", label: "A git repository" },
          ]}
        />
        {from === "path" ? (
          <TextField
            label="Folder"
            required
            value={path}
            error={errorOf("migrations") ?? errorOf("path")}
            onChange={(event) => setPath(event.target.value)}
            placeholder="/srv/shop/migrations"
          />
        ) : (
          <>
            <TextField
              label="Repository"
              required
              value={git.gitUrl}
              error={errorOf("gitUrl")}
              onChange={(event) => setGit({ ...git, gitUrl: event.target.value })}
            />
            <TextField
              label="Branch, tag or commit"
              value={git.ref}
              error={errorOf("ref")}
              onChange={(event) => setGit({ ...git, ref: event.target.value })}
            />
            <TextField
              label="Folder inside"
              value={git.subfolder}
              error={errorOf("subfolder")}
              onChange={(event) => setGit({ ...git, subfolder: event.target.value })}
            />
          </>
        )}
        <SelectField
          label="Tool"
          value={tool}
          error={errorOf("tool")}
          onChange={(event) => setTool(event.target.value)}
          choices={TOOLS.map((value) => ({ value, label: value === "auto" ? "Found by itself" : value }))}
        />
        {save.isError && fields.length === 0 && (
          <p role="alert" className="text-sm text-danger">
            {save.error.message}
          </p>
        )}
      </form>
    </Dialog>
  );
}
