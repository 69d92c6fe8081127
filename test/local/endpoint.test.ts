import { afterEach, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { type Endpoint, startEndpoint } from "../../src/local/endpoint.ts";

let endpoint: Endpoint | null = null;
let triggers = 0;
afterEach(async () => {
  await endpoint?.stop();
  endpoint = null;
  triggers = 0;
});

function start(onTrigger: () => void = () => {}, health: () => object = () => ({})): string {
  const count = () => {
    triggers += 1;
    onTrigger();
  };
  endpoint ??= startEndpoint({ port: 0, onTrigger: count, health });
  return `http://127.0.0.1:${endpoint.port}`;
}

async function post(path: string, init: RequestInit = {}) {
  const response = await fetch(`${start()}${path}`, { method: "POST", ...init });
  const body: unknown = await response.json();
  return { status: response.status, body };
}

/** What a refused call is told. */
async function refusalOf(init: RequestInit): Promise<unknown> {
  const { status, body } = await post("/trigger", init);
  expect(status).toBe(400);
  return typeof body === "object" && body !== null && "message" in body ? body.message : body;
}

describe("POST /trigger", () => {
  test.each(["/trigger", "/prod/trigger", "/trigger?reason=test"])(
    "wakes the worker at %s",
    async (path) => {
      const { status, body } = await post(path);
      expect(status).toBe(200);
      expect(body).toEqual({
        message: "Worker triggered successfully",
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
      expect(triggers).toBe(1);
    },
  );

  test.each(["", "  \n", "{}", '{"reason":"by hand","data":[[0]]}'])(
    "takes the body %p",
    async (body) => {
      expect((await post("/trigger", { body })).status).toBe(200);
      expect(triggers).toBe(1);
    },
  );

  test.each(["{", "null", "[]", '"x"', "1", "a=b", "\ufffd"])(
    "answers 400 to the body %p and wakes nobody",
    async (body) => {
      expect(await post("/trigger", { body })).toEqual({
        status: 400,
        body: { message: "The body is not a JSON object; it may be empty or {}" },
      });
      expect(triggers).toBe(0);
    },
  );

  test("takes 4,096 bytes and no more", async () => {
    const filler = (length: number) => JSON.stringify({ a: "x".repeat(length - 8) });
    expect(filler(4_096)).toHaveLength(4_096);
    expect((await post("/trigger", { body: filler(4_096) })).status).toBe(200);
    const tooLong = "The body is longer than 4096 bytes; it may be empty or {}";
    expect(await refusalOf({ body: filler(4_097) })).toBe(tooLong);
    expect(await refusalOf({ body: filler(3_000_000) })).toBe(tooLong);
    expect(triggers).toBe(1);
  });

  test("limits a body without a declared length", async () => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(1_024).fill(0x20));
      },
    });
    expect(await refusalOf({ body })).toContain("longer than 4096 bytes");
  });

  test("limits gzip by what comes out of it", async () => {
    const headers = { "content-encoding": "gzip" };
    const bomb = gzipSync(Buffer.alloc(3_000_000, " "));
    expect(bomb.length).toBeLessThan(4_096);
    expect(await refusalOf({ body: bomb, headers })).toContain("longer than 4096 bytes");
    expect(await refusalOf({ body: "{}", headers })).toBe(
      "The body is not gzip, although its encoding says so",
    );
    expect(await refusalOf({ body: "x", headers: { "content-encoding": "br" } })).toBe(
      "The body's encoding is br; it may be gzip or none",
    );
    expect(triggers).toBe(0);
  });

  test("answers 500 when the worker cannot be woken", async () => {
    const url = start(() => {
      throw new Error("the worker has stopped");
    });
    const response = await fetch(`${url}/trigger`, { method: "POST" });
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ message: "the worker has stopped" });
  });
});

