/** Name, trigger, go. */
import { useState, type FormEvent } from "react";
import { useNavigate } from "react-router";
import { workflows } from "@/api/calls";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { FieldFrame, SelectField, TextField } from "./Field";

type Trigger = "manual" | "scheduled" | "webhook" | "event";

export function NewWorkflow({ open, onClose }: { open: boolean; onClose: () => void }) {
  const go = useNavigate();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [trigger, setTrigger] = useState<Trigger>("manual");
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const made = await workflows.create({ name, trigger, ...(description ? { description } : {}) });
      onClose();
      await go(`/workflows/${made.id}/editor`);
    } catch (reason) {
      setError((reason as Error).message);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="New workflow"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="new-workflow" weight="primary" disabled={busy || !name.trim()}>
            Create
          </Button>
        </>
      }
    >
      <form id="new-workflow" className="flex flex-col gap-3" onSubmit={(event) => void submit(event)}>
        <TextField
          label="Name"
          required
          autoFocus
          value={name}
          error={error}
          maxLength={200}
          onChange={(event) => setName(event.target.value)}
          placeholder="Safe production migration"
        />
        <FieldFrame label="Description">
          {({ id }) => (
            <textarea
              id={id}
              className="input"
              rows={2}
              value={description}
              onChange={(event) => setDescription(event.target.value)}
            />
          )}
        </FieldFrame>
        <SelectField
          label="How it starts"
          value={trigger}
          onChange={(event) => setTrigger(event.target.value as Trigger)}
          choices={[
            { value: "manual", label: "Somebody starts it" },
            { value: "scheduled", label: "On a schedule" },
            { value: "webhook", label: "By a webhook" },
            { value: "event", label: "After an event" },
          ]}
        />
      </form>
    </Dialog>
  );
}
