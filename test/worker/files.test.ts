import { DEFAULT_PRESENTATION } from "../../src/render/renderer.ts";
import { describe, expect, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { CreateRenderer, RenderContext } from "../../src/render/renderer.ts";
import { defaultOptions } from "../../src/report/options.ts";
import { renderFiles } from "../../src/worker/files.ts";
import { plainRenderers } from "../support/fakes.ts";
import { anError, aTable } from "../support/factories.ts";
import { createWorld, type World } from "../support/world.ts";

const CONTEXT: RenderContext = {
  reportName: "Sales",
  runId: "run-1",
  queryId: "query-1",
  rowCount: 2,
  parameters: {},
  generatedAt: new Date(0),
  dataAsOf: new Date(0),
  timezone: "UTC",
  options: defaultOptions(),
  presentation: DEFAULT_PRESENTATION,
};

async function render(world: World, renderer: CreateRenderer, context = CONTEXT, table = aTable()) {
  return await renderFiles(table, ["CSV"], context, {
    renderers: plainRenderers({ CSV: renderer }),
    folder: join(world.settings.scratchFolder, "run-1"),
    naming: { configId: "id-1", fence: 3, runId: "run-1", reportName: "Sales", asOf: new Date(0) },
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
}

/** Writes what it is told to, through one buffer that it uses again and again. */
function writing(...sizes: number[]): { renderer: CreateRenderer; written: () => Uint8Array } {
  const chunks: Uint8Array[] = [];
  const renderer: CreateRenderer = (_context, sink) => {
    const buffer = new Uint8Array(Math.max(...sizes));
    let rowCount = 0;
    return {
      begin: async () => {
        for (const [index, size] of sizes.entries()) {
          const bytes = buffer.subarray(0, size).fill(index + 1);
          chunks.push(bytes.slice());
          const wait = sink.write(bytes);
          buffer.fill(0xff);
          await wait;
        }
      },
      rows: (batch) => void (rowCount += batch.length),
      finish: async () => await Promise.resolve({ rowCount, warnings: [] }),
    };
  };
  return { renderer, written: () => Buffer.concat(chunks) };
}

const MEBIBYTE = 1 << 20;

describe("a file on disk", () => {
  test.each([
    ["nothing", [0]],
    ["less than the buffer", [1, 10, 100]],
    ["exactly the buffer", [MEBIBYTE]],
    ["the buffer and one", [MEBIBYTE, 1]],
    ["more than the buffer at once", [10, MEBIBYTE + 10, 10]],
    ["many buffers", [700_000, 700_000, 700_000, 3 * MEBIBYTE, 5]],
    ["more than a disk takes at once", Array.from({ length: 80 }, () => 700_000)],
  ])("holds %s, with the size and the hash of it", async (_what, sizes) => {
    await using world = await createWorld();
    const { renderer, written } = writing(...sizes);
    const [file] = await render(world, renderer);
    const bytes = await Bun.file(file?.path ?? "").bytes();
    expect(Buffer.compare(bytes, written())).toBe(0);
    expect(file?.sizeBytes).toBe(bytes.byteLength);
    expect(file?.sha256).toBe(new Bun.CryptoHasher("sha256").update(bytes).digest("hex"));
  });

  // Every write to /dev/full fails as on a full disk; that of the last bytes is waited for, too.
  test.each([10, 3 * MEBIBYTE])("that has no room for its %d bytes fails the run", async (size) => {
    await using world = await createWorld();
    const folder = join(world.settings.scratchFolder, "run-1");
    await mkdir(folder, { recursive: true });
    await symlink("/dev/full", join(folder, "sales-1970-01-01.csv"));
    const failing = render(world, writing(size).renderer);
    expect(await failing.catch((thrown: unknown) => thrown)).toMatchObject({
      code: "render_failed",
      message: "CSV: the disk is full",
      retryable: true,
    });
  });

  test("is named after the report, and its key after the claim", async () => {
    await using world = await createWorld();
    const [file] = await render(world, writing(1).renderer);
    expect(file).toMatchObject({
      fileName: "sales-1970-01-01.csv",
      key: "id-1/f3-run-1/sales-1970-01-01.csv",
      mediaType: "text/csv; charset=utf-8",
    });
  });

  test("that the options ask to compress is named and typed so", async () => {
    await using world = await createWorld();
    const options = { ...defaultOptions(), csv: { ...defaultOptions().csv, gzip: true } };
    const [file] = await render(world, writing(1).renderer, { ...CONTEXT, options });
    expect(file).toMatchObject({
      fileName: "sales-1970-01-01.csv.gz",
      mediaType: "application/gzip",
    });
  });
});

test("a ReportError of a renderer keeps its code, anything else is render_failed with the format", async () => {
  await using world = await createWorld();
  const throwing =
    (fault: Error): CreateRenderer =>
    () => ({
      begin: () => {
        throw fault;
      },
      rows: () => undefined,
      finish: async () => await Promise.resolve({ rowCount: 0, warnings: [] }),
    });
  const errorOf = async (fault: Error): Promise<unknown> =>
    await render(world, throwing(fault)).catch((thrown: unknown) => thrown);
  expect(await errorOf(anError("too_many_rows"))).toMatchObject({ code: "too_many_rows" });
  expect(await errorOf(new RangeError("no"))).toMatchObject({
    code: "render_failed",
    message: "CSV: no",
    retryable: false,
  });
});

test("an error of the table ends the rendering with its own code", async () => {
  await using world = await createWorld();
  const table = aTable({ reported: 5 });
  const failing = render(world, writing(1).renderer, CONTEXT, table);
  expect(await failing.catch((thrown: unknown) => thrown)).toMatchObject({ code: "rows_missing" });
});
