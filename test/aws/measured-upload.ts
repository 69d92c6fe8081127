/** Stores a file in S3 in a process of its own, and prints by how much its memory grew: `bun measured-upload.ts BUCKET FILE`. */
import { openS3Store } from "../../src/aws/s3-store.ts";
import type { RenderedFile } from "../../src/worker/ports.ts";
import { createClock } from "../support/clock.ts";

export interface Measured {
  readonly grownBytes: number;
}

const [bucket = "", file = ""] = process.argv.slice(2);
await using store = await openS3Store({
  bucket,
  prefix: "reports/",
  forcePathStyle: true,
  createLink: async () => "",
  clock: createClock({ sleepsAdvance: true }),
});
Bun.gc(true);
const before = process.memoryUsage.rss();
let peak = before;
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 10);
await store.put(JSON.parse(file) as RenderedFile, new AbortController().signal);
clearInterval(watch);
process.stdout.write(JSON.stringify({ grownBytes: peak - before } satisfies Measured));
