/** The frame of every screen but the editor: title, actions, and what to show while there is nothing. */
import { AlertTriangle } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "./Button";

export function Page({
  title,
  hint,
  actions,
  children,
}: {
  title: ReactNode;
  hint?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <main id="main" className="h-full overflow-auto" tabIndex={-1}>
      <div className="mx-auto max-w-[1360px] px-6 py-5 max-sm:px-3">
        <header className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-2">
          <div className="min-w-0 flex-1 basis-48">
            <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
            {hint && <p className="mt-0.5 text-ink-2">{hint}</p>}
          </div>
          {actions}
        </header>
        {children}
      </div>
    </main>
  );
}

export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-14 text-center">
      {icon && <div className="mb-1 rounded-xl bg-sunken p-3 text-ink-3">{icon}</div>}
      <h2 className="text-base font-semibold">{title}</h2>
      {children && <div className="max-w-md text-ink-2">{children}</div>}
      {action && <div className="mt-2 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div role="alert" className="flex flex-col items-center gap-2 px-6 py-12 text-center">
      <AlertTriangle className="text-danger" size={22} />
      <p className="font-medium">This could not be loaded.</p>
      <p className="max-w-lg text-ink-2">{message}</p>
      {retry && (
        <Button className="mt-1" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

export function Loading({ rows = 5 }: { rows?: number }) {
  return (
    <div className="flex flex-col gap-2 p-4" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <div
          key={index}
          className="h-8 animate-pulse rounded-md bg-sunken"
          style={{ opacity: 1 - index / (rows + 2) }}
        />
      ))}
    </div>
  );
}
