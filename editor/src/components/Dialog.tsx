/** A question or a form above the page. */
import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { Button } from "./Button";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  children?: ReactNode;
  footer?: ReactNode;
  width?: string;
}

export function Dialog({
  open,
  onClose,
  title,
  description,
  children,
  footer,
  width = "max-w-md",
}: DialogProps) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/35 dark:bg-black/60" />
        <Radix.Content
          aria-describedby={undefined}
          className={`appear fixed top-1/2 left-1/2 z-40 flex max-h-[88vh] w-[94vw] -translate-1/2 flex-col rounded-xl border border-line bg-panel shadow-high ${width}`}
        >
          <header className="flex items-start gap-3 border-b border-line px-4 py-3">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-lg font-semibold">{title}</Radix.Title>
              {description && <div className="mt-0.5 text-ink-2">{description}</div>}
            </div>
            <Radix.Close asChild>
              <button type="button" aria-label="Close" className="rounded-md p-1 text-ink-3 hover:bg-hover">
                <X size={16} />
              </button>
            </Radix.Close>
          </header>
          {children && (
            <div className="min-h-0 flex-1 overflow-auto px-4 py-3.5" tabIndex={-1}>
              {children}
            </div>
          )}
          {footer && (
            <footer className="flex items-center justify-end gap-2 border-t border-line px-4 py-3">
              {footer}
            </footer>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  onConfirm: () => void;
  title: string;
  children: ReactNode;
  verb: string;
  danger?: boolean;
}

export function Confirm({ open, onClose, onConfirm, title, children, verb, danger = false }: ConfirmProps) {
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={title}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            weight={danger ? "danger" : "primary"}
            onClick={() => {
              onConfirm();
              onClose();
            }}
          >
            {verb}
          </Button>
        </>
      }
    >
      <div className="text-ink-2">{children}</div>
    </Dialog>
  );
}
