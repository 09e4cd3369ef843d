/** What every node can be told: retries, time limit, going on after a failure. */
import { COMMON, type WorkflowNode } from "@/domain/definition";
import type { NodeType } from "@/domain/nodeTypes";
import type { Problem } from "@/domain/problems";
import type { Plain } from "@/domain/tree";
import { useWorkflow } from "@/store/workflow";
import { FieldFrame, SelectField, Switch, TextField } from "../Field";
import { duration } from "../Time";

export function BehaviourForm({
  node,
  type,
  problems,
}: {
  node: WorkflowNode;
  type: NodeType | undefined;
  problems: readonly Problem[];
}) {
  const update = useWorkflow((state) => state.updateNode);
  const set = (key: string, value: Plain | undefined): void =>
    update(node.id, { [key]: value }, `field:${node.id}:${key}`);
  const number = (key: string, fallback: number): number =>
    typeof node.data[key] === "number" ? (node.data[key] as number) : fallback;
  const errorOf = (key: string): string | undefined =>
    problems.find((problem) => problem.field === key)?.message;
  const retryable = node.data["retryable"] === true;
  const count = number("maxRetries", 3);
  const first = number("retryDelay", 10);
  const exponential = node.data["retryBackoff"] !== "linear";
  const waits = Array.from(
    { length: Math.min(Math.max(count, 0), 50) },
    (_, index) => first * (exponential ? 2 ** index : index + 1),
  );
  const fail = type?.canFail !== false;
  const numberField = (key: (typeof COMMON)[number], label: string, placeholder: string) => (
    <TextField
      label={label}
      type="number"
      min={0}
      error={errorOf(key)}
      placeholder={placeholder}
      value={typeof node.data[key] === "number" ? node.data[key] : ""}
      onChange={(event) => set(key, event.target.value === "" ? undefined : Number(event.target.value))}
    />
  );
  return (
    <div className="flex flex-col gap-3.5">
      {fail && (
        <>
          <Switch
            label="Retry when it fails"
            checked={retryable}
            onChange={(on) => set("retryable", on ? true : undefined)}
            hint={
              type && !type.idempotent
                ? "This step may not be repeatable: a second try can do its work twice."
                : undefined
            }
          />
          {retryable && (
            <div className="flex flex-col gap-3 border-l-2 border-line pl-3">
              {numberField("maxRetries", "Retries", "3")}
              {numberField("retryDelay", "First wait, in seconds", "10")}
              <SelectField
                label="Waits grow"
                value={exponential ? "exponential" : "linear"}
                onChange={(event) => set("retryBackoff", event.target.value)}
                choices={[
                  { value: "exponential", label: "Exponentially" },
                  { value: "linear", label: "Linearly" },
                ]}
              />
              {waits.length > 0 && (
                <p className="text-xs text-ink-3">
                  Tries again after{" "}
                  {waits
                    .slice(0, 5)
                    .map((seconds) => duration(seconds * 1000))
                    .join(", ")}
                  {waits.length > 5 ? "…" : ""}.
                </p>
              )}
            </div>
          )}
          {!("timeout" in (type?.configSchema.properties ?? {})) &&
            numberField("timeout", "Time limit, in seconds", "none")}
          <Switch
            label="Go on when it fails"
            hint="The failure is recorded, and what follows runs all the same."
            checked={node.data["continueOnError"] === true}
            onChange={(on) => set("continueOnError", on ? true : undefined)}
          />
        </>
      )}
      <Switch
        label="Disabled"
        hint="It is passed over as if it had succeeded."
        checked={node.data["disabled"] === true}
        onChange={(on) => set("disabled", on ? true : undefined)}
      />
      <FieldFrame label="Notes">
        {({ id }) => (
          <textarea
            id={id}
            dir="auto"
            className="input"
            rows={4}
            placeholder="For those who come after you"
            value={typeof node.data["notes"] === "string" ? node.data["notes"] : ""}
            onChange={(event) => set("notes", event.target.value || undefined)}
          />
        )}
      </FieldFrame>
    </div>
  );
}
