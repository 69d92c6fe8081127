import { z } from "zod";

/** Stands where API Gateway does: between Snowflake's external function and the service, and does what a test tells it. */
export interface Gateway extends AsyncDisposable {
  /** Of POST /trigger. */
  readonly url: string;
  /** The argument of each call of TRIGGER_ECS_SERVICE, in order: "stream" or "due". */
  readonly reasons: readonly string[];
  /** How calls are answered from now on. */
  answer(how: Answer): void;
  /** Refuses connections until `start`. */
  stop(): Promise<void>;
  start(): void;
}

/** Decides what a call is answered; it is given what Snowflake sent. */
export type Answer = (headers: Headers, body: string) => Promise<Response> | Response;

/** Starts it on a port of its own. It refuses every call until it is told how to answer. */
export function startGateway(): Gateway {
  const reasons: string[] = [];
  let answer: Answer = () => new Response("not ready", { status: 503 });
  const handle = async (request: Request): Promise<Response> => {
    const body = await request.text();
    reasons.push(readReason(body));
    return await answer(request.headers, body);
  };
  let server = listen(0, handle);
  const port = server.port ?? 0;
  return {
    url: `http://127.0.0.1:${port}/trigger`,
    reasons,
    answer: (how) => {
      answer = how;
    },
    stop: async () => await server.stop(true),
    start: () => {
      server = listen(port, handle);
    },
    [Symbol.asyncDispose]: async () => await server.stop(true),
  };
}

function listen(port: number, fetch: (request: Request) => Promise<Response>) {
  return Bun.serve({ port, hostname: "127.0.0.1", fetch });
}

/** `{"data": [[0, "stream"]]}` */
function readReason(body: string): string {
  const sent = z.object({ data: z.tuple([z.tuple([z.literal(0), z.string()])]) });
  const [[, reason]] = sent.parse(JSON.parse(body)).data;
  return reason;
}

/** Passes calls on to the worker that listens at `url`. */
export function passTo(url: string): Answer {
  return async (headers, body) => {
    const answer = await fetch(url, { method: "POST", body, headers });
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  };
}
