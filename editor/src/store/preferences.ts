/** How this person likes the editor, kept in the browser. */
import { create } from "zustand";
import { persist } from "zustand/middleware";

export type Theme = "system" | "light" | "dark";
export type PanelTab = "definition" | "code" | "problems" | "plan" | "logs";

interface Preferences {
  theme: Theme;
  sidebar: boolean;
  palette: boolean;
  /** In a narrow window the palette lies over the canvas, and only when it is asked for. */
  paletteOver: boolean;
  inspector: boolean;
  panel: boolean;
  panelTab: PanelTab;
  panelHeight: number;
  minimap: boolean;
  set: (change: Partial<Preferences>) => void;
}

export const usePreferences = create<Preferences>()(
  persist(
    (set) => ({
      theme: "system",
      sidebar: true,
      palette: true,
      paletteOver: false,
      inspector: true,
      panel: false,
      panelTab: "definition",
      panelHeight: 280,
      minimap: true,
      set: (change) => set(change),
    }),
    { name: "dataroll.preferences" },
  ),
);

export function isDark(theme: Theme): boolean {
  return theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
}

/** `theme.js` does the same before the first paint. */
export function applyTheme(theme: Theme): void {
  localStorage.setItem("dataroll.theme", theme);
  document.documentElement.classList.toggle("dark", isDark(theme));
}
