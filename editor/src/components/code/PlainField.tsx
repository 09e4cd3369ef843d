/** A field for expressions without highlighting or completion. */
import type { CodeFieldProps } from "./CodeField";

export function PlainField({
  label,
  value,
  onChange,
  lines = 1,
  placeholder,
  invalid,
  readOnly,
}: CodeFieldProps) {
  return (
    <textarea
      aria-label={label}
      aria-invalid={invalid}
      className="input font-mono"
      rows={lines}
      placeholder={placeholder}
      readOnly={readOnly}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
