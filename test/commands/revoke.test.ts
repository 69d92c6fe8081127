import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { awsEnvironment, lackingMoto, type Moto, startMoto, useAws } from "../support/moto.ts";
import { type Service, startService } from "../service/service.ts";
import {
  FUNCTION_IN_BUN,
  type FunctionProcess,
  startFunction,
} from "../trigger/function-process.ts";

setDefaultTimeout(60_000);

const BUCKET = "report-files";

function artifact(uri: string): object {
  const facts = { format: "CSV", mediaType: "text/csv", sizeBytes: 8, rowCount: 1, sha256: "00" };
  return { ...facts, fileName: "sales.csv", uri };
}

function click(url: string): object {
  const token = url.split("/r/")[1] ?? "";
  return { resource: "/r/{token}", httpMethod: "GET", pathParameters: { token } };
}

/** `report-service revoke` on a real table, a real bucket and the real function. */
describe.skipIf(lackingMoto !== "")(`taking links back${lackingMoto}`, () => {
  const opened = new AsyncDisposableStack();
  let moto: Moto;
  let service: Service;
  let fn: FunctionProcess;

  beforeAll(async () => {
    moto = opened.use(await startMoto());
    opened.use(useAws(moto.url));
    service = opened.use(await startService({ sampleLineItems: 0 }));
    const s3 = new S3Client({ forcePathStyle: true });
    const LocationConstraint = "eu-central-1";
    const CreateBucketConfiguration = { LocationConstraint } as const;
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration }));
    for (const file of ["one", "two", "other"]) {
      const Key = `reports/${file}.csv`;
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: "the file" }));
    }
    fn = opened.use(
      startFunction(FUNCTION_IN_BUN, {
        ...awsEnvironment(moto.url),
        ECS_CLUSTER: "none",
        ECS_SERVICE: "none",
        BUCKET,
        LINK_BASE_URL: "https://a1b2c3.execute-api.eu-central-1.amazonaws.com/prod/",
        LINK_KEY_PARAMETER: "/report-service/revoke/link-key",
      }),
    );
    const inBucket = ["one", "two"].map((file) => artifact(`s3://${BUCKET}/reports/${file}.csv`));
    const staged = artifact("snowflake://REPORT_STAGE/large.csv");
    await insertRun("run-of-two", [...inBucket, inBucket[0] ?? {}, staged]);
    await insertRun("run-of-one", [artifact(`s3://${BUCKET}/reports/other.csv`)]);
    await insertRun("run-on-disk", [artifact("file:///out/sales.csv")]);
    await insertRun("run-staged", [staged]);
  });
  afterAll(async () => await opened.disposeAsync());

  async function insertRun(runId: string, artifacts: readonly object[]): Promise<void> {
    await service.connection.execute(
      `INSERT INTO REPORT_RUN (RUN_ID, CONFIG_ID, REPORT_NAME, FENCE, ATTEMPT, ARTIFACTS)
       SELECT ?, 'gone', 'Sales', 1, 1, PARSE_JSON(?)`,
      [runId, JSON.stringify(artifacts)],
    );
  }

  async function createLink(file: string): Promise<string> {
    const link = { key: `reports/${file}.csv`, fileName: "sales.csv" };
    return ((await fn.invoke({ source: "worker", link })) as { url: string }).url;
  }

  async function cli(args: readonly string[], environment: Record<string, string> = {}) {
    return await service.start(args, { ...awsEnvironment(moto.url), ...environment }).ended;
  }

  test("ends every link to the files of that run, and no other", async () => {
    const [one, two, other] = [
      await createLink("one"),
      await createLink("two"),
      await createLink("other"),
    ];
    for (const url of [one, two]) expect((await fn.request(click(url))).statusCode).toBe(302);
    const { exitCode, output } = await cli(["revoke", "run-of-t"]);
    expect(output).toBe(
      "Sales, run run-of-two: the links to 2 files are taken back\n" +
        "! not those to 1 file written by Snowflake, which signs the links itself: they end within 7 days\n",
    );
    expect(exitCode).toBe(0);
    for (const url of [one, two]) expect((await fn.request(click(url))).statusCode).toBe(410);
    expect((await fn.request(click(other))).statusCode).toBe(302);
    expect(fn.log.at(-2)).toMatchObject({ event: "link", state: "revoked" });
  });

  test("for good: a message that is sent later gets no link, and opens no former one", async () => {
    const url = await createLink("other");
    expect((await cli(["revoke", "run-of-one"])).exitCode).toBe(0);
    expect(createLink("other")).rejects.toThrow(
      /^the links to reports\/other\.csv were taken back \d{4}-\d\d-\d\dT/,
    );
    expect((await fn.request(click(url))).statusCode).toBe(410);
    expect((await cli(["revoke", "run-of-one"])).exitCode).toBe(0);
  });

  test.each([
    ["run-on", "run run-on-disk of Sales has no file in the bucket, so there is no link to take"],
    ["run-s", "; it has 1 file written by Snowflake, which signs the links itself"],
    ["run-of", 'several runs begin with "run-of"; give more of it'],
    ["nothing", 'no run begins with "nothing"'],
  ])("what cannot be taken back is told: %s", async (id, told) => {
    const { exitCode, output } = await cli(["revoke", id]);
    expect(output).toContain(told);
    expect(exitCode).toBe(2);
  });

  test("a person without the permission is told which", async () => {
    const { exitCode, output } = await moto.asNobody(
      async () =>
        await cli(["revoke", "run-of-one"], {
          AWS_ACCESS_KEY_ID: process.env["AWS_ACCESS_KEY_ID"] ?? "",
          AWS_SECRET_ACCESS_KEY: process.env["AWS_SECRET_ACCESS_KEY"] ?? "",
        }),
    );
    expect(output).toContain(
      `s3:PutObject of links/* on the bucket ${BUCKET}: this role may not; allow s3:PutObject of links/* on it`,
    );
    expect(exitCode).toBe(1);
  });
});
