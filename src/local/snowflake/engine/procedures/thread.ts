/** Runs a procedure's body in a thread of its own and does its statements for it. */

import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { Bind } from "../../engine.ts";
import type {
  ProcedureCall,
  ProcedureOutcome,
  StatementReply,
  ThreadRequest,
  ThreadStart,
} from "./protocol.ts";

export type RunStatement = (sql: string, binds: Record<string, Bind>) => Promise<StatementReply>;

/**
 * Resolves with what the body returned or threw. Rejects with the signal's reason when that is aborted, and the thread
 * is killed wherever it is, in an endless loop too. A thread takes about 30 ms to start.
 */
export async function runInThread(
  call: ProcedureCall,
  execute: RunStatement,
  signal: AbortSignal,
): Promise<ProcedureOutcome> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<ProcedureOutcome>();
  const { port1, port2 } = new MessageChannel();
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./procedure-thread.ts", import.meta.url), {
    workerData: { call, port: port2, signal: flag } satisfies ThreadStart,
    transferList: [port2],
  });
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  worker.on("error", reject);
  worker.on("exit", (code) => reject(new Error(`the procedure's thread ended with code ${code}`)));
  port1.on("message", (request: ThreadRequest) => {
    if (request.kind === "execute") void answer(request, execute, port1, flag).catch(reject);
    else resolve(request);
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    port1.close();
    await worker.terminate();
  }
}

async function answer(
  { sql, binds }: Extract<ThreadRequest, { kind: "execute" }>,
  execute: RunStatement,
  port: MessagePort,
  flag: Int32Array,
): Promise<void> {
  port.postMessage(await execute(sql, binds));
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
}
