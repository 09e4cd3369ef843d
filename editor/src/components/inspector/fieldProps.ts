/** What a field of a node's form is given, and what its widget is given beside that. */
import type { ReactNode } from "react";
import type { Field } from "@/domain/nodeTypes";
import type { Name } from "@/domain/scope";
import type { Plain, PlainMap } from "@/domain/tree";

export interface SchemaFieldProps {
  field: Field;
  value: Plain | undefined;
  onChange: (value: Plain | undefined) => void;
  scope: readonly Name[];
  error?: string | undefined;
  /** The rest of the node's data: the cron preview needs the timezone. */
  data: PlainMap;
}

export interface WidgetProps extends SchemaFieldProps {
  frame: { label: ReactNode; error: string | undefined; required: boolean; hint?: ReactNode };
}
