import { signal } from "@preact/signals";
import { Moon, Screen, Sun } from "../ui/icons";

const THEMES = ["system", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

function stored(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
}

const theme = signal<Theme>(stored());
/** Counts the times the colours changed, for what is not drawn by CSS. */
export const colours = signal(0);

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => colours.value++);

function choose(chosen: Theme): void {
  theme.value = chosen;
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  try {
    if (chosen === "system") localStorage.removeItem("execgraph.theme");
    else localStorage.setItem("execgraph.theme", chosen);
  } catch {
    // Storage is switched off: the choice holds until the page is loaded again.
  }
  colours.value++;
}

const ICONS = { system: Screen, light: Sun, dark: Moon };

export function ThemeButton() {
  const following = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
  const Icon = ICONS[theme.value];
  const title = `Theme: ${theme.value}. Switch to ${following}`;
  return (
    <button type="button" class="button quiet icon" title={title} aria-label={title} onClick={() => choose(following)}>
      <Icon />
    </button>
  );
}

/** What a custom property of a colour comes to in the present theme. */
export function colour(name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