describe("a call of a Snowflake external function", () => {
  const headers = {
    "content-type": "application/json",
    "user-agent": "snowflake/1.0",
    "sf-external-function-format": "json",
    "sf-external-function-format-version": "1.0",
    "sf-external-function-query-batch-id": "01b0c7a2-0000:1:1:0:0",
  };
  const value = {
    ok: true,
    message: "Worker triggered successfully",
    requestId: "01b0c7a2-0000:1:1:0:0",
  };

  test("gets a row for each row, with its number, in its order", async () => {
    const body = JSON.stringify({ data: [[0, "stream"], [1, null], [7]] });
    expect(await post("/prod/trigger", { body, headers })).toEqual({
      status: 200,
      body: {
        data: [
          [0, value],
          [1, value],
          [7, value],
        ],
      },
    });
    expect(triggers).toBe(1);
  });

  test("may be gzip, as Snowflake sends it on AWS", async () => {
    const body = gzipSync(JSON.stringify({ data: [[0, "stream"]] }));
    const answer = await post("/trigger", {
      body,
      headers: { ...headers, "content-encoding": "gzip" },
    });
    expect(answer).toEqual({ status: 200, body: { data: [[0, value]] } });
  });

  test.each([
    "",
    "{}",
    '{"data":{}}',
    '{"data":[0]}',
    '{"data":[["0"]]}',
    '{"data":[[0.5]]}',
    '{"data":[[]]}',
  ])("without rows, as in %p, is refused for good", async (body) => {
    expect(await refusalOf({ body, headers })).toContain("as an external function sends it");
    expect(triggers).toBe(0);
  });
});

describe("GET /health", () => {
  test("answers with what the worker says of itself, each time anew", async () => {
    let running = 0;
    const url = start(undefined, () => ({ running: (running += 1), version: "0.1.0" }));
    await fetch(`${url}/health`);
    const response = await fetch(`${url}/health`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.json()).toEqual({ status: "ok", running: 2, version: "0.1.0" });
    expect((await fetch(`${url}/health`, { method: "HEAD" })).status).toBe(200);
  });
});

describe("anything else", () => {
  test.each([
    ["GET", "/trigger", "POST"],
    ["PUT", "/prod/trigger", "POST"],
    ["OPTIONS", "/trigger", "POST"],
    ["POST", "/health", "GET, HEAD"],
  ])("%s %s is 405 and says what is allowed", async (method, path, allow) => {
    const response = await fetch(`${start()}${path}`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    expect(triggers).toBe(0);
  });

  test("is 404 and lists what there is", async () => {
    const response = await fetch(`${start()}/prod/triggers`, { method: "POST" });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      message:
        "There is no /prod/triggers; there is POST /trigger, POST /prod/trigger, GET /health",
    });
  });
});

describe("the port", () => {
  test("is refused with its name when it is in use", () => {
    start();
    const port = endpoint?.port ?? 0;
    const again = () => startEndpoint({ port, onTrigger: () => {}, health: () => ({}) });
    expect(again).toThrow(
      `PORT: ${port} is in use; stop what listens there, or set PORT to another`,
    );
    try {
      again();
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: "configuration", retryable: false });
    }
  });

  test("is refused with its name when the address is not this machine's", () => {
    const elsewhere = () =>
      startEndpoint({ port: 0, hostname: "192.0.2.1", onTrigger: () => {}, health: () => ({}) });
    expect(elsewhere).toThrow(/^PORT: 192\.0\.2\.1:0 cannot be opened: /);
  });

  test("is free again although a client never finishes its call", async () => {
    const url = start();
    let send: (chunk: Uint8Array) => void = () => {};
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        send = (chunk) => controller.enqueue(chunk);
      },
    });
    const call = fetch(`${url}/trigger`, { method: "POST", body }).catch((error: unknown) => error);
    send(Buffer.from("{"));
    await fetch(`${url}/health`);
    await endpoint?.stop();
    expect(await call).toBeInstanceOf(Error);
    expect(triggers).toBe(0);
  });

  test("is free again after a stop, although a client keeps its connection", async () => {
    const url = start();
    await (await fetch(`${url}/health`)).json();
    const port = endpoint?.port ?? 0;
    await endpoint?.stop();
    endpoint = startEndpoint({ port, onTrigger: () => {}, health: () => ({ second: true }) });
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: "ok", second: true });
  });
});
