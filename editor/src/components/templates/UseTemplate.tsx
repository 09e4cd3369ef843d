/** A workflow from a template: its name, and what the template leaves open. */
import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useNavigate } from "react-router";
import { templates } from "@/api/calls";
import { ApiError } from "@/api/http";
import type { Template } from "@/api/types";
import type { Asked } from "@/domain/asked";
import type { Plain, PlainMap } from "@/domain/tree";
import { Button } from "../Button";
import { Dialog } from "../Dialog";
import { TextField } from "../Field";
import { ValueField } from "../values/ValueField";

export function UseTemplate({ template, onClose }: { template: Template; onClose: () => void }) {
  const go = useNavigate();
  const [name, setName] = useState(template.name);
  const [answers, setAnswers] = useState<PlainMap>({});
  const make = useMutation({
    mutationFn: () => templates.use(template.id, { name, answers }),
    onSuccess: (workflow) => void go(`/workflows/${workflow.id}/editor`),
  });
  const refused = make.error instanceof ApiError ? make.error.fields : [];
  const errorOf = (id: string): string | undefined =>
    refused.find(({ field }) => field === id || field.endsWith(`.${id}`))?.message;
  const timezone = template.questions.find((question) => question.type === "timezone")?.id ?? "";
  return (
    <Dialog
      open
      onClose={onClose}
      width="max-w-lg"
      title={`New from “${template.name}”`}
      description={template.description}
    >
      <form
        className="flex flex-col gap-3"
        noValidate
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          if (name.trim()) make.mutate();
        }}
      >
        <TextField
          label="Name"
          required
          autoFocus
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        {template.questions.length > 0 && (
          <p className="border-t border-line pt-3 text-xs text-ink-3">
            All of this can be left as it is and changed in the editor.
          </p>
        )}
        {template.questions.map((question) => (
          <ValueField
            key={question.id}
            asked={askedBy(question)}
            value={answers[question.id]}
            error={errorOf(question.id)}
            timezone={typeof answers[timezone] === "string" ? answers[timezone] : "UTC"}
            onChange={(value) =>
              setAnswers(({ [question.id]: _, ...rest }) =>
                value === undefined ? rest : { ...rest, [question.id]: value },
              )
            }
          />
        ))}
        {make.error && refused.length === 0 && (
          <p role="alert" className="text-sm text-danger">
            {make.error.message}
          </p>
        )}
        <div className="flex justify-end gap-2 pt-1">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" weight="primary" disabled={!name.trim() || make.isPending}>
            Create
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function askedBy(question: Template["questions"][number]): Asked {
  const { id, ask, type, help } = question;
  const fallback = question.default as Plain | undefined;
  return {
    name: id,
    label: ask,
    type: type === "text" ? "string" : type,
    hint: help || undefined,
    ...(fallback === undefined || fallback === null ? {} : { default: fallback }),
  };
}
