import { isStaged } from "../report/artifact.ts";
import type { Stage, Store } from "./ports.ts";

/** Files that the warehouse wrote are where it put them; all others are in the store. */
export function joinStores(store: Store, stage: Pick<Stage, "read" | "link">): Store {
  return {
    put: (file, signal) => store.put(file, signal),
    read: (uri) => (isStaged(uri) ? stage.read(uri) : store.read(uri)),
    link: (artifact) => (isStaged(artifact.uri) ? stage.link(artifact.uri) : store.link(artifact)),
  };
}
