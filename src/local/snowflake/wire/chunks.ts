import { randomBytes } from "node:crypto";

/** A part of a result that the client fetches by itself. */
export interface Chunk {
  readonly path: string;
  readonly rowCount: number;
  readonly uncompressedSize: number;
  readonly compressedSize: number;
}

/** The rows of a result as the wire wants them. */
export interface EncodedRows {
  /** JSON text of the rows that travel in the answer itself, with the outer brackets. */
  readonly inlineJson: string;
  readonly chunks: readonly Chunk[];
  readonly rowCount: number;
}

export interface ChunkLimits {
  /** Rows up to this many bytes of JSON travel in the answer; Snowflake's is about 100 KB. */
  readonly inlineBytesMax: number;
  /** No chunk is larger (but for one row that is), uncompressed. */
  readonly chunkBytesMax: number;
}

interface StoredChunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly key: string;
}

const ALGORITHM_HEADER = "x-amz-server-side-encryption-customer-algorithm";
const KEY_HEADER = "x-amz-server-side-encryption-customer-key";

/** What a client must send with each GET of a chunk of one result, as with Snowflake on AWS. */
export type ChunkHeaders = Readonly<Record<typeof ALGORITHM_HEADER | typeof KEY_HEADER, string>>;

export function newChunkHeaders(): ChunkHeaders {
  return { [ALGORITHM_HEADER]: "AES256", [KEY_HEADER]: randomBytes(32).toString("base64") };
}

/**
 * The chunks of all results, compressed, in memory: a client reads a result right after it was made, a million rows
 * of ten columns are about 20 MB (6:1), and what is in memory leaves nothing behind on a disk when the process is
 * killed. Bounded by the results each session may keep (query-log.ts).
 */
export class ChunkStore {
  readonly #chunks = new Map<string, StoredChunk>();

  get count(): number {
    return this.#chunks.size;
  }

  /** Stores gzip bytes; returns the path to GET them by, which nobody can guess. */
  put(bytes: Uint8Array<ArrayBuffer>, headers: ChunkHeaders): string {
    const path = `/chunks/${randomBytes(24).toString("hex")}`;
    this.#chunks.set(path, { bytes, key: headers[KEY_HEADER] });
    return path;
  }

  free(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) this.#chunks.delete(chunk.path);
  }

  /**
   * 404 for a chunk that is gone, 403 without the headers of its result. The type must be neither JSON nor XML:
   * snowflake-sdk would parse the one and take the other for an error of the store.
   */
  answer(path: string, request: Headers): Response {
    const chunk = this.#chunks.get(path);
    if (chunk === undefined) return new Response("The result has expired.", { status: 404 });
    if (request.get(KEY_HEADER) !== chunk.key || request.get(ALGORITHM_HEADER) !== "AES256") {
      return new Response("The key of the result is missing or wrong.", { status: 403 });
    }
    return new Response(chunk.bytes, {
      headers: { "content-type": "binary/octet-stream", "content-encoding": "gzip" },
    });
  }
}
