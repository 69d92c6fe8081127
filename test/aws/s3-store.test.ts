import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openS3Store } from "../../src/aws/s3-store.ts";
import type { RenderedFile } from "../../src/worker/ports.ts";
import { runReader } from "../render/readers.ts";
import { createClock, type FakeClock, until } from "../support/clock.ts";
import { awsEnvironment, lackingMoto, type Moto, startMoto, useAws } from "../support/moto.ts";
import { type Passing, SLOW_DOWN, standBetween, type Treatment } from "./between.ts";
import type { Measured } from "./measured-upload.ts";

const BUCKET = "report-files";
setDefaultTimeout(60_000);
const never = new AbortController().signal;

describe.skipIf(lackingMoto !== "")(`files in S3${lackingMoto}`, () => {
  const opened = new AsyncDisposableStack();
  let moto: Moto;
  let client: S3Client;
  let folder: string;

  beforeAll(async () => {
    moto = opened.use(await startMoto());
    opened.use(useAws(moto.url));
    client = new S3Client({ forcePathStyle: true });
    folder = await mkdtemp(join(tmpdir(), "report-s3-"));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    await client.send(
      new CreateBucketCommand({
        Bucket: BUCKET,
        CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
      }),
    );
  });
  afterAll(async () => await opened.disposeAsync());

  async function openStore(
    bucket = BUCKET,
    clock: FakeClock = createClock({ sleepsAdvance: true }),
  ) {
    return await openS3Store({
      bucket,
      prefix: "reports/",
      forcePathStyle: true,
      createLink: async (key, fileName) => `https://links.example/${key}?${fileName}`,
      clock,
    });
  }

  /** A file of that size, no two parts of which are the same. */
  async function makeFile(name: string, sizeBytes: number): Promise<RenderedFile> {
    const path = join(folder, name);
    const hash = createHash("sha256");
    await using handle = await open(path, "w");
    for (let at = 0; at < sizeBytes; at += 1_000_000) {
      const block = Buffer.alloc(Math.min(1_000_000, sizeBytes - at), `${name} at ${at};`);
      hash.update(block);
      await handle.write(block);
    }
    const sha256 = hash.digest("hex");
    return { path, key: `report-1/f1-run-1/${name}`, mediaType: "text/csv", sizeBytes, sha256 };
  }

  async function storedHash(file: RenderedFile): Promise<string> {
    const { Body } = await client.send(
      new GetObjectCommand({ Bucket: BUCKET, Key: `reports/${file.key}` }),
    );
    const hash = createHash("sha256");
    for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk);
    return hash.digest("hex");
  }

  async function leftBehind(): Promise<{ uploads: number; keys: (string | undefined)[] }> {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    return { uploads: Uploads.length, keys: Contents.map(({ Key }) => Key) };
  }

  test("a file of one part is stored with its hash and its media type, and is read back", async () => {
    await using store = await openStore();
    const file = await makeFile("small.csv", 1_234);
    const { uri } = await store.put(file, never);
    expect(uri).toBe(`s3://${BUCKET}/reports/report-1/f1-run-1/small.csv`);
    const key = { Bucket: BUCKET, Key: `reports/${file.key}` };
    const head = await client.send(new HeadObjectCommand({ ...key, ChecksumMode: "ENABLED" }));
    expect(head).toMatchObject({
      ContentType: "text/csv",
      ContentLength: 1_234,
      Metadata: { sha256: file.sha256 },
      ChecksumSHA256: Buffer.from(file.sha256, "hex").toString("base64"),
    });
    const read = createHash("sha256")
      .update(await store.read(uri))
      .digest("hex");
    expect(read).toBe(file.sha256);
  });

  test("an empty file is a file", async () => {
    await using store = await openStore();
    const { uri } = await store.put(await makeFile("empty.csv", 0), never);
    expect(await store.read(uri)).toHaveLength(0);
  });

  test("200 MB go out in parts, byte for byte, in bounded memory", async () => {
    const file = await makeFile("large.csv", 200_000_000);
    const script = join(import.meta.dir, "measured-upload.ts");
    const environment = Object.entries(awsEnvironment(moto.url)).map(
      ([name, value]) => `${name}=${value}`,
    );
    const upload = [process.execPath, script, BUCKET, JSON.stringify(file)];
    const output = await runReader(["env", ...environment, ...upload]);
    const { grownBytes } = JSON.parse(output) as Measured;
    expect(await storedHash(file)).toBe(file.sha256);
    // Measured: 60 to 105 MB for files of 50 to 800 MB.
    expect(grownBytes).toBeLessThan(150_000_000);
    expect((await leftBehind()).uploads).toBe(0);
  });

  test("the same file twice is one file", async () => {
    await using store = await openStore();
    const file = await makeFile("twice.csv", 9_000_000);
    expect(await store.put(file, never)).toEqual(await store.put(file, never));
    expect(await storedHash(file)).toBe(file.sha256);
  });

  test.each([1_000, 20_000_000])(
    "%i bytes that are not those rendered are not stored",
    async (sizeBytes) => {
      await using store = await openStore();
      const file = await makeFile(`changed-${sizeBytes}.csv`, sizeBytes);
      const handle = await open(file.path, "r+");
      await handle.write(Buffer.from("!"), 0, 1, sizeBytes - 1);
      await handle.close();
      expect(store.put(file, never)).rejects.toMatchObject({
        code: "store_failed",
        message: expect.stringContaining("was changed on the disk"),
      });
      await store.put(file, never).catch(() => undefined);
      const { uploads, keys } = await leftBehind();
      expect(uploads).toBe(0);
      expect(keys).not.toContain(`reports/${file.key}`);
    },
  );

  test("an abort in the middle rejects with its reason and leaves nothing behind", async () => {
    await using store = await openStore();
    const file = await makeFile("aborted.csv", 60_000_000);
    const stop = new AbortController();
    const putting = store.put(file, stop.signal);
    // The first part is there, so parts are on their way.
    while ((await leftBehind()).uploads === 0) await Bun.sleep(5);
    stop.abort(new Error("told to stop"));
    expect(putting).rejects.toThrow("told to stop");
    await putting.catch(() => undefined);
    const { uploads, keys } = await leftBehind();
    expect(uploads).toBe(0);
    expect(keys).not.toContain(`reports/${file.key}`);
  });

  test("an abort before the first byte asks S3 for nothing", async () => {
    await using store = await openStore("no-such-bucket");
    const file = await makeFile("never.csv", 10);
    expect(store.put(file, AbortSignal.abort(new Error("told to stop")))).rejects.toThrow(
      "told to stop",
    );
  });

  test("a bucket that is not there is named, with the setting, and is not tried again", async () => {
    await using store = await openStore("no-such-bucket");
    const file = await makeFile("lost.csv", 10);
    expect(store.put(file, never)).rejects.toMatchObject({
      code: "store_failed",
      retryable: false,
      message: expect.stringMatching(
        /^s3:PutObject on the bucket no-such-bucket: there is no such bucket; correct REPORT_BUCKET \(NoSuchBucket: .*\)$/,
      ),
    });
  });

  test("a file that is gone is not tried again", async () => {
    await using store = await openStore();
    expect(store.read(`s3://${BUCKET}/reports/gone.csv`)).rejects.toMatchObject({
      code: "store_failed",
      retryable: false,
      message: expect.stringContaining("the file is no longer there"),
    });
    expect(store.read("file:///tmp/x.csv")).rejects.toMatchObject({
      message: "file:///tmp/x.csv is not in a bucket",
      retryable: false,
    });
  });

  test("a file that is gone from the disk is told by its key", async () => {
    await using store = await openStore();
    const file = await makeFile("unlinked.csv", 10);
    await rm(file.path);
    expect(store.put(file, never)).rejects.toMatchObject({
      code: "store_failed",
      message: expect.stringContaining("unlinked.csv cannot be read: ENOENT"),
    });
  });

  test("a link is asked for by key and name", async () => {
    await using store = await openStore();
    const file = await makeFile("linked.csv", 10);
    const { uri } = await store.put(file, never);
    const artifact = { ...file, format: "CSV", fileName: "linked.csv", uri, rowCount: 1 } as const;
    expect(await store.link(artifact)).toBe(
      `https://links.example/reports/report-1/f1-run-1/linked.csv?linked.csv`,
    );
  });

  test("a part that S3 does not take is sent again by itself", async () => {
    let refusals = 2;
    await using between = await standBetween(moto.url, ({ url }) => {
      if (url.searchParams.get("partNumber") !== "2" || refusals === 0) return "pass";
      refusals -= 1;
      return SLOW_DOWN;
    });
    await using store = await openStore();
    const file = await makeFile("again.csv", 24_000_000);
    await store.put(file, never);
    expect(await storedHash(file)).toBe(file.sha256);
    expect([1, 2, 3].map(between.sentPart)).toEqual([1, 3, 1]);
  });

  /** The first requests that match are treated so, one after the other. */
  function inTurn(matches: (passing: Passing) => boolean, treatments: readonly Treatment[]) {
    const left = [...treatments];
    return (passing: Passing): Treatment => (matches(passing) ? (left.shift() ?? "pass") : "pass");
  }

  const isPart =
    (number: number) =>
    ({ url }: Passing): boolean =>
      url.searchParams.get("partNumber") === String(number);
  const isCreation = ({ method, url }: Passing): boolean =>
    method === "POST" && url.searchParams.has("uploads");
  const isCompletion = ({ method, url }: Passing): boolean =>
    method === "POST" && url.searchParams.has("uploadId");

  describe("an outage", () => {
    const outage: Treatment[] = ["drop", "drop", "drop", SLOW_DOWN, SLOW_DOWN, SLOW_DOWN];

    test("is waited out, and the parts that S3 has are not sent again", async () => {
      await using between = await standBetween(moto.url, inTurn(isPart(2), outage));
      const clock = createClock({ sleepsAdvance: true });
      await using store = await openStore(BUCKET, clock);
      const file = await makeFile("outage.csv", 60_000_000);
      await store.put(file, never);
      expect(await storedHash(file)).toBe(file.sha256);
      expect([1, 2, 3, 4, 5, 6, 7, 8].map(between.sentPart)).toEqual([1, 7, 1, 1, 1, 1, 1, 1]);
      // Three quarters of 0.25 + 0.5 + 1 + 2 + 4 + 8 s, since the clock draws the middle of each.
      expect(clock.monotonicMs()).toBeCloseTo(0.75 * 15_750, -1);
      expect((await leftBehind()).uploads).toBe(0);
    });

    test.each([
      ["the first request", isCreation],
      ["the last request", isCompletion],
    ])("of %s is waited out", async (name, matches) => {
      await using between = await standBetween(moto.url, inTurn(matches, outage));
      await using store = await openStore();
      const file = await makeFile(`outage of ${name}.csv`, 9_000_000);
      await store.put(file, never);
      expect(await storedHash(file)).toBe(file.sha256);
      expect([1, 2].map(between.sentPart)).toEqual([1, 1]);
      expect((await leftBehind()).uploads).toBe(0);
    });

    test("is waited out by a file of one part", async () => {
      await using between = await standBetween(
        moto.url,
        inTurn(() => true, outage),
      );
      await using store = await openStore();
      const file = await makeFile("outage-small.csv", 1_000);
      await store.put(file, never);
      expect(await storedHash(file)).toBe(file.sha256);
      expect(between.seen.filter((one) => one.startsWith("PUT"))).toHaveLength(7);
    });

    test("of more than two minutes is given up, and what was sent is removed", async () => {
      const broken = (passing: Passing) => (isCompletion(passing) ? SLOW_DOWN : "pass");
      await using between = await standBetween(moto.url, broken);
      const clock = createClock({ sleepsAdvance: true });
      await using store = await openStore(BUCKET, clock);
      const file = await makeFile("given-up.csv", 20_000_000);
      expect(await store.put(file, never).catch((error: unknown) => error)).toMatchObject({
        code: "store_failed",
        retryable: true,
        message:
          "s3:PutObject on the bucket report-files: AWS throttles it; it is tried again later (SlowDown: Reduce your request rate.)",
      });
      expect(clock.monotonicMs()).toBeGreaterThanOrEqual(120_000);
      expect(clock.monotonicMs()).toBeLessThan(135_000);
      expect([1, 2, 3].map(between.sentPart)).toEqual([1, 1, 1]);
      expect((await leftBehind()).uploads).toBe(0);
    });

    test("of one part for good stops the others at once, and none of them arrives after the removal", async () => {
      const denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
      await using between = await standBetween(moto.url, (passing) =>
        isPart(1)(passing) ? { status: 403, body: denied } : "pass",
      );
      await using store = await openStore();
      const file = await makeFile("stopped-by-one.csv", 60_000_000);
      expect(await store.put(file, never).catch((error: unknown) => error)).toMatchObject({
        code: "store_failed",
        retryable: false,
      });
      expect(between.sentPart(1)).toBe(1);
      expect([6, 7, 8].map(between.sentPart)).toEqual([0, 0, 0]);
      const methods = between.seen.map((one) => one.split(" ")[0]);
      expect(methods.lastIndexOf("PUT")).toBeLessThan(methods.indexOf("DELETE"));
      expect((await leftBehind()).uploads).toBe(0);
    });

    test("that is not over when an upload is stopped does not hold up the end", async () => {
      await using _between = await standBetween(moto.url, (passing) =>
        isPart(2)(passing) ? "drop" : "pass",
      );
      const clock = createClock();
      await using store = await openStore(BUCKET, clock);
      const stop = new AbortController();
      const putting = store.put(await makeFile("stopped.csv", 20_000_000), stop.signal);
      await until(() => clock.sleeping === 1);
      expect((await leftBehind()).uploads).toBe(1);
      stop.abort(new Error("told to stop"));
      expect(await putting.catch((error: unknown) => error)).toEqual(new Error("told to stop"));
      expect(clock.monotonicMs()).toBe(0);
      expect((await leftBehind()).uploads).toBe(0);
    });

    test("in which the parts cannot be removed leaves them to the lifecycle, and says so", async () => {
      const isOut = (passing: Passing) => isPart(2)(passing) || passing.method === "DELETE";
      await using _between = await standBetween(moto.url, (passing) =>
        isOut(passing) ? SLOW_DOWN : "pass",
      );
      await using store = await openStore();
      const file = await makeFile("stays.csv", 20_000_000);
      expect(await store.put(file, never).catch((error: unknown) => error)).toMatchObject({
        code: "store_failed",
        retryable: true,
        message: expect.stringMatching(
          /SlowDown: Reduce your request rate\.\); its parts stay in the bucket: s3:AbortMultipartUpload on the bucket report-files: AWS throttles it/,
        ),
      });
      const { Uploads = [] } = await client.send(
        new ListMultipartUploadsCommand({ Bucket: BUCKET }),
      );
      for (const { Key, UploadId } of Uploads) {
        await client.send(new AbortMultipartUploadCommand({ Bucket: BUCKET, Key, UploadId }));
      }
    });
  });

  describe("an end of an upload whose answer was lost", () => {
    const gone = {
      status: 404,
      body: "<Error><Code>NoSuchUpload</Code><Message>The specified upload does not exist.</Message></Error>",
    };

    test("is asked for again", async () => {
      await using between = await standBetween(moto.url, inTurn(isCompletion, ["lose"]));
      await using store = await openStore();
      const file = await makeFile("completed-again.csv", 20_000_000);
      await store.put(file, never);
      expect(await storedHash(file)).toBe(file.sha256);
      expect(between.seen.filter((one) => /^(HEAD|DELETE)/.test(one))).toEqual([]);
    });

    test("is found out by looking at the object when S3 has forgotten the upload", async () => {
      await using between = await standBetween(moto.url, inTurn(isCompletion, ["lose", gone]));
      await using store = await openStore();
      const file = await makeFile("completed.csv", 20_000_000);
      await store.put(file, never);
      expect(await storedHash(file)).toBe(file.sha256);
      expect(between.seen.filter((one) => one.startsWith("HEAD"))).toHaveLength(1);
      expect(between.seen.filter((one) => one.startsWith("DELETE"))).toEqual([]);
      expect((await leftBehind()).uploads).toBe(0);
    });

    test("is found out when the look fails at first", async () => {
      const look = inTurn(({ method }) => method === "HEAD", ["drop", { status: 503, body: "" }]);
      const end = inTurn(isCompletion, ["lose", gone, gone, gone]);
      await using _between = await standBetween(moto.url, (passing) => {
        const treatment = end(passing);
        return treatment === "pass" ? look(passing) : treatment;
      });
      await using store = await openStore();
      const file = await makeFile("completed-unseen.csv", 9_000_000);
      await store.put(file, never);
      expect(await storedHash(file)).toBe(file.sha256);
    });

    test.each(["nothing", "another file", "what may not be looked at"])(
      "is no end when %s is there, and the file is stored anew later",
      async (there) => {
        const isHidden = there === "what may not be looked at";
        await using _between = await standBetween(moto.url, (passing) => {
          if (isCompletion(passing)) return gone;
          // S3's answer to who may not list the bucket.
          return isHidden && passing.method === "HEAD" ? { status: 403, body: "" } : "pass";
        });
        await using store = await openStore();
        const file = await makeFile(`gone-${there}.csv`, 9_000_000);
        const key = `reports/${file.key}`;
        if (there === "another file") {
          // As long as the file, and not the file.
          await client.send(
            new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: Buffer.alloc(9_000_000) }),
          );
        }
        expect(await store.put(file, never).catch((error: unknown) => error)).toMatchObject({
          code: "store_failed",
          retryable: true,
          message: `the upload of ${key} is gone from the bucket ${BUCKET}, and the object is not there; it is stored anew later`,
        });
        expect((await leftBehind()).uploads).toBe(0);
      },
    );
  });

  test.each([
    ["a part", (url: URL) => url.searchParams.get("partNumber") === "2"],
    [
      "the last request",
      (url: URL) => url.searchParams.has("uploadId") && !url.searchParams.has("partNumber"),
    ],
  ])("when %s fails for good, the parts are removed", async (_, matches) => {
    const denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    await using _between = await standBetween(moto.url, ({ method, url }) =>
      method !== "DELETE" && matches(url) ? { status: 403, body: denied } : "pass",
    );
    await using store = await openStore();
    const file = await makeFile("failed.csv", 20_000_000);
    expect(store.put(file, never)).rejects.toMatchObject({
      code: "store_failed",
      retryable: false,
      message:
        "s3:PutObject on the bucket report-files: this role may not; allow s3:PutObject on it (AccessDenied: Access Denied)",
    });
    await store.put(file, never).catch(() => undefined);
    expect((await leftBehind()).uploads).toBe(0);
  });

  test("a bucket in another region says so", async () => {
    const moved =
      "<Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must be addressed using the specified endpoint.</Message><Endpoint>x.s3-us-west-2.amazonaws.com</Endpoint></Error>";
    await using _between = await standBetween(moto.url, () => ({ status: 301, body: moved }));
    await using store = await openStore();
    expect(store.put(await makeFile("moved.csv", 10), never)).rejects.toMatchObject({
      code: "store_failed",
      retryable: false,
      message: expect.stringContaining(
        "s3:PutObject on the bucket report-files: it is in another region; set AWS_REGION to the bucket's",
      ),
    });
  });

  test("a role that may not store is told which permission it lacks", async () => {
    const file = await makeFile("denied.csv", 10);
    const problem = await moto.asNobody(async () => {
      await using store = await openStore();
      return await store.put(file, never).catch((error: unknown) => error);
    });
    expect(problem).toMatchObject({
      code: "store_failed",
      retryable: false,
      message: expect.stringMatching(
        /^s3:PutObject on the bucket report-files: this role may not; allow s3:PutObject on it \(AccessDenied: /,
      ),
    });
  });

  test("nobody who answers is tried again later", async () => {
    using _nobody = useAws("http://127.0.0.1:9");
    await using store = await openStore();
    const file = await makeFile("unreachable.csv", 10);
    expect(await store.put(file, never).catch((error: unknown) => error)).toMatchObject({
      code: "store_failed",
      retryable: true,
      message: expect.stringContaining("AWS does not answer as it should; it is tried again later"),
    });
  });
});
