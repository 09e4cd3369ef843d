/** Whether what is shown is of this moment. */
import { Radio, Unplug } from "lucide-react";
import { useLive } from "@/store/live";

export function LiveMark() {
  const state = useLive((live) => live.state);
  if (state === "off") return null;
  return (
    <span
      role="status"
      className={`flex items-center gap-1 text-xs ${state === "live" ? "text-ok" : "text-warn"}`}
    >
      {state === "live" ? <Radio size={13} /> : <Unplug size={13} />}
      {state === "live" ? "Live" : "Not live: connecting again…"}
    </span>
  );
}
