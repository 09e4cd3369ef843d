/** Who is signed in. */
import { create } from "zustand";
import { auth } from "@/api/calls";
import { onSignedOut, setCsrfToken } from "@/api/http";
import type { Me, Role } from "@/api/types";

interface Session {
  me: Me | null;
  state: "asking" | "in" | "out";
  load: () => Promise<void>;
  signIn: (me: Me) => void;
  signOut: () => Promise<void>;
}

export const useSession = create<Session>((set, get) => ({
  me: null,
  state: "asking",
  load: async () => {
    try {
      get().signIn(await auth.me());
    } catch {
      set({ me: null, state: "out" });
    }
  },
  signIn: (me) => {
    setCsrfToken(me.csrfToken ?? null);
    set({ me, state: "in" });
  },
  signOut: async () => {
    await auth.logout().catch(() => undefined);
    setCsrfToken(null);
    set({ me: null, state: "out" });
  },
}));

onSignedOut(() => useSession.setState({ me: null, state: "out" }));

const RANK: Role[] = ["viewer", "approver", "developer", "admin", "owner"];

export function useMay(role: Role): boolean {
  return useSession(({ me }) =>
    (me?.teams ?? []).some((team) => RANK.indexOf(team.role) >= RANK.indexOf(role)),
  );
}

export function useTeam(): { id: string; name: string } | undefined {
  return useSession(({ me }) => me?.teams[0]);
}
