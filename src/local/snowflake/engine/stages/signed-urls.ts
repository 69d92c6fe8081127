/** URLs that lead to one staged file for a while, whoever has them: the stage, the path, the expiry, a signature. */

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { SignedFiles } from "../../engine.ts";
import { EngineError } from "../../engine.ts";
import type { Catalog } from "../catalog.ts";
import type { StageEntry } from "./stage-entry.ts";
import type { StageFiles } from "./stage-files.ts";

const PATH = "/stage-files/";

export class SignedUrls implements SignedFiles {
  /** New with each start: no URL outlives the server. */
  private readonly key = randomBytes(32);
  private readonly catalog: Catalog;
  private readonly files: StageFiles;
  private origin: string | null = null;

  constructor(catalog: Catalog, files: StageFiles) {
    this.catalog = catalog;
    this.files = files;
  }

  serveAt(origin: string): void {
    this.origin = origin;
  }

  /** Signs names of files that are not there too, as Snowflake does. */
  sign(stage: StageEntry, name: string, validSeconds: number): string {
    if (this.origin === null)
      throw new EngineError("000002", "0A000", "GET_PRESIGNED_URL needs a server with a port.");
    const expires = String(Math.floor(Date.now() / 1000) + validSeconds);
    const segments = [...stage.path, ...name.split("/")].map(encodeURIComponent).join("/");
    const url = new URL(PATH + segments, this.origin);
    url.searchParams.set("expires", expires);
    url.searchParams.set("signature", this.signature(url.pathname, expires));
    return url.href;
  }

  open(url: URL): string | null {
    const expires = url.searchParams.get("expires") ?? "";
    const given = Buffer.from(url.searchParams.get("signature") ?? "");
    const expected = Buffer.from(this.signature(url.pathname, expires));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
    if (Number(expires) * 1000 <= Date.now()) return null;
    const [database, schema, stage, ...name] = url.pathname
      .slice(PATH.length)
      .split("/")
      .map(decodeURIComponent);
    const entry = this.catalog.stage([database ?? "", schema ?? "", stage ?? ""]);
    return entry === undefined ? null : this.files.pathOf(entry, name.join("/"));
  }

  private signature(path: string, expires: string): string {
    return createHmac("sha256", this.key).update(`${path}\n${expires}`).digest("hex");
  }
}
