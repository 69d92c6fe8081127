import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { parse } from "csv-parse/sync";
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import PostalMime from "postal-mime";
import type { Artifact } from "../../src/report/artifact.ts";
import type { Finding } from "../../src/commands/findings.ts";
import { addReport, findReport, readHistory } from "../../src/snowflake/reports.ts";
import { lackingMoto } from "../support/moto.ts";
import { BUCKET, CLUSTER, SECRET, SERVICE, writeSecret } from "./fleet/account.ts";
import { badEnds, type Task } from "./fleet/ecs.ts";
import { type Fleet, startFleet } from "./fleet/fleet.ts";
import {
  createRandom,
  describeRaces,
  RACING,
  readDesiredCount,
  runRaces,
  tellsOfNone,
} from "./fleet/races.ts";
import { readJsonLines, readMetrics } from "./fleet/metrics.ts";
import { eventually } from "./service.ts";

setDefaultTimeout(120_000);

/** As many as show that it works; `bun run test:long` makes 500. */
const RACES = 8;

/** Everything is scaled down, and nothing but the chain, the workers and ECS wakes anybody. */
describe.skipIf(lackingMoto !== "")(`the whole service${lackingMoto}`, () => {
  const seed = Date.now() % 1_000_000;
  const random = createRandom(seed);
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await startFleet({ environment: RACING, random });
  });
  afterAll(async () => await fleet[Symbol.asyncDispose]());
  beforeEach(async () => await untilGone());

  /** Until nobody is wanted and nobody is there. */
  async function untilGone(): Promise<void> {
    await eventually(
      "the last worker to go",
      async () => fleet.ecs.desiredCount === 0 && fleet.ecs.alive().length === 0,
    );
  }

  async function untilCompleted(configId: string): Promise<void> {
    await eventually(
      `${configId} to be completed`,
      async () => {
        const { status, lastError } = await findReport(fleet.connection, configId);
        expect(status, lastError ?? "").not.toBe("FAILED");
        return status === "COMPLETED";
      },
      30_000,
    );
  }

  /** A row's file, from where the audit says, and as the audit says. */
  async function readStored(artifact: Artifact | undefined) {
    const uri = new URL(artifact?.uri ?? "");
    expect([uri.protocol, uri.host]).toEqual(["s3:", BUCKET]);
    const { Body } = await new S3Client({ forcePathStyle: true }).send(
      new GetObjectCommand({ Bucket: BUCKET, Key: decodeURIComponent(uri.pathname.slice(1)) }),
    );
    const bytes = new Uint8Array((await Body?.transformToByteArray()) ?? []);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(artifact?.sha256 ?? "");
    return bytes;
  }

  async function insert(name: string, more: Record<string, string> = {}): Promise<string> {
    const report = { REPORT_NAME: name, REPORT_SQL: "SELECT 1 AS N", OUTPUT_FORMAT: "CSV" };
    return await addReport(fleet.connection, { ...report, ...more });
  }

  /** The workers that were started since there were `count`. */
  function startedSince(count: number): Task[] {
    return fleet.ecs.tasks.slice(count);
  }

  test("goes from an INSERT to a file in S3 and a mail in SES, and back to nobody", async () => {
    const before = fleet.ecs.tasks.length;
    const configId = await insert("Umsätze", {
      REPORT_SQL: "SELECT SEQ8() AS N, 'a;b' AS T FROM TABLE(GENERATOR(ROWCOUNT => 100))",
      EMAIL_RECIPIENTS: "ann@example.com",
    });
    await untilCompleted(configId);
    await untilGone();
    const { runs, deliveries } = await readHistory(fleet.connection, configId, 2);
    expect(runs).toHaveLength(1);
    const bytes = await readStored(runs[0]?.artifacts[0]);
    const rows = parse(Buffer.from(bytes), { columns: true });
    expect(rows).toHaveLength(100);
    expect(rows[99]).toEqual({ N: "99", T: "a;b" });

    expect(deliveries).toMatchObject([
      { channel: "EMAIL", target: "ann@example.com", kind: "RESULT", state: "SENT", attempt: 1 },
    ]);
    const sent = (await fleet.moto.models("ses", "RawMessage")).find(
      ({ id }) => id === deliveries[0]?.providerId,
    );
    const mail = await PostalMime.parse(String(sent?.["raw_data"]));
    expect(mail.subject).toContain("Umsätze");
    expect(mail.to).toMatchObject([{ address: "ann@example.com" }]);
    expect(mail.attachments).toHaveLength(1);
    expect(new Uint8Array(mail.attachments[0]?.content as ArrayBuffer)).toEqual(bytes);

    const workers = startedSince(before);
    expect(workers).toHaveLength(1);
    expect(workers).toMatchObject([{ exitCode: 0, killedMs: null }]);
    const metrics = readMetrics(readJsonLines(workers[0]?.process.written() ?? ""));
    expect(metrics).toMatchObject({
      "RunsCompleted Count": [1],
      "RunSeconds Seconds": [expect.any(Number)],
      "DeliveriesSent Count": [1],
    });
    const scaling = readMetrics(fleet.functions.log());
    expect(scaling["WorkersDesired Count"]?.at(-1)).toBe(0);
    expect(scaling["QueuePending Count"]?.at(-1)).toBe(0);
    const calls = fleet.functions.calls.map(({ from, result }) => [from, readDesiredCount(result)]);
    expect(calls[0]).toEqual(["api", 1]);
    expect(calls.at(-1)).toEqual(["worker", 0]);
  });

  test("serves a second INSERT in the very moment of going idle", async () => {
    const before = fleet.ecs.tasks.length;
    const calls = fleet.functions.calls.length;
    await insert("first");
    await eventually("an empty queue to be told", async () =>
      fleet.functions.calls.slice(calls).some(tellsOfNone),
    );
    await untilCompleted(await insert("second"));
    const stopped = async (): Promise<boolean> =>
      startedSince(before).some(({ stoppedMs, endedMs }) => stoppedMs !== null && endedMs === null);
    await eventually("a worker to be stopped", stopped);
    await untilCompleted(await insert("third"));
    await untilGone();
    expect(badEnds(startedSince(before))).toEqual([]);
  });

  test("takes the report of a worker that is killed over once its lease has run out", async () => {
    const before = fleet.ecs.tasks.length;
    const configId = await insert("killed", {
      REPORT_SQL: "SELECT SEQ8() AS N, SHA2(SEQ8()) AS H FROM TABLE(GENERATOR(ROWCOUNT => 150000))",
      OUTPUT_FORMAT: "EXCEL",
    });
    await eventually("the report to be claimed", async () => {
      return (await findReport(fleet.connection, configId)).status === "PROCESSING";
    });
    const [first] = startedSince(before);
    expect(first?.isProtected).toBe(true);
    first?.process.child.kill("SIGKILL");
    await untilCompleted(configId);
    const { rows } = await fleet.connection.execute(
      "SELECT FENCE, WORKER_ID, OUTCOME FROM REPORT_RUN WHERE CONFIG_ID = ? ORDER BY FENCE",
      [configId],
    );
    expect(rows).toMatchObject([
      { FENCE: "1", OUTCOME: "LOST" },
      { FENCE: "2", OUTCOME: "COMPLETED" },
    ]);
    expect(startedSince(before).map(({ id }) => id)).toContain(rows[1]?.["WORKER_ID"] ?? "nobody");
    expect(first).toMatchObject({ exitCode: 137, stoppedMs: null });
    const { runs } = await readHistory(fleet.connection, configId, 1);
    await readStored(runs[0]?.artifacts[0]);
  });

  test("serves at the regular tick what no trigger told of", async () => {
    await fleet.connection.execute("ALTER TASK ECS_TRIGGER_TASK SUSPEND");
    const configId = await insert("untold");
    expect(await fleet.functions.tick()).toEqual({ desiredCount: 1 });
    await untilCompleted(configId);
    await fleet.connection.execute("ALTER TASK ECS_TRIGGER_TASK RESUME");
  });

  test("goes back to nobody while its secret has no account, and serves the report once it has", async () => {
    const before = fleet.ecs.tasks.length;
    const secrets = new SecretsManagerClient();
    const former = await secrets.send(new GetSecretValueCommand({ SecretId: SECRET }));
    const { account: _, ...rest } = JSON.parse(former.SecretString ?? "");
    await writeSecret(rest);
    const configId = await insert("unconfigured");
    await eventually("a worker", async () => startedSince(before).length > 0);
    await untilGone();
    const reason = `secret ${SECRET}: SNOWFLAKE_ACCOUNT: is missing, although SNOWFLAKE_PASSWORD is set`;
    for (const worker of startedSince(before)) {
      expect(worker.process.written()).toContain(`report-service: ${reason}`);
      expect(worker.exitCode).toBe(78);
    }
    expect(fleet.functions.log()).toContainEqual({ event: "worker failed", message: reason });
    expect((await findReport(fleet.connection, configId)).status).toBe("PENDING");
    await writeSecret(JSON.parse(former.SecretString ?? ""));
    expect(await fleet.functions.tick()).toEqual({ desiredCount: 1 });
    await untilCompleted(configId);
  });

  test("knows the Slack addresses of the secret", async () => {
    const configId = await insert("slack", { SLACK_WEBHOOK: "nobody" });
    await untilCompleted(configId);
    await eventually("the delivery to be refused", async () => {
      const { deliveries } = await readHistory(fleet.connection, configId, 1);
      return deliveries[0]?.state === "FAILED" && deliveries[0].error?.includes("there is: ops");
    });
  });

  describe("doctor --deployed", () => {
    const key = { id: "AKIAIOSFODNN7EXAMPLE", secret: "secret", region: "eu-central-1" };
    afterEach(() => fleet.functions.demand(null));

    test("shows the whole chain of a deployment, signed as the API wants it", async () => {
      fleet.functions.demand(key);
      const before = fleet.ecs.tasks.length;
      const { triggerUrl } = fleet.functions;
      const outputs = {
        triggerUrl,
        secret: SECRET,
        cluster: CLUSTER,
        service: SERVICE,
        topic: "t",
      };
      await Bun.write(join(fleet.folder, ".sst/outputs.json"), JSON.stringify(outputs));
      const bare = { SNOWFLAKE_SECRET_ID: "", TRIGGER_URL: "" };
      const { exitCode, output } = await fleet.start(["doctor", "--deployed"], bare).ended;
      await rm(join(fleet.folder, ".sst"), { recursive: true });
      expect(exitCode, output).toBe(0);
      expect(output).toMatch(/^ok {4}settings {4}report-service behind http:.*\/prod\/trigger$/m);
      expect(output).toMatch(/^ok {4}trigger {5}.*ECS service triggered successfully/m);
      expect(output).toMatch(/^ {6}report {6}\d wanted, \d there, (PENDING|PROCESSING)$/m);
      expect(output).toMatch(
        /^ok {4}report {6}COMPLETED, s3:\/\/report-files\/reports\/.*\.csv, \d+ B$/m,
      );
      expect(output).toMatch(/^ok {4}file {8}is in the bucket, and what the audit says$/m);
      expect(output).toMatch(/^ok {4}zero {8}nobody is wanted and nobody is there$/m);
      expect(startedSince(before).length).toBeGreaterThan(0);
    });

    test("ends at the step that fails, and leaves no report behind", async () => {
      fleet.functions.demand({ ...key, secret: "another" });
      const { exitCode, output } = await fleet.start(["doctor", "--deployed", "--json"]).ended;
      expect(exitCode).toBe(1);
      const findings = JSON.parse(output);
      expect(findings.map(({ check, isOk }: Finding) => [check, isOk])).toEqual([
        ["settings", true],
        ["login", true],
        ["trigger", false],
      ]);
      expect(findings[2].text).toContain("The request signature we calculated does not match");
      const { rows } = await fleet.connection.execute(
        "SELECT CONFIG_ID FROM REPORT_CONFIG WHERE STATUS = 'PENDING'",
      );
      expect(rows).toEqual([]);
    });

    test("says that it wants a Snowflake, and where to post", async () => {
      const nowhere = { SNOWFLAKE_SECRET_ID: "", SNOWFLAKE_ACCESS_URL: "" };
      const { exitCode, output } = await fleet.start(["doctor", "--deployed"], nowhere).ended;
      expect(exitCode).toBe(1);
      expect(output).toContain("SNOWFLAKE_SECRET_ID: no Snowflake is configured");
      expect(output).toContain("TRIGGER_URL or --url");
    });

    test("is told of an AWS that may not be looked at, and of the file and the workers that it could not check", async () => {
      const blind = {
        AWS_ENDPOINT_URL_ECS: "http://127.0.0.1:9",
        AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9",
      };
      const { exitCode, output } = await fleet.start(["doctor", "--deployed"], blind).ended;
      expect(exitCode, output).toBe(0);
      expect(output).toMatch(/^ok {4}file {8}not checked: s3:GetObject on the bucket/m);
      expect(output).toMatch(/^ok {4}zero {8}not checked: ecs:DescribeServices on/m);
    });
  });

  test("is woken by report-service trigger, signed as the API wants it", async () => {
    const before = fleet.ecs.tasks.length;
    fleet.functions.demand({
      id: "AKIAIOSFODNN7EXAMPLE",
      secret: "secret",
      region: "eu-central-1",
    });
    const { exitCode, output } = await fleet.start(["trigger"]).ended;
    fleet.functions.demand(null);
    expect(exitCode, output).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ message: "ECS service triggered successfully" });
    await eventually("a worker", async () => startedSince(before).length === 1);
  });

  test("serves INSERTs around the moments at which workers go, none lost", async () => {
    const before = fleet.ecs.tasks.length;
    const result = await runRaces(fleet, RACES, random);
    process.stdout.write(`${describeRaces(result, seed)}\n`);
    expect(result.races).toBe(RACES);
    await untilGone();
    expect(badEnds(startedSince(before))).toEqual([]);
  });
});
