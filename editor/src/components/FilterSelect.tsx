/** One of a few values, or any. */

export function FilterSelect({
  label,
  value,
  onChange,
  choices,
  words = {},
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  choices: readonly string[];
  words?: Record<string, string>;
}) {
  return (
    <select
      aria-label={label}
      className="input !w-auto"
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      <option value="">{label}: any</option>
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {(words[choice] ?? choice).replace(/^./, (letter) => letter.toUpperCase())}
        </option>
      ))}
    </select>
  );
}
