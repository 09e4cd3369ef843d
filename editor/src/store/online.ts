/** Whether the server answers. Set by every request; shown by the banner. */
import { create } from "zustand";

interface Online {
  online: boolean;
  lost: () => void;
  found: () => void;
}

export const useOnline = create<Online>((set, get) => ({
  online: true,
  lost: () => {
    if (get().online) set({ online: false });
  },
  found: () => {
    if (!get().online) set({ online: true });
  },
}));
