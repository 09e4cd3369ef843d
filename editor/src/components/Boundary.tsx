/** When a part of the page fails, the rest goes on, and nothing that was typed is lost. */
import { Component, type ReactNode } from "react";
import { Button } from "./Button";

interface Props {
  children: ReactNode;
  /** A new key starts afresh, for instance the address. */
  resetKey?: string;
}

export class Boundary extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidUpdate(before: Props) {
    if (before.resetKey !== this.props.resetKey && this.state.error) this.setState({ error: null });
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div role="alert" className="flex h-full flex-col items-center justify-center gap-3 p-8 text-center">
        <p className="text-base font-semibold">This part of the page stopped working.</p>
        <p className="max-w-lg text-ink-2">
          Your changes are kept in this browser. <span className="font-mono text-xs">{error.message}</span>
        </p>
        <div className="flex gap-2">
          <Button onClick={() => this.setState({ error: null })}>Try again</Button>
          <Button onClick={() => location.reload()}>Load the page again</Button>
        </div>
      </div>
    );
  }
}
