import { ReportError } from "../../report/errors.ts";
import type { Presentation } from "../renderer.ts";

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Pixels of a PNG or JPEG. Throws ReportError `configuration` for one that is damaged. */
export function measureImage({ bytes, mediaType }: NonNullable<Presentation["logo"]>): ImageSize {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = mediaType === "image/png" ? measurePng(view) : measureJpeg(view);
  if (size === null || size.width === 0 || size.height === 0) {
    throw new ReportError("configuration", "REPORT_LOGO: the picture is damaged");
  }
  return size;
}

/** The picture at most this large, with its proportions. */
export function fitImage({ width, height }: ImageSize, max: ImageSize): ImageSize {
  const factor = Math.min(1, max.width / width, max.height / height);
  return {
    width: Math.max(1, Math.round(width * factor)),
    height: Math.max(1, Math.round(height * factor)),
  };
}

/** The IHDR chunk comes first. Source: PNG specification, 5.6 and 11.2.1. */
function measurePng(view: DataView): ImageSize | null {
  if (view.byteLength < 24) return null;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** Finds the frame header (SOF). Source: ITU-T T.81, B.1.1.3 and B.2.2. */
function measureJpeg(view: DataView): ImageSize | null {
  for (let at = 2; at + 9 <= view.byteLength; at += 2 + view.getUint16(at + 2)) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    }
  }
  return null;
}
