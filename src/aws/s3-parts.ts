import type { CompletedPart } from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { ReportError } from "../report/errors.ts";
import { explainAws } from "./failure.ts";
import { createPatience } from "./patience.ts";
import { bucketCall, checkHash, describeObject, type Sending } from "./s3-object.ts";

/** 8 MB a part and two at a time: the 10,000 parts that S3 allows are 80 GB, and about 32 MB are in memory. */
export const PART_BYTES = 8_000_000;
const PARTS_AT_ONCE = 2;

/** See `uploadFile`. An upload that was begun without an answer has no parts, and goes with the bucket's lifecycle. */
export async function putInParts(sending: Sending): Promise<void> {
  const { client, bucket, key, patience, signal } = sending;
  const { CreateMultipartUploadCommand } = await import("@aws-sdk/client-s3");
  const input = { ...describeObject(sending), ChecksumAlgorithm: "SHA256" } as const;
  const { UploadId } = await patience.attempt(
    () => client.send(new CreateMultipartUploadCommand(input), { abortSignal: signal }),
    signal,
  );
  const upload = { Bucket: bucket, Key: key, UploadId };
  try {
    await complete(sending, upload, await sendParts(sending, upload));
  } catch (error) {
    throw await removeParts(sending, upload, error);
  }
}

interface StartedUpload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

interface SentPart extends CompletedPart {
  readonly PartNumber: number;
  readonly ChecksumSHA256: string;
}

/** In order of their numbers. Ends when every part that was begun has ended, so that none arrives after the removal. */
async function sendParts(sending: Sending, upload: StartedUpload): Promise<SentPart[]> {
  const hash = createHash("sha256");
  const failed = new AbortController();
  const stop = AbortSignal.any([sending.signal, failed.signal]);
  const sent: SentPart[] = [];
  const source = readParts(sending.handle, (bytes) => hash.update(bytes));
  const lanes = Array.from({ length: PARTS_AT_ONCE }, async () => {
    for await (const part of source) {
      sent.push(await sendPart(sending, upload, part, stop));
      part.release();
    }
  });
  // A failure stops the other lanes at once, instead of letting them send parts that nobody needs.
  for (const lane of lanes) lane.catch((reason: unknown) => failed.abort(reason));
  await Promise.allSettled(lanes);
  failed.signal.throwIfAborted();
  checkHash(sending.file, hash.digest("hex"));
  return sent.toSorted((a, b) => a.PartNumber - b.PartNumber);
}

interface Part {
  readonly number: number;
  readonly bytes: Uint8Array;
  /** The bytes may be written over. */
  readonly release: () => void;
}

/** Several may read from it: a generator gives one part after the other, whoever asks. */
async function* readParts(
  handle: FileHandle,
  onRead: (bytes: Uint8Array) => void,
): AsyncGenerator<Part> {
  const free: Buffer[] = [];
  for (let number = 1; ; number += 1) {
    const buffer = free.pop() ?? Buffer.allocUnsafe(PART_BYTES);
    const bytes = await readFully(handle, buffer);
    if (bytes.length === 0) return;
    onRead(bytes);
    yield { number, bytes, release: () => void free.push(buffer) };
  }
}

/** As much as there is: a single read may give less than it was asked for before the end of the file. */
async function readFully(handle: FileHandle, buffer: Buffer): Promise<Buffer> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

async function sendPart(
  { client, patience }: Sending,
  upload: StartedUpload,
  { number, bytes }: Part,
  signal: AbortSignal,
): Promise<SentPart> {
  const { UploadPartCommand } = await import("@aws-sdk/client-s3");
  const ChecksumSHA256 = createHash("sha256").update(bytes).digest("base64");
  const input = {
    ...upload,
    PartNumber: number,
    Body: bytes,
    ChecksumAlgorithm: "SHA256",
    ChecksumSHA256,
  } as const;
  const { ETag } = await patience.attempt(
    () => client.send(new UploadPartCommand(input), { abortSignal: signal }),
    signal,
  );
  return { PartNumber: number, ETag, ChecksumSHA256 };
}

/** S3 no longer knows an upload that it has completed: when that answer was lost, the object is looked at. */
async function complete(
  sending: Sending,
  upload: StartedUpload,
  parts: readonly SentPart[],
): Promise<void> {
  const { client, patience, signal } = sending;
  const { CompleteMultipartUploadCommand, NoSuchUpload } = await import("@aws-sdk/client-s3");
  const input = { ...upload, MultipartUpload: { Parts: [...parts] } };
  await patience.attempt(async () => {
    try {
      await client.send(new CompleteMultipartUploadCommand(input), { abortSignal: signal });
    } catch (thrown) {
      if (!(thrown instanceof NoSuchUpload)) throw thrown;
      if (await isStored(sending, parts)) return;
      const reason = `the upload of ${upload.Key} is gone from the bucket ${upload.Bucket}, and the object is not there; it is stored anew later`;
      throw new ReportError("store_failed", reason, { cause: thrown, retryable: true });
    }
  }, signal);
}

/** Whether these parts are the object. Without s3:ListBucket, which a worker has no need of, S3 denies what is not there. */
async function isStored(
  { client, bucket, key, file, signal }: Sending,
  parts: readonly SentPart[],
): Promise<boolean> {
  const { HeadObjectCommand, S3ServiceException } = await import("@aws-sdk/client-s3");
  const command = new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: "ENABLED" });
  try {
    const found = await client.send(command, { abortSignal: signal });
    // Behind the hash stands how many parts there were, which not every emulator says.
    const [sha256] = (found.ChecksumSHA256 ?? "").split("-");
    return found.ContentLength === file.sizeBytes && sha256 === hashOfParts(parts);
  } catch (thrown) {
    const status =
      thrown instanceof S3ServiceException ? thrown.$metadata.httpStatusCode : undefined;
    if (status === 403 || status === 404) return false;
    throw thrown;
  }
}

/**
 * The hash of the parts' hashes.
 * Source: docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html, composite checksums
 */
function hashOfParts(parts: readonly SentPart[]): string {
  const hash = createHash("sha256");
  for (const { ChecksumSHA256 } of parts) hash.update(Buffer.from(ChecksumSHA256, "base64"));
  return hash.digest("base64");
}

/** Of the 30 s that a worker that stops has left when it drops an upload, for it has to give its report back as well. */
const REMOVAL_MS = 10_000;

/** Gives back why, and when even the removal fails, both: the bucket's lifecycle then has to remove the parts. */
async function removeParts(
  { client, clock }: Sending,
  upload: StartedUpload,
  why: unknown,
): Promise<unknown> {
  const { AbortMultipartUploadCommand, NoSuchUpload } = await import("@aws-sdk/client-s3");
  const call = bucketCall("s3:AbortMultipartUpload", upload.Bucket);
  const signal = AbortSignal.timeout(REMOVAL_MS);
  const remove = () =>
    client.send(new AbortMultipartUploadCommand(upload), { abortSignal: signal });
  try {
    await createPatience(call, clock, REMOVAL_MS).attempt(remove, signal);
    return why;
  } catch (thrown) {
    if (thrown instanceof NoSuchUpload) return why;
    const removal = explainAws(call, thrown);
    const first =
      why instanceof ReportError ? why : explainAws(bucketCall("s3:PutObject", upload.Bucket), why);
    const { retryable } = first;
    const message = `${first.message}; its parts stay in the bucket: ${removal.message}`;
    return new ReportError("store_failed", message, { cause: why, retryable });
  }
}
