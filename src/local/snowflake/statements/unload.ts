/** What the writers of files take and give. */

import type { DuckDBConnection } from "@duckdb/node-api";
import type { ColumnEntry } from "../engine/catalog.ts";
import { EngineError } from "../engine.ts";
import type { StageLocation } from "./stage-location.ts";
import type { CopyOptions } from "./unload-options.ts";

/** What is to be unloaded. */
export interface UnloadSource {
  /** DuckDB's query. */
  readonly sql: string;
  readonly columns: readonly ColumnEntry[];
  readonly connection: DuckDBConnection;
}

/** A file that is not yet in the stage. */
export interface DraftFile {
  readonly draft: string;
  readonly rowCount: number;
  /** Before compression. */
  readonly inputBytes: number;
  readonly outputBytes: number;
}

export interface UnloadTarget {
  readonly options: CopyOptions;
  readonly location: StageLocation;
}

/** With SINGLE the limit is one; otherwise it is where the next file begins. */
export function refuseSize({ isSingle, fileBytesMax }: CopyOptions, bytes: number): void {
  if (!isSingle || bytes <= fileBytesMax) return;
  const message = `Max file size (${fileBytesMax}) exceeded for unload single file mode. Please increase MAX_FILE_SIZE copy option or set SINGLE copy option to false.`;
  throw new EngineError("100145", "22000", message);
}
