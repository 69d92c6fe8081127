import { messageOf, ReportError } from "../report/errors.ts";
import { errorCode } from "./atomic-file.ts";
import {
  readTriggerCall,
  requestIdOf,
  TRIGGER_BODY_BYTES_MAX,
  writeTriggerReply,
} from "../trigger/call.ts";

interface EndpointOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Default: 127.0.0.1, so that only this machine can call. */
  readonly hostname?: string;
  /** Must return at once. A trigger has no content: two are as good as one. */
  readonly onTrigger: () => void;
  /** Added to the answer of `GET /health`. */
  readonly health: () => object;
}

export interface Endpoint {
  readonly port: number;
  /** Of POST /trigger, from this machine. */
  readonly url: string;
  /** Takes no more calls and waits a second for those under way. */
  stop(): Promise<void>;
}

/**
 * Serves `POST /trigger`, the same under the path that API Gateway gives it, and `GET /health`. Answers are JSON with a
 * `message`. Throws ReportError `configuration` when the port cannot be had.
 */
export function startEndpoint(options: EndpointOptions): Endpoint {
  const { port, hostname = "127.0.0.1" } = options;
  try {
    const server = Bun.serve({
      port,
      hostname,
      fetch: (request) => answer(request, options),
      // A trigger that fails is answered, so that its caller knows and tries again.
      error: (thrown) => Response.json({ message: messageOf(thrown) }, { status: 500 }),
    });
    const bound = server.port ?? port;
    const url = `http://127.0.0.1:${bound}/trigger`;
    return { port: bound, url, stop: () => stopServer(server) };
  } catch (thrown) {
    throw new ReportError("configuration", explainPort(thrown, port, hostname), { cause: thrown });
  }
}

const STOP_GRACE_MS = 1_000;

/** A client that never finishes sending keeps its call open for ever; after the grace it is cut off. */
async function stopServer(server: Bun.Server<undefined>): Promise<void> {
  const timer = setTimeout(() => void server.stop(true), STOP_GRACE_MS);
  try {
    await server.stop();
  } finally {
    clearTimeout(timer);
  }
}

type Route = {
  readonly methods: readonly string[];
  readonly answer: (request: Request, options: EndpointOptions) => Response | Promise<Response>;
};

const TRIGGER: Route = { methods: ["POST"], answer: answerTrigger };
const ROUTES = new Map<string, Route>([
  ["/trigger", TRIGGER],
  ["/prod/trigger", TRIGGER],
  ["/health", { methods: ["GET", "HEAD"], answer: answerHealth }],
]);

const LISTING = [...ROUTES].map(([path, { methods }]) => `${methods[0]} ${path}`).join(", ");

function answer(request: Request, options: EndpointOptions): Response | Promise<Response> {
  const { pathname } = new URL(request.url);
  const route = ROUTES.get(pathname);
  if (route === undefined) {
    return Response.json(
      { message: `There is no ${pathname}; there is ${LISTING}` },
      { status: 404 },
    );
  }
  if (!route.methods.includes(request.method)) {
    const allow = route.methods.join(", ");
    return Response.json(
      { message: `${request.method} ${pathname} is not possible; there is ${LISTING}` },
      { status: 405, headers: { Allow: allow } },
    );
  }
  return route.answer(request, options);
}

async function answerTrigger(request: Request, { onTrigger }: EndpointOptions): Promise<Response> {
  const received = {
    header: (name: string) => request.headers.get(name),
    body: await readLimited(request),
  };
  const call = readTriggerCall(received);
  if ("problem" in call) return Response.json({ message: call.problem }, { status: 400 });
  onTrigger();
  const done = { message: "Worker triggered successfully", requestId: requestIdOf(received) };
  return Response.json(writeTriggerReply(call.rowNumbers, done));
}

/** Null: it is too long; the rest is not read. */
async function readLimited(request: Request): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > TRIGGER_BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function answerHealth(_request: Request, { health }: EndpointOptions): Response {
  return Response.json({ status: "ok", ...health() });
}

function explainPort(thrown: unknown, port: number, hostname: string): string {
  switch (errorCode(thrown)) {
    case "EADDRINUSE":
      return `PORT: ${port} is in use; stop what listens there, or set PORT to another (0: any that is free)`;
    case "EACCES":
      return `PORT: ${port} may not be opened by this user; set PORT to one above 1023`;
    default:
      return `PORT: ${hostname}:${port} cannot be opened: ${messageOf(thrown)}`;
  }
}
