/** Data as text; long data can be opened. */
export function Json({ label, value, tone }: { label: string; value: unknown; tone?: "danger" }) {
  if (value === null || value === undefined)
    return (
      <p className="text-sm">
        <span className="label">{label}</span> <span className="text-ink-3">nothing</span>
      </p>
    );
  const text = typeof value === "string" ? value : JSON.stringify(value ?? null, null, 2);
  return (
    <details open={text.length < 1500} className="text-sm">
      <summary className="label cursor-pointer">{label}</summary>
      <pre
        tabIndex={0}
        className={`mt-1 max-h-72 overflow-auto rounded-md border border-line bg-sunken p-2 font-mono text-[0.72rem] leading-4.5 break-words whitespace-pre-wrap ${tone === "danger" ? "text-danger" : ""}`}
      >
        {text}
      </pre>
    </details>
  );
}
