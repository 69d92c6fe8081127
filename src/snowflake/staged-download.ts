import { messageOf, ReportError } from "../report/errors.ts";

/**
 * The bytes of a staged file behind its signed URL, as they come. Rejects with the signal's reason, or ReportError
 * `store_failed` when nothing comes for `idleMs` or the URL is refused. The URL is a secret: no message holds it.
 */
export async function* streamFile(
  url: string,
  idleMs: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const idle = new AbortController();
  const stop = (): void => idle.abort(new Error(`nothing came for ${idleMs / 1000} s`));
  let timer = setTimeout(stop, idleMs);
  const either = signal === undefined ? idle.signal : AbortSignal.any([signal, idle.signal]);
  try {
    // What the stage holds is the file: a gzip is not unpacked on the way.
    const response = await fetch(url, { signal: either, decompress: false });
    if (!response.ok || response.body === null) throw refusal(response);
    for await (const chunk of response.body) {
      clearTimeout(timer);
      yield chunk;
      timer = setTimeout(stop, idleMs);
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ReportError) throw error;
    const reason: unknown = idle.signal.aborted ? idle.signal.reason : error;
    const message = `a file cannot be read from the stage: ${messageOf(reason).replaceAll(url, "<url>")}`;
    throw new ReportError("store_failed", message, { cause: reason });
  } finally {
    clearTimeout(timer);
  }
}

/** A file that is not there, or may not be had, will not be there a little later either. */
function refusal({ status, statusText }: Response): ReportError {
  const retryable = status >= 500 || status === 408 || status === 429;
  const message = `a file cannot be read from the stage: HTTP ${status} ${statusText}`;
  return new ReportError("store_failed", message, { retryable });
}

/** A whole file, which its caller knows to be small. */
export async function downloadFile(url: string, idleMs: number): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(streamFile(url, idleMs)));
}
