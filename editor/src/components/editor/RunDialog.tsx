/** Start it: as a test with sample data, or for good. The form comes from the declared variables. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { FlaskConical, KeyRound, Play } from "lucide-react";
import { useState, type FormEvent } from "react";
import toast from "react-hot-toast";
import { useNavigate } from "react-router";
import { ApiError } from "@/api/http";
import { workflows } from "@/api/calls";
import { askedOf, wrong } from "@/domain/asked";
import type { Plain, PlainMap } from "@/domain/tree";
import { useRun } from "@/store/run";
import { useSaving } from "@/store/saving";
import { useWorkflow } from "@/store/workflow";
import { Button } from "../Button";
import { Dialog } from "../Dialog";
import { SelectField, Switch } from "../Field";
import { ConnectionSelect } from "../values/ConnectionSelect";
import { ValueField } from "../values/ValueField";

interface RunDialogProps {
  open: boolean;
  test: boolean;
  onClose: () => void;
}

export function RunDialog({ open, test, onClose }: RunDialogProps) {
  return (
    <Dialog open={open} onClose={onClose} title={test ? "Test with sample data" : "Run now"} width="max-w-lg">
      <RunForm test={test} onClose={onClose} />
    </Dialog>
  );
}

function RunForm({ test, onClose }: Omit<RunDialogProps, "open">) {
  const { nodes, variables, raw, testWorkflow } = useWorkflow();
  const workflow = useSaving((state) => state.workflow);
  const go = useNavigate();
  const usesConnection = /\{\{[^}]*(?<![\w.])connectionId(?![\w-])/.test(
    JSON.stringify(raw["nodes"] ?? null),
  );
  const approvals = nodes.filter((node) => node.type === "approval");
  const [values, setValues] = useState<PlainMap>({});
  const [connection, setConnection] = useState<string>();
  const [dryRun, setDryRun] = useState(true);
  const [answers, setAnswers] = useState<Record<string, string>>({});
  const [tried, setTried] = useState(false);
  const asked = variables.filter((variable) => variable.type !== "secret").map(askedOf);
  const problems = new Map(
    asked.flatMap((each) => {
      const problem = wrong(each, values[each.name]);
      return problem ? [[each.name, problem] as const] : [];
    }),
  );
  const missing = problems.size > 0 || (usesConnection && !connection);

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
        toast.success("The test has begun");
      } else void go(`/executions/${id}`);
    },
    onError: (error) => {
      if (!(error instanceof ApiError) || error.fields.length === 0) toast.error(error.message);
    },
  });
  const refused = new Map(
    start.error instanceof ApiError
      ? start.error.fields.map(({ field, message }) => [field.replace(/^variables\./, ""), message])
      : [],
  );
  const known = new Set([...asked.map((each) => each.name), "connectionId"]);

  return (
    <form
      className="flex flex-col gap-3"
      noValidate
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        setTried(true);
        if (!missing) start.mutate();
      }}
    >
      {usesConnection && (
        <ConnectionSelect
          label="Connection"
          required
          value={connection}
          onChange={setConnection}
          error={refused.get("connectionId") ?? (tried && !connection ? "Choose the database." : undefined)}
        />
      )}
      {asked.map((each) => (
        <ValueField
          key={each.name}
          asked={each}
          value={values[each.name]}
          error={refused.get(each.name) ?? (tried ? problems.get(each.name) : undefined)}
          onChange={(value) => setValues((before) => assigned(before, each.name, value))}
        />
      ))}
      {!usesConnection && asked.length === 0 && <p className="text-ink-2">This workflow asks for nothing.</p>}
      <Secrets />
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
      {[...refused].map(
        ([field, message]) =>
          !known.has(field) && (
            <p key={field} role="alert" className="text-sm text-danger">
              {field}: {message}
            </p>
          ),
      )}
      <div className="flex justify-end gap-2 pt-1">
        <Button onClick={onClose}>Cancel</Button>
        <Button
          type="submit"
          weight="primary"
          icon={test ? <FlaskConical size={14} /> : <Play size={14} />}
          disabled={start.isPending}
        >
          {test ? "Start the test" : "Run"}
        </Button>
      </div>
    </form>
  );
}

/** Secrets are never asked for here: they are set once, and only used. */
function Secrets() {
  const workflow = useSaving((state) => state.workflow);
  const declared = useWorkflow((state) => state.variables.filter(({ type }) => type === "secret").length);
  const known = useQuery({
    queryKey: ["workflow-variables", workflow?.id],
    queryFn: () => workflows.variables(workflow!.id),
    enabled: declared > 0 && workflow !== null,
  });
  if (declared === 0) return null;
  const unset = known.data?.items.filter((variable) => variable.isSecret && !variable.isSet) ?? [];
  return (
    <p className="flex items-start gap-2 rounded-md bg-sunken px-2.5 py-2 text-xs text-ink-2">
      <KeyRound size={13} className="mt-0.5 shrink-0 text-wait" />
      <span>
        {declared === 1 ? "One secret is" : `${declared} secrets are`} read while it runs, and never shown.
        {unset.length > 0 && (
          <span className="block text-warn">
            Without a value for this workflow: {unset.map((variable) => variable.name).join(", ")}. The team’s
            secret of that name is used, where there is one.
          </span>
        )}
      </span>
    </p>
  );
}

function assigned(map: PlainMap, key: string, value: Plain | undefined): PlainMap {
  const next = { ...map };
  if (value === undefined) delete next[key];
  else next[key] = value;
  return next;
}
