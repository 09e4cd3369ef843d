/** The parts of a field that holds several: a line to add one, a button to take one away. */
import { Plus, X } from "lucide-react";
import { useState } from "react";

export function AddLine({
  id,
  placeholder,
  onAdd,
  list,
}: {
  id: string;
  placeholder: string;
  onAdd: (text: string) => void;
  list?: string;
}) {
  const [text, setText] = useState("");
  const add = (): void => {
    if (text.trim()) onAdd(text.trim());
    setText("");
  };
  return (
    <div className="flex gap-1">
      <input
        id={id}
        className="input"
        list={list}
        placeholder={placeholder}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={add}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          add();
        }}
      />
      <button
        type="button"
        aria-label={placeholder}
        onClick={add}
        className="shrink-0 rounded-md p-1.5 text-ink-3 hover:bg-hover"
      >
        <Plus size={14} />
      </button>
    </div>
  );
}

export function RemoveButton({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <button
      type="button"
      aria-label={label}
      onClick={onClick}
      className="shrink-0 rounded-md p-1.5 text-ink-3 hover:bg-hover hover:text-danger"
    >
      <X size={14} />
    </button>
  );
}
