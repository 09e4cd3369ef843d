/** Ask the server what is wrong, a moment after the last change, one question at a time. */
import { workflows } from "@/api/calls";
import { useOnline } from "./online";
import { useWorkflow } from "./workflow";

const PAUSE_MS = 350;

export function startChecking(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking: AbortController | undefined;

  async function ask(): Promise<void> {
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    const { definition, checked } = useWorkflow.getState();
    if (!definition.content.trim()) return;
    try {
      const answer = await workflows.check(definition.content, definition.format, mine.signal);
      if (asking === mine) checked({ ...answer, sourceMap: answer.sourceMap ?? null });
    } catch {
      // Nobody answered; the banner says so. What is drawn is still checked here.
      if (asking === mine) checked(null);
    }
  }

  function soon(): void {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), PAUSE_MS);
  }

  soon();
  const stop = useWorkflow.subscribe((state, before) => {
    if (state.definition !== before.definition) {
      if (!state.checking) useWorkflow.setState({ checking: true });
      soon();
    }
  });
  const stopWaiting = useOnline.subscribe(({ online }) => {
    if (online && useWorkflow.getState().unchecked) soon();
  });
  return () => {
    stop();
    stopWaiting();
    clearTimeout(timer);
    asking?.abort();
  };
}
