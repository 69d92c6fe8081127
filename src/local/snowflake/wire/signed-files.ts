import { stat } from "node:fs/promises";
import type { SignedFiles } from "../engine.ts";

/** GET and HEAD of a staged file by its signed URL, whole or in part. 403 for a URL that is not, or no longer, good. */
export async function answerSignedFile(
  request: Request,
  files: SignedFiles | undefined,
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD")
    return plain(405, "Only GET and HEAD.");
  const path = files?.open(new URL(request.url)) ?? null;
  if (path === null) return plain(403, "The URL has expired, or its signature does not match.");
  const size = await readSize(path);
  if (size === null) return plain(404, "There is no such file in the stage.");
  const range = readRange(request.headers.get("range"), size);
  if (range === "unsatisfiable")
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${size}` } });
  return answerPart(request.method, path, size, range);
}

function plain(status: number, message: string): Response {
  return new Response(`${message}\n`, { status, headers: { "content-type": "text/plain" } });
}

async function readSize(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/** One range of bytes; anything else asks for the whole, as RFC 9110 (14.2) has it. */
function readRange(header: string | null, size: number): Range | "unsatisfiable" | null {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return null;
  const first = from === "" ? Math.max(size - Number(to), 0) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  return first > last ? "unsatisfiable" : { first, last };
}

function answerPart(method: string, path: string, size: number, range: Range | null): Response {
  const { first, last } = range ?? { first: 0, last: size - 1 };
  const headers: Record<string, string> = {
    "accept-ranges": "bytes",
    "content-type": "application/octet-stream",
    "content-length": String(last - first + 1),
    ...(range === null ? {} : { "content-range": `bytes ${first}-${last}/${size}` }),
  };
  const body = method === "HEAD" ? null : Bun.file(path).slice(first, last + 1);
  return new Response(body, { status: range === null ? 200 : 206, headers });
}
