import type { S3Client } from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { messageOf, ReportError } from "../report/errors.ts";
import type { RenderedFile } from "../worker/ports.ts";
import { createPatience, type PatienceClock } from "./patience.ts";
import { bucketCall, checkHash, describeObject, type Sending } from "./s3-object.ts";
import { PART_BYTES, putInParts } from "./s3-parts.ts";

interface Place {
  readonly bucket: string;
  readonly key: string;
}

/**
 * How long an outage of S3 or of the way to it is borne before the upload, and with it the query of its run, is given up.
 * Longer than a failover, a burst of throttling or a renewal of credentials takes; with the last request still within
 * the ten minutes after which work that does not move is taken for a hang (src/heartbeat-thread.ts).
 */
const PATIENCE_MS = 2 * 60_000;

/**
 * Sends a file in parts, or at once when it is one part. The parts are made visible as one object only after the bytes
 * read are found to have the hash of the file as it was rendered; S3 compares the hash of each part. What fails and can
 * pass is tried again for `PATIENCE_MS`, and the parts that S3 has by then are kept. When it is given up or `signal` is
 * aborted, the parts are removed before the failure is passed on. `client` has to try once.
 * (lib-storage's Upload does not wait for that, nor does it remove the parts when the last request fails.)
 *
 * Another process never goes on with an upload: a later attempt renders anew, under a new fence and so a new key, and the
 * bucket's lifecycle removes what a process that died has left.
 */
export async function uploadFile(
  client: S3Client,
  place: Place,
  file: RenderedFile,
  clock: PatienceClock,
  signal: AbortSignal,
): Promise<void> {
  await using handle = await openFile(file);
  const patience = createPatience(bucketCall("s3:PutObject", place.bucket), clock, PATIENCE_MS);
  const sending = { client, ...place, file, handle, patience, clock, signal };
  if (file.sizeBytes <= PART_BYTES) await putAtOnce(sending);
  else await putInParts(sending);
}

/** S3 compares the hash itself: it refuses bytes that are not those that were rendered. */
async function putAtOnce(sending: Sending): Promise<void> {
  const { client, file, handle, patience, signal } = sending;
  const { PutObjectCommand } = await import("@aws-sdk/client-s3");
  const body = await handle.readFile();
  checkHash(file, createHash("sha256").update(body).digest("hex"));
  const checksum = Buffer.from(file.sha256, "hex").toString("base64");
  const input = {
    ...describeObject(sending),
    Body: body,
    ChecksumAlgorithm: "SHA256",
    ChecksumSHA256: checksum,
  } as const;
  await patience.attempt(
    () => client.send(new PutObjectCommand(input), { abortSignal: signal }),
    signal,
  );
}

async function openFile(file: RenderedFile): Promise<FileHandle> {
  try {
    return await open(file.path, "r");
  } catch (thrown) {
    throw new ReportError("store_failed", `${file.key} cannot be read: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}
