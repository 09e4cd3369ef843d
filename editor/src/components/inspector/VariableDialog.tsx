/** What a run is told: a variable's name, type, default, and what it may be. A secret's value goes to the server alone. */
import { useState } from "react";
import toast from "react-hot-toast";
import { workflows } from "@/api/calls";
import { askedOf, VARIABLE_TYPES, wrong } from "@/domain/asked";
import type { WorkflowVariable } from "@/domain/definition";
import type { Plain } from "@/domain/tree";
import { useWorkflow } from "@/store/workflow";
import { Button } from "../Button";
import { Dialog } from "../Dialog";
import { SelectField, Switch, TextField } from "../Field";
import { ValueField } from "../values/ValueField";

const MAY_BE_CHOSEN = ["string", "number"];

interface VariableDialogProps {
  variable: WorkflowVariable | undefined;
  onClose: () => void;
}

export function VariableDialog({ variable, onClose }: VariableDialogProps) {
  const { addVariable, saveDefinition, variables, workflowId } = useWorkflow();
  const [made, setMade] = useState<WorkflowVariable>(variable ?? { name: "", type: "string" });
  const [choices, setChoices] = useState((variable?.enum ?? []).map(String).join(", "));
  const [secret, setSecret] = useState("");
  const set = (change: Partial<WorkflowVariable>): void => setMade((before) => ({ ...before, ...change }));
  const { name, type } = made;
  const named = variables.some((other) => other.name === name && other !== variable)
    ? "This name is taken."
    : name && !/^[A-Za-z]\w*$/.test(name)
      ? "A letter, then letters, digits and underscores."
      : undefined;
  const asked = { ...askedOf(finished()), required: false, default: undefined };
  const bad = named ?? wrong(asked, made.default) ?? patternProblem(made.pattern);

  /** Without what its type has no use for. */
  function finished(): WorkflowVariable {
    const { default: fallback, pattern, enum: _, required, ...rest } = made;
    const items = choices
      .split(",")
      .map((text) => text.trim())
      .filter(Boolean)
      .map((text): Plain => (type === "number" && text !== "" && !isNaN(Number(text)) ? Number(text) : text));
    return {
      ...rest,
      ...(fallback !== undefined && type !== "secret" ? { default: fallback } : {}),
      ...(required === false && type !== "secret" ? { required } : {}),
      ...(pattern && type === "string" ? { pattern } : {}),
      ...(items.length && MAY_BE_CHOSEN.includes(type) ? { enum: items } : {}),
    };
  }

  async function finish(): Promise<void> {
    addVariable(finished(), variable?.name);
    onClose();
    if (type !== "secret" || !secret) return;
    try {
      // The server takes a value for what the saved draft declares.
      await saveDefinition();
      await workflows.setSecret(workflowId, name, secret);
      toast.success(`The secret ${name} is set`);
    } catch (error) {
      toast.error((error as Error).message);
    }
  }

  return (
    <Dialog
      open
      onClose={onClose}
      title={variable ? `Variable ${variable.name}` : "New variable"}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button weight="primary" disabled={!name || bad !== undefined} onClick={() => void finish()}>
            {variable ? "Change" : "Add"}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <TextField
          label="Name"
          required
          autoFocus
          error={named}
          value={name}
          onChange={(event) => set({ name: event.target.value })}
          className="input font-mono"
        />
        <SelectField
          label="Type"
          value={type}
          onChange={(event) => {
            const { default: _, ...rest } = made;
            setMade({ ...rest, type: event.target.value });
          }}
          choices={VARIABLE_TYPES.map((each) => ({ value: each, label: each }))}
        />
        <TextField
          label="Description"
          value={made.description ?? ""}
          onChange={(event) => set({ description: event.target.value })}
        />
        {type === "secret" ? (
          <TextField
            label="Value"
            type="password"
            autoComplete="new-password"
            hint="Kept encrypted for this workflow, no part of the definition, and never shown again. Without one the team's secret of the same name is used."
            value={secret}
            onChange={(event) => setSecret(event.target.value)}
          />
        ) : (
          <>
            <ValueField
              key={type}
              asked={{ ...asked, label: "Default", hint: undefined }}
              value={made.default}
              onChange={(value) => {
                const { default: _, ...rest } = made;
                setMade(value === undefined ? rest : { ...rest, default: value });
              }}
            />
            {MAY_BE_CHOSEN.includes(type) && (
              <TextField
                label="Choices"
                hint="Separated by commas; empty: any value."
                value={choices}
                onChange={(event) => setChoices(event.target.value)}
              />
            )}
            {type === "string" && (
              <TextField
                label="Pattern"
                hint="A regular expression that the whole text must match."
                className="input font-mono"
                error={patternProblem(made.pattern)}
                value={made.pattern ?? ""}
                onChange={(event) => set({ pattern: event.target.value })}
              />
            )}
            {made.default === undefined && (
              <Switch
                label="Must be given"
                checked={made.required !== false}
                onChange={(required) => set({ required })}
              />
            )}
          </>
        )}
      </div>
    </Dialog>
  );
}

function patternProblem(pattern: string | undefined): string | undefined {
  if (!pattern) return undefined;
  try {
    new RegExp(pattern, "u");
    return undefined;
  } catch {
    return "This is no regular expression.";
  }
}
