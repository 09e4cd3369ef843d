/** One of the team's connections, grouped by environment, the dangerous one last and named. */
import { useQuery } from "@tanstack/react-query";
import { connections } from "@/api/calls";
import type { Plain } from "@/domain/tree";
import { FieldFrame, type FieldFrameProps } from "../Field";

type Frame = Omit<FieldFrameProps, "children">;

export function ConnectionSelect({
  value,
  onChange,
  empty = "Choose…",
  ...frame
}: Frame & { value: Plain | undefined; onChange: (value: string | undefined) => void; empty?: string }) {
  const list = useQuery({ queryKey: ["connections"], queryFn: connections.list, staleTime: 30_000 });
  const items = list.data?.items ?? [];
  const chosen = items.find((item) => item.id === value);
  return (
    <FieldFrame
      {...frame}
      hint={
        frame.hint ??
        (chosen?.environment === "production" ? (
          <span className="text-danger">This is production.</span>
        ) : list.data && items.length === 0 ? (
          "There is no connection yet. Make one under Connections."
        ) : undefined)
      }
    >
      {({ id, describedBy, invalid }) => (
        <select
          id={id}
          className="input"
          aria-describedby={describedBy}
          aria-invalid={invalid}
          value={typeof value === "string" ? value : ""}
          onChange={(event) => onChange(event.target.value || undefined)}
        >
          <option value="">{empty}</option>
          {(["development", "staging", "production"] as const).map((environment) => {
            const members = items.filter((item) => item.environment === environment);
            return (
              members.length > 0 && (
                <optgroup
                  key={environment}
                  label={environment.replace(/^./, (letter) => letter.toUpperCase())}
                >
                  {members.map((item) => (
                    <option key={item.id} value={item.id}>
                      {item.name}
                    </option>
                  ))}
                </optgroup>
              )
            );
          })}
        </select>
      )}
    </FieldFrame>
  );
}
