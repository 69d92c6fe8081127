/**
 * The thread that a JavaScript procedure runs in, one for each call. Snowflake's API is synchronous: the thread sleeps
 * while the engine runs a statement for it. The body sees a context of its own with the language's built-in objects
 * and `snowflake`, as in Snowflake: no require, process, fetch, timers, Bun, and no import. That keeps honest bodies to
 * what works in Snowflake; it is no wall against hostile ones, which a person would have to run on their own machine.
 */

import { createContext, runInContext, compileFunction } from "node:vm";
import {
  isMainThread,
  type MessagePort,
  receiveMessageOnPort,
  workerData,
} from "node:worker_threads";
import type { Bind } from "../../engine.ts";
import type { ProcedureCall, StatementReply, ThreadRequest, ThreadStart } from "./protocol.ts";
import { createValueReader, type Realm, writeReturned } from "./sql-values.ts";
import { type ApiHost, createSnowflakeApi } from "./statement-api.ts";

/** The body's name in stack traces. */
const SOURCE = "procedure-body";
/** The function around the body takes the first line. */
const HEADER_LINES = 1;
const PLACE = new RegExp(`${SOURCE}:(\\d+):(\\d+)`);

/** Errors that failed statements have thrown. */
const failures = new WeakSet<object>();

function runThread(start: ThreadStart): void {
  tell(start, runBody(start));
  // Nothing that the body left behind (a promise, say) may run on: the engine ends this thread.
  Atomics.wait(start.signal, 0, 0);
}

function tell({ port }: ThreadStart, request: ThreadRequest): void {
  port.postMessage(request);
}

function ask(start: ThreadStart, sql: string, binds: Record<string, Bind>): StatementReply {
  const { port, signal } = start;
  tell(start, { kind: "execute", sql, binds });
  Atomics.wait(signal, 0, 0);
  Atomics.store(signal, 0, 0);
  return receiveReply(port);
}

/** The answer was posted before the signal was set. */
function receiveReply(from: MessagePort): StatementReply {
  const received: { message: StatementReply } | undefined = receiveMessageOnPort(from);
  if (received === undefined) throw new Error("the engine woke the procedure without an answer");
  return received.message;
}

function runBody(start: ThreadStart): ThreadRequest {
  const procedure = start.call;
  const context = createContext(Object.create(null));
  const realm: Realm = runInContext("({ Date, Error, Function, JSON, Uint8Array })", context);
  try {
    const api = createSnowflakeApi(apiHost(start, realm));
    // Through a function's constructor, code would be made in this context, which has everything.
    Reflect.deleteProperty(Function.prototype, "constructor");
    Object.assign(context, { snowflake: api, console: undefined });
    const body = compile(procedure, context, realm);
    const values = createValueReader(realm);
    // A NULL argument is undefined, a NULL in a column null.
    const args = procedure.argumentColumns.map(
      (column, index) => values.read(procedure.argumentCells[index] ?? null, column) ?? undefined,
    );
    return { kind: "returned", value: writeReturned(body(...args), procedure.returnsJson) };
  } catch (thrown) {
    return describeThrown(thrown, procedure);
  }
}

function apiHost(start: ThreadStart, realm: Realm): ApiHost {
  return {
    realm,
    ask: (sql, binds) => ask(start, sql, binds),
    locate: (caller) => {
      const { line, position } = placeIn(new Error("where").stack) ?? { line: 0, position: 0 };
      // Bun points behind the method's name, V8 (and so Snowflake) at its begin.
      const method = caller.split(".").at(-1) ?? "";
      return `At ${caller}, line ${line} position ${position - method.length}`;
    },
    noteFailure: (error) => failures.add(error),
  };
}

/** Throws the realm's SyntaxError for a body that is no JavaScript. */
function compile(
  { body, argumentNames }: ProcedureCall,
  context: object,
  realm: Realm,
): (...args: readonly unknown[]) => unknown {
  // Asked first, because its error says what is wrong.
  realm.Function(...argumentNames, body);
  const compiled: unknown = compileFunction(body, [...argumentNames], {
    parsingContext: context,
    filename: SOURCE,
  });
  if (typeof compiled !== "function") throw new Error("the body is no function");
  return (...args) => Reflect.apply(compiled, undefined, args);
}

interface Place {
  readonly line: number;
  readonly position: number;
}

function placeIn(stack: unknown): Place | undefined {
  const match = typeof stack === "string" ? PLACE.exec(stack) : null;
  if (match === null) return undefined;
  return { line: Number(match[1]) - HEADER_LINES, position: Number(match[2]) - 1 };
}

function describeThrown(thrown: unknown, { name, body }: ProcedureCall): ThreadRequest {
  const fields: { stack?: unknown; message?: unknown; stackTraceTxt?: unknown } =
    typeof thrown === "object" && thrown !== null ? thrown : {};
  if (typeof thrown === "object" && thrown !== null && failures.has(thrown)) {
    const message = `${String(fields.message)}\n${String(fields.stackTraceTxt)}`;
    return { kind: "threw", isOfStatement: true, message };
  }
  const place = placeIn(fields.stack);
  const text = `Uncaught ${String(thrown)} in ${name}`;
  if (place === undefined) return { kind: "threw", isOfStatement: false, message: text };
  const line = body.split("\n")[place.line - 1] ?? "";
  // The same here: V8 points at the word `throw`.
  const thrower = /throw\s+new\s+[\w.]+$/.exec(line.slice(0, place.position));
  const position = thrower?.index ?? place.position;
  const message = `${text} at '${line}' position ${position}\nstackstrace: \n${name} line: ${place.line}`;
  return { kind: "threw", isOfStatement: false, message };
}

if (!isMainThread) runThread(workerData);
