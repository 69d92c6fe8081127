import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startEndpoint } from "../../src/local/endpoint.ts";

async function askHealth(environment: Record<string, string>) {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../../src/main.ts"), "health"],
    { env: environment, stdout: "pipe", stderr: "pipe" },
  );
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { exitCode: await child.exited, output, errors };
}

describe("health", () => {
  test("is 0 while a worker answers, whatever proxy there is", async () => {
    const health = (): object => ({ worker: "one" });
    const endpoint = startEndpoint({ port: 0, onTrigger: () => {}, health });
    try {
      const proxy = "http://127.0.0.1:1";
      const { exitCode, output } = await askHealth({
        PORT: String(endpoint.port),
        HTTP_PROXY: proxy,
        http_proxy: proxy,
      });
      expect([exitCode, output]).toEqual([0, '{"status":"ok","worker":"one"}\n']);
    } finally {
      await endpoint.stop();
    }
  });

  test("is 1 when nobody answers, in one line", async () => {
    const { exitCode, errors } = await askHealth({ PORT: "1" });
    expect(exitCode).toBe(1);
    expect(errors.trim().split("\n")).toHaveLength(1);
  });

  test("is 1 when the answer is not good", async () => {
    using server = Bun.serve({ port: 0, fetch: () => new Response("no", { status: 503 }) });
    const { exitCode, errors } = await askHealth({ PORT: String(server.port) });
    expect(exitCode).toBe(1);
    expect(errors).toContain("answered 503: no");
  });

  test("is 1 with wrong settings, too: engines know no other", async () => {
    const { exitCode, errors } = await askHealth({ PORT: "x" });
    expect(exitCode).toBe(1);
    expect(errors).toContain("PORT: ");
  });
});
