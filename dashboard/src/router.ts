import { signal } from "@preact/signals";

export interface Place {
  readonly path: string;
  readonly search: string;
}

function current(): Place {
  return { path: location.pathname, search: location.search };
}

/** Where we are: the address bar is the state of a view, so that it can be shared. */
export const place = signal<Place>(current());

addEventListener("popstate", () => {
  place.value = current();
});

export function navigate(href: string, { replace = false } = {}): void {
  if (href === place.value.path + place.value.search) return;
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  place.value = current();
}

/** Take links to our own pages without loading anything. */
addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = (event.target as Element | null)?.closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
  if (link.origin !== location.origin || !isOurs(link.pathname)) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
});

export function isOurs(path: string): boolean {
  return path === "/" || path.startsWith("/runs/");
}

/** The address with some parameters set; null takes one out. */
export function withParameters(at: Place, changes: Record<string, string | null>): string {
  const parameters = new URLSearchParams(at.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) parameters.delete(name);
    else parameters.set(name, value);
  }
  const search = parameters.toString();
  return search ? `${at.path}?${search}` : at.path;
}
