/** The deployment's logo, embedded by pdf-lib. */
import { inflateSync } from "node:zlib";
import { JpegEmbedder, PngEmbedder, type PDFRef } from "pdf-lib";
import type { Presentation, RenderWarning } from "../renderer.ts";
import type { ObjectWriter } from "./object-writer.ts";

export interface EmbeddedLogo {
  readonly ref: PDFRef;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

/** A PNG is decoded in memory with 4 bytes for each pixel, and again for its transparency. */
const PIXELS_MAX = 4_000_000;
/** 16 bits for each of four channels, and a byte for each line. */
const BYTES_PER_PIXEL_MAX = 9;
const SIGNATURE_BYTES = 8;

/** Writes the logo's objects; a file that is no picture is a warning, for a report without its logo is still one. */
export async function embedLogo(
  logo: Presentation["logo"],
  writer: ObjectWriter,
): Promise<{ logo: EmbeddedLogo | null; warnings: RenderWarning[] }> {
  if (logo === null) return { logo: null, warnings: [] };
  try {
    const embedder = await openPicture(logo);
    const ref = await writer.adopt((context) => embedder.embedIntoContext(context));
    return { logo: { ref, width: embedder.width, height: embedder.height }, warnings: [] };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `The logo cannot be read and is not shown: ${reason.slice(0, 200)}.`;
    return { logo: null, warnings: [{ code: "logo_unreadable", count: 1, message }] };
  }
}

async function openPicture({
  bytes,
  mediaType,
}: NonNullable<Presentation["logo"]>): Promise<JpegEmbedder | PngEmbedder> {
  // The embedders read the whole buffer below the array.
  const own = Uint8Array.from(bytes);
  if (mediaType === "image/png") checkPng(own);
  const embedder = await (mediaType === "image/png" ? PngEmbedder : JpegEmbedder).for(own);
  if (embedder.width < 1 || embedder.height < 1) throw new Error("the picture is empty");
  return embedder;
}

/**
 * Throws for a PNG that is not whole: the decoder of pdf-lib never ends on pixels that were cut. Chunks are a length,
 * a type of four letters, data and a checksum; the first has width and height (PNG specification, §5.3 and §11.2.1).
 */
function checkPng(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer);
  if (view.getUint32(16) * view.getUint32(20) > PIXELS_MAX) {
    throw new Error("it has too many pixels");
  }
  const pixels: Uint8Array[] = [];
  let type = "";
  for (let at = SIGNATURE_BYTES; type !== "IEND";) {
    const length = view.getUint32(at);
    const data = at + 8;
    if (data + length + 4 > bytes.length) throw new Error("it ends too early");
    type = String.fromCharCode(...bytes.subarray(at + 4, data));
    if (type === "IDAT") pixels.push(bytes.subarray(data, data + length));
    at = data + length + 4;
  }
  inflateSync(Buffer.concat(pixels), { maxOutputLength: PIXELS_MAX * BYTES_PER_PIXEL_MAX });
}
