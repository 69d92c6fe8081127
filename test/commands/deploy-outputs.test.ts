import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readDeployOutputs } from "../../src/commands/deploy-outputs.ts";

const folder = await mkdtemp(join(tmpdir(), "report-service-outputs-"));
const file = join(folder, ".sst/outputs.json");
beforeEach(() => rm(file, { force: true }));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("what a deploy wrote", () => {
  test("names the trigger, the secret and the service", async () => {
    const made = {
      triggerUrl: "https://a1.execute-api.eu-central-1.amazonaws.com/prod/trigger",
      secret: "report-service/snowflake",
      cluster: "report-service-cluster-dev",
      service: "report-service-dev",
    };
    await Bun.write(file, JSON.stringify({ ...made, bucket: "files" }));
    expect(await readDeployOutputs(folder)).toEqual(made);
  });

  test("is not needed: the names of the production stage are known", async () => {
    expect(await readDeployOutputs(folder)).toEqual({
      triggerUrl: null,
      secret: null,
      cluster: "report-service-cluster",
      service: "report-service",
    });
  });

  test.each(['{"triggerUrl": 7}', '"text"', "{"])("is refused when it is %s", async (text) => {
    await Bun.write(file, text);
    expect(readDeployOutputs(folder)).rejects.toMatchObject({
      code: "configuration",
      message: expect.stringContaining(".sst/outputs.json"),
    });
  });
});
