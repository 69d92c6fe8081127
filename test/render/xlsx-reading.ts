import { expect } from "bun:test";
import exceljs from "exceljs";
import { crc32, inflateRawSync } from "node:zlib";
import type { Column, Row } from "../../src/report/table.ts";
import type { RenderContext } from "../../src/render/renderer.ts";
import { createXlsxRenderer } from "../../src/render/xlsx/renderer.ts";
import { options, render } from "./rendering.ts";

/** The parts of a zip, read from the front: every local header, every descriptor and the directory must agree. Pictures as latin1. */
export function readParts(zip: Uint8Array): Map<string, string> {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const end = zip.length - 22;
  expect(view.getUint32(end, true)).toBe(0x06054b50);
  const count = view.getUint16(end + 10, true);
  let directoryAt = view.getUint32(end + 16, true);
  expect(directoryAt + view.getUint32(end + 12, true)).toBe(end);
  const parts = new Map<string, string>();
  let at = 0;
  for (let index = 0; index < count; index++) {
    expect(view.getUint32(directoryAt, true)).toBe(0x02014b50);
    expect(view.getUint32(directoryAt + 42, true)).toBe(at);
    expect(view.getUint32(at, true)).toBe(0x04034b50);
    const nameLength = view.getUint16(at + 26, true);
    const partName = new TextDecoder().decode(zip.subarray(at + 30, at + 30 + nameLength));
    const deflatedSize = view.getUint32(directoryAt + 20, true);
    const start = at + 30 + nameLength;
    const bytes = inflateRawSync(zip.subarray(start, start + deflatedSize));
    at = start + deflatedSize;
    expect(view.getUint32(at, true)).toBe(0x08074b50);
    for (const [field, value] of [crc32(bytes), deflatedSize, bytes.length].entries()) {
      expect(view.getUint32(at + 4 + 4 * field, true)).toBe(value);
      expect(view.getUint32(directoryAt + 16 + 4 * field, true)).toBe(value);
    }
    const isText = /\.(xml|rels)$/.test(partName);
    const text = isText
      ? new TextDecoder("utf-8", { fatal: true }).decode(bytes)
      : bytes.toString("latin1");
    parts.set(partName, text);
    at += 16;
    directoryAt += 46 + nameLength;
  }
  return parts;
}

/** The file of these rows, read back by exceljs, whose XML parser is strict. */
export async function renderSheet(
  columns: readonly Column[],
  rows: readonly Row[],
  json: object = {},
  facts: Partial<RenderContext> = {},
  sheetRowsMax?: number,
) {
  const { bytes, summary } = await render(
    (context, sink) => createXlsxRenderer(context, sink, sheetRowsMax),
    columns,
    rows,
    {
      options: options(json),
      ...facts,
    },
  );
  const workbook = new exceljs.Workbook();
  await workbook.xlsx.load(new Uint8Array(bytes).buffer);
  const sheet = workbook.worksheets[0];
  if (sheet === undefined) throw new Error("no sheet");
  const counts = Object.fromEntries(summary.warnings.map(({ code, count }) => [code, count]));
  return { bytes, parts: readParts(bytes), workbook, sheet, counts, summary };
}
