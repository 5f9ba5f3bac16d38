import { computed, signal } from "@preact/signals";
import { query } from "./client";
import { ViewerDocument, type ViewerQuery } from "./generated";

/** Who we are to the server; null until that is known. Without authentication everything is allowed. */
export const viewer = signal<ViewerQuery["viewer"] | null>(null);

/** Whether buttons that change something are shown. The server decides in any case. */
export const mayAct = computed(() => viewer.value !== null && viewer.value.role !== "VIEWER");
export const mayDelete = computed(() => viewer.value?.role === "ADMIN");

/** Ask who we are; throws a Failure, and asks for a token where one is needed. */
export async function learnPermissions(): Promise<void> {
  viewer.value = null;
  viewer.value = (await query(ViewerDocument, {})).viewer;
}
