/** Start it: as a test with sample data, or for good. The form comes from the declared variables. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { FlaskConical, Play } from "lucide-react";
import { useState, type FormEvent } from "react";
import toast from "react-hot-toast";
import { useNavigate } from "react-router";
import { connections, workflows } from "@/api/calls";
import type { WorkflowVariable } from "@/domain/definition";
import { isMap, type Plain, type PlainMap } from "@/domain/tree";
import { useRun } from "@/store/run";
import { useSaving } from "@/store/saving";
import { useWorkflow } from "@/store/workflow";
import { Button } from "../Button";
import { Dialog } from "../Dialog";
import { FieldFrame, SelectField, Switch } from "../Field";
import { readValue, showValue } from "../values";

interface RunDialogProps {
  open: boolean;
  test: boolean;
  onClose: () => void;
  /** Called with the execution when a test has begun. */
  onStarted?: (executionId: string) => void;
}

export function RunDialog({ open, test, onClose, onStarted }: RunDialogProps) {
  return (
    <Dialog open={open} onClose={onClose} title={test ? "Test with sample data" : "Run now"} width="max-w-lg">
      <RunForm test={test} onClose={onClose} {...(onStarted ? { onStarted } : {})} />
    </Dialog>
  );
}

function RunForm({ test, onClose, onStarted }: Omit<RunDialogProps, "open">) {
  const { nodes, variables, raw, testWorkflow } = useWorkflow();
  const workflow = useSaving((state) => state.workflow);
  const go = useNavigate();
  const usesConnection = /\{\{[^}]*(?<![\w.])connectionId(?![\w-])/.test(
    JSON.stringify(raw["nodes"] ?? null),
  );
  const list = useQuery({ queryKey: ["connections"], queryFn: connections.list, enabled: usesConnection });
  const approvals = nodes.filter((node) => node.type === "approval");
  const [values, setValues] = useState<PlainMap>({});
  const [connection, setConnection] = useState("");
  const [dryRun, setDryRun] = useState(true);
  const [answers, setAnswers] = useState<Record<string, string>>({});
  const shown = variables.filter((variable) => variable.type !== "secret");

  const start = useMutation({
    mutationFn: async () => {
      const input = { ...values, ...(connection ? { connectionId: connection } : {}) };
      if (test) return testWorkflow(input, { dryRun, approvals: answers });
      const started = await workflows.execute(workflow!.id, {
        variables: values,
        context: connection ? { connectionId: connection } : {},
      });
      return started.id;
    },
    onSuccess: (id) => {
      onClose();
      if (test) {
        useRun.getState().show(id, new Map());
        onStarted?.(id);
        toast.success("The test has begun");
      } else void go(`/executions/${id}`);
    },
    onError: (error) => toast.error(error.message),
  });

  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        start.mutate();
      }}
    >
      {usesConnection && (
        <SelectField
          label="Connection"
          required
          value={connection}
          onChange={(event) => setConnection(event.target.value)}
          choices={[
            { value: "", label: "Choose…" },
            ...(list.data?.items ?? []).map((item) => ({
              value: item.id,
              label: `${item.name} (${item.environment})`,
            })),
          ]}
        />
      )}
      {shown.map((variable) => (
        <VariableField
          key={variable.name}
          variable={variable}
          value={values[variable.name]}
          onChange={(value) => setValues((before) => assigned(before, variable.name, value))}
        />
      ))}
      {!usesConnection && shown.length === 0 && <p className="text-ink-2">This workflow asks for nothing.</p>}
      {test && (
        <>
          {approvals.map((node) => (
            <SelectField
              key={node.id}
              label={`“${node.label}” is answered with`}
              value={answers[node.id] ?? "Approved"}
              onChange={(event) => setAnswers({ ...answers, [node.id]: event.target.value })}
              choices={["Approved", "Rejected", "Expired"].map((value) => ({ value, label: value }))}
            />
          ))}
          <Switch
            label="Try only"
            hint={
              dryRun
                ? "Nothing is changed and nobody is told: steps report what they would do."
                : "Steps really run, on the connection above."
            }
            checked={dryRun}
            onChange={setDryRun}
          />
        </>
      )}
      <div className="flex justify-end gap-2 pt-1">
        <Button onClick={onClose}>Cancel</Button>
        <Button
          type="submit"
          weight="primary"
          icon={test ? <FlaskConical size={14} /> : <Play size={14} />}
          disabled={start.isPending || (usesConnection && !connection)}
        >
          {test ? "Start the test" : "Run"}
        </Button>
      </div>
    </form>
  );
}

function assigned(map: PlainMap, key: string, value: Plain | undefined): PlainMap {
  const next = { ...map };
  if (value === undefined) delete next[key];
  else next[key] = value;
  return next;
}

function VariableField({
  variable,
  value,
  onChange,
}: {
  variable: WorkflowVariable;
  value: Plain | undefined;
  onChange: (value: Plain | undefined) => void;
}) {
  const [text, setText] = useState<string>();
  const fallback = variable.default === undefined ? "" : showValue(variable.default, "any");
  if (variable.type === "boolean")
    return (
      <Switch
        label={variable.name}
        checked={(value ?? variable.default) === true}
        onChange={onChange}
        hint={variable.description}
      />
    );
  const wrong =
    variable.type === "object" &&
    text &&
    !isMap(readValue(text, "any", false) ?? null) &&
    !Array.isArray(readValue(text, "any", false));
  return (
    <FieldFrame
      label={variable.name}
      hint={variable.description}
      error={wrong ? "This is no JSON." : undefined}
    >
      {({ id, invalid }) => (
        <input
          id={id}
          className="input"
          aria-invalid={invalid}
          type={variable.type === "number" ? "number" : "text"}
          step="any"
          placeholder={fallback}
          value={text ?? (value === undefined ? "" : showValue(value, "string"))}
          onChange={(event) => {
            setText(event.target.value);
            const kind = variable.type === "string" ? "string" : "any";
            onChange(readValue(event.target.value, kind, false));
          }}
        />
      )}
    </FieldFrame>
  );
}
