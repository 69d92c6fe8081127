import { resolve } from "node:path";
import { ReportError } from "../report/errors.ts";
import type { Presentation } from "./renderer.ts";

/** Where a deployment's looks come from; null: the default. */
export interface PresentationSettings {
  readonly logoFile: string | null;
  readonly accentColor: string;
  readonly fontsFolder: string | null;
}

/** Throws ReportError `configuration` for a logo that is not there or is no PNG or JPEG. */
export async function loadPresentation(settings: PresentationSettings): Promise<Presentation> {
  const { accentColor, fontsFolder, logoFile } = settings;
  return {
    accentColor,
    fontsFolder: fontsFolder === null ? null : resolve(fontsFolder),
    logo: logoFile === null ? null : await loadLogo(resolve(logoFile)),
  };
}

async function loadLogo(path: string): Promise<NonNullable<Presentation["logo"]>> {
  const file = Bun.file(path);
  if (!(await file.exists())) {
    throw new ReportError("configuration", `REPORT_LOGO: ${path} does not exist`);
  }
  const bytes = await file.bytes();
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return { bytes, mediaType: "image/png" };
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return { bytes, mediaType: "image/jpeg" };
  throw new ReportError("configuration", `REPORT_LOGO: ${path} is neither a PNG nor a JPEG file`);
}
