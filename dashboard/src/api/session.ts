import { signal } from "@preact/signals";

const KEY = "execgraph.token";

/** The bearer token, kept for as long as the tab is open, and never longer. */
export const token = signal<string | null>(sessionStorage.getItem(KEY));

export function setToken(value: string | null): void {
  if (value === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, value);
  token.value = value;
}
