import { computed, signal } from "@preact/signals";

export type Role = "VIEWER" | "ENGINE" | "ADMIN";

/** What the server lets us do; without authentication everything. Null until it is known. */
export const role = signal<Role | null>("ADMIN");

/** Whether buttons that change something are shown. The server decides anyway. */
export const mayAct = computed(() => role.value === "ENGINE" || role.value === "ADMIN");
export const mayDelete = computed(() => role.value === "ADMIN");
