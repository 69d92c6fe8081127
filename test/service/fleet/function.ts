import { checkSignature, refuse, type SigningKey } from "../../support/signature.ts";
import { type FunctionProcess, startFunction } from "../../trigger/function-process.ts";

/** A call of the function, on the clock of `performance.now()`. */
export interface FunctionCall {
  /** "api": POST /prod/trigger. "worker": what a worker sees. "tick": the regular one. */
  readonly from: "api" | "worker" | "tick";
  readonly event: unknown;
  readonly startedMs: number;
  /** Null: it has not ended yet. */
  endedMs: number | null;
  result: unknown;
}

/** What stands between the world and the function: API Gateway in front, and Lambda's own Invoke. */
export interface FunctionHost extends AsyncDisposable {
  /** Of POST /prod/trigger. */
  readonly triggerUrl: string;
  /** Of Lambda's API, for AWS_ENDPOINT_URL_LAMBDA. */
  readonly url: string;
  readonly calls: readonly FunctionCall[];
  /** Lines of the function's log, parsed. */
  log(): readonly Record<string, unknown>[];
  /** EventBridge calls. */
  tick(): Promise<unknown>;
  /** From now on POST /prod/trigger wants the signature of this key, as AWS_IAM does; null: of nobody. */
  demand(key: SigningKey | null): void;
}

/** Lambda runs calls beside each other, each in an instance that has one call at a time. */
const INSTANCES = 2;

/** Serves the function that `command` runs, on a port of its own. `environmentFor` is given that port's address. */
export function startFunctionHost(
  command: readonly string[],
  environmentFor: (url: string) => Readonly<Record<string, string>>,
): FunctionHost {
  const calls: FunctionCall[] = [];
  let demanded: SigningKey | null = null;
  const instances: FunctionProcess[] = [];
  const free: FunctionProcess[] = [];
  const waiting: ((instance: FunctionProcess) => void)[] = [];
  const invoke = async (from: FunctionCall["from"], event: unknown): Promise<unknown> => {
    const call: FunctionCall = {
      from,
      event,
      startedMs: performance.now(),
      endedMs: null,
      result: null,
    };
    calls.push(call);
    const instance =
      free.pop() ?? (await new Promise<FunctionProcess>((resolve) => waiting.push(resolve)));
    try {
      call.result = await instance.invoke(event);
      return call.result;
    } finally {
      const next = waiting.shift();
      if (next === undefined) free.push(instance);
      else next(instance);
      call.endedMs = performance.now();
    }
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const body = new Uint8Array(await request.arrayBuffer());
      if (request.method === "POST" && pathname === "/prod/trigger") {
        const refusal = demanded === null ? null : checkSignature(request, body, demanded);
        return refusal ?? (await answerApi(request, body, (event) => invoke("api", event)));
      }
      if (/^\/2015-03-31\/functions\/[^/]+\/invocations$/.test(pathname)) {
        return await answerInvoke(body, (event) => invoke("worker", event));
      }
      // What API Gateway says of a path that it does not know.
      return refuse(403, "Missing Authentication Token", "MissingAuthenticationTokenException");
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  for (let count = 0; count < INSTANCES; count += 1) {
    instances.push(startFunction(command, environmentFor(url)));
  }
  free.push(...instances);
  return {
    url,
    triggerUrl: `${url}/prod/trigger`,
    calls,
    log: () => instances.flatMap(({ log }) => log),
    tick: async () => await invoke("tick", { source: "schedule" }),
    demand: (key) => {
      demanded = key;
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop(true);
      for (const instance of instances) await instance[Symbol.asyncDispose]();
    },
  };
}

type Invoke = (event: unknown) => Promise<unknown>;

/** As API Gateway's proxy integration does: the event, its fields that the function has no use for among them. */
async function answerApi(request: Request, body: Uint8Array, invoke: Invoke): Promise<Response> {
  const headers = Object.fromEntries(request.headers);
  const event = {
    resource: "/trigger",
    path: "/trigger",
    httpMethod: "POST",
    headers,
    multiValueHeaders: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, [value]]),
    ),
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      resourceId: "x1",
      resourcePath: "/trigger",
      httpMethod: "POST",
      requestId: crypto.randomUUID(),
      accountId: "123456789012",
      identity: { sourceIp: "203.0.113.7", userAgent: headers["user-agent"] ?? null },
      stage: "prod",
      apiId: "a1b2c3",
    },
    // Snowflake packs its body, which API Gateway hands on in base64.
    body: Buffer.from(body).toString("base64"),
    isBase64Encoded: true,
  };
  try {
    const answer = (await invoke(event)) as {
      statusCode: number;
      headers: Record<string, string>;
      body: string;
    };
    return new Response(answer.body, { status: answer.statusCode, headers: answer.headers });
  } catch {
    return Response.json({ message: "Internal server error" }, { status: 502 });
  }
}

/** As Lambda's Invoke does: what the function throws comes with status 200 and a header. */
async function answerInvoke(body: Uint8Array, invoke: Invoke): Promise<Response> {
  try {
    return Response.json(await invoke(JSON.parse(new TextDecoder().decode(body))));
  } catch (thrown) {
    const errorMessage = thrown instanceof Error ? thrown.message : String(thrown);
    const headers = { "x-amz-function-error": "Unhandled" };
    return Response.json({ errorType: "Error", errorMessage }, { headers });
  }
}
