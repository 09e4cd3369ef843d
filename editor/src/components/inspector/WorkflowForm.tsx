/** The workflow itself: what it is called, how it starts, its variables and settings. */
import { Plus } from "lucide-react";
import { useState } from "react";
import type { WorkflowVariable } from "@/domain/definition";
import { isMap, type Plain, type PlainMap } from "@/domain/tree";
import { triggerOf, useWorkflow } from "@/store/workflow";
import { Button } from "../Button";
import { FieldFrame, SelectField, TextField } from "../Field";
import { Badge } from "../Status";
import { RemoveButton } from "../values/lines";
import { VariableDialog } from "./VariableDialog";

export function WorkflowForm() {
  const { raw, setTop, variables, removeVariable } = useWorkflow();
  const [editing, setEditing] = useState<WorkflowVariable | "new">();
  const text = (key: string): string => (typeof raw[key] === "string" ? raw[key] : "");
  const settings = isMap(raw["settings"] ?? null) ? (raw["settings"] as PlainMap) : {};
  const setSetting = (key: string, value: Plain | undefined): void => {
    const next = { ...settings };
    if (value === undefined) delete next[key];
    else next[key] = value;
    setTop("settings", Object.keys(next).length ? next : undefined);
  };
  const tags = Array.isArray(raw["tags"]) ? raw["tags"].map(String) : [];
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3.5 overflow-y-auto p-4" tabIndex={-1}>
      <h2 className="text-base font-semibold">Workflow</h2>
      <TextField
        label="Name"
        required
        value={text("name")}
        onChange={(event) => setTop("name", event.target.value)}
      />
      <FieldFrame label="Description">
        {({ id }) => (
          <textarea
            id={id}
            dir="auto"
            rows={2}
            className="input"
            value={text("description")}
            onChange={(event) => setTop("description", event.target.value || undefined)}
          />
        )}
      </FieldFrame>
      <SelectField
        label="Starts"
        value={triggerOf(raw)}
        onChange={(event) => setTop("trigger", event.target.value)}
        choices={["manual", "scheduled", "webhook", "event"].map((value) => ({
          value,
          label: value.replace(/^./, (letter) => letter.toUpperCase()),
        }))}
      />
      <TextField
        label="Tags"
        hint="Separated by commas"
        value={tags.join(", ")}
        onChange={(event) => {
          const next = event.target.value.split(",").map((tag) => tag.trimStart());
          setTop("tags", event.target.value ? next : undefined);
        }}
      />
      <section aria-label="Variables" className="flex flex-col gap-1.5 border-t border-line pt-3">
        <div className="flex items-center justify-between">
          <h3 className="label">Variables</h3>
          <Button size="small" weight="quiet" icon={<Plus size={13} />} onClick={() => setEditing("new")}>
            Add variable
          </Button>
        </div>
        {variables.length === 0 && (
          <p className="text-xs text-ink-3">What a run is told when it starts, and secrets it may use.</p>
        )}
        {variables.map((variable) => (
          <div
            key={variable.name}
            className="flex items-center gap-2 rounded-md border border-line px-2 py-1"
          >
            <button
              type="button"
              className="min-w-0 flex-1 text-left"
              onClick={() => setEditing(variable)}
              title="Edit"
            >
              <span className="block truncate font-mono text-xs">{variable.name}</span>
              {variable.description && (
                <span className="block truncate text-xs text-ink-3">{variable.description}</span>
              )}
            </button>
            <Badge tone={variable.type === "secret" ? "wait" : "mute"}>{variable.type}</Badge>
            <RemoveButton label={`Delete ${variable.name}`} onClick={() => removeVariable(variable.name)} />
          </div>
        ))}
      </section>
      <section aria-label="Settings" className="flex flex-col gap-3 border-t border-line pt-3">
        <h3 className="label">Runs</h3>
        <TextField
          label="Time limit, in seconds"
          type="number"
          min={0}
          placeholder="none"
          value={typeof settings["timeout"] === "number" ? settings["timeout"] : ""}
          onChange={(event) =>
            setSetting("timeout", event.target.value === "" ? undefined : Number(event.target.value))
          }
        />
        <TextField
          label="One at a time by"
          hint="Runs with the same text never overlap, for instance {{ connectionId }}."
          value={typeof settings["concurrencyKey"] === "string" ? settings["concurrencyKey"] : ""}
          onChange={(event) => setSetting("concurrencyKey", event.target.value || undefined)}
        />
        <SelectField
          label="When one runs already"
          value={typeof settings["onCollision"] === "string" ? settings["onCollision"] : "queue"}
          onChange={(event) => setSetting("onCollision", event.target.value)}
          choices={[
            { value: "queue", label: "Wait for it" },
            { value: "skip", label: "Do not start" },
            { value: "cancel-previous", label: "Cancel it" },
          ]}
        />
      </section>
      {editing && (
        <VariableDialog
          variable={editing === "new" ? undefined : editing}
          onClose={() => setEditing(undefined)}
        />
      )}
    </div>
  );
}
