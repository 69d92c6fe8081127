import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { openFolderStore } from "../../src/local/folder-store.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { RenderedFile } from "../../src/worker/ports.ts";

const KEY = "daily-sales/f3-0b1c/daily-sales-2026-11-22.csv";
const NEVER = new AbortController().signal;
let base: string;
let folder: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "folder-store-"));
  folder = join(base, "out");
});
afterEach(async () => {
  await rm(base, { recursive: true });
});

async function render(key: string, bytes: Uint8Array, name = "rendered"): Promise<RenderedFile> {
  const path = join(base, name);
  await writeFile(path, bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { path, key, mediaType: "text/csv", sizeBytes: bytes.length, sha256 };
}

async function refusalOf(step: Promise<unknown>): Promise<ReportError> {
  const thrown: unknown = await step.then(
    () => "nothing was thrown",
    (error: unknown) => error,
  );
  if (!(thrown instanceof ReportError)) throw new Error(String(thrown));
  expect(thrown.code).toBe("store_failed");
  return thrown;
}

async function listAll(): Promise<string[]> {
  const entries = await readdir(base, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(base.length + 1))
    .sort();
}

describe("a stored file", () => {
  test("is where its key says, and its URI and link lead there", async () => {
    const store = openFolderStore(folder);
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 7) % 256);
    const { uri } = await store.put(await render(KEY, bytes), NEVER);
    expect(uri).toBe(pathToFileURL(join(folder, KEY)).href);
    expect((await readFile(new URL(uri))).equals(bytes)).toBe(true);
    expect(Buffer.from(await store.read(uri)).equals(bytes)).toBe(true);
    const artifact = {
      format: "CSV",
      fileName: "daily-sales.csv",
      mediaType: "text/csv",
      uri,
      sizeBytes: bytes.length,
      rowCount: 1,
      sha256: "",
    } as const;
    expect(await store.link(artifact)).toBe(uri);
  });

  test("is one file when it is stored twice, at the same time too", async () => {
    const store = openFolderStore(folder);
    const file = await render(KEY, Buffer.from("a;b\n"));
    const stored = await Promise.all([store.put(file, NEVER), store.put(file, NEVER)]);
    stored.push(await store.put(file, NEVER));
    expect(new Set(stored.map(({ uri }) => uri)).size).toBe(1);
    expect(await listAll()).toEqual([`out/${KEY}`, "rendered"]);
  });

  test("may be empty and have a name that a URL must escape", async () => {
    const store = openFolderStore(join(base, "out 100% #1"));
    const { uri } = await store.put(await render("a b/ä#.csv", new Uint8Array()), NEVER);
    expect(await store.read(uri)).toHaveLength(0);
    expect(fileURLToPath(uri)).toBe(join(base, "out 100% #1/a b/ä#.csv"));
  });

  test("in a folder given as a relative path is found after a change of directory", async () => {
    const store = openFolderStore(".");
    expect((await refusalOf(store.read("file:///nowhere"))).message).toContain(process.cwd());
  });
});

describe("a key that leads out of the folder is refused", () => {
  test.each([
    "../escaped.csv",
    "a/../../escaped.csv",
    "a/..",
    "/etc/escaped.csv",
    "//server/share/escaped.csv",
    "a//b.csv",
    "./a.csv",
    "",
    "..\\escaped.csv",
    "C:\\escaped.csv",
    "C:/escaped.csv",
    "a\0.csv",
  ])("%p", async (key) => {
    const file = await render(key, Buffer.from("x"));
    const error = await refusalOf(openFolderStore(folder).put(file, NEVER));
    expect(error.message).toContain("does not name a file inside the store");
    expect(error.retryable).toBe(false);
    expect(await listAll()).toEqual(["rendered"]);
  });

  test("through a symbolic link", async () => {
    await mkdir(join(base, "elsewhere"));
    await mkdir(folder);
    await symlink(join(base, "elsewhere"), join(folder, "link"));
    const file = await render("link/escaped.csv", Buffer.from("x"));
    const error = await refusalOf(openFolderStore(folder).put(file, NEVER));
    expect(error.message).toContain("outside the store");
    expect(await readdir(join(base, "elsewhere"))).toEqual([]);
  });
});

describe("reading is refused", () => {
  test("outside the folder", async () => {
    const store = openFolderStore(folder);
    await store.put(await render(KEY, Buffer.from("x")), NEVER);
    await writeFile(join(base, "secret"), "secret");
    await mkdir(join(base, "outside"));
    await symlink(join(base, "secret"), join(folder, "link"));
    for (const uri of [
      pathToFileURL(join(base, "secret")).href,
      `${pathToFileURL(folder).href}/../secret`,
      `${pathToFileURL(folder).href}/%2e%2e/secret`,
      pathToFileURL(join(base, "outside")).href,
      pathToFileURL(join(folder, "link")).href,
    ]) {
      const error = await refusalOf(store.read(uri));
      expect(error.message).toContain("outside the store");
      expect(error.retryable).toBe(false);
    }
  });

  test.each(["s3://bucket/key", "https://example.com/a", "not a url", "file:///a%2Fb"])(
    "of %p, which is no file's URL",
    async (uri) => {
      const error = await refusalOf(openFolderStore(folder).read(uri));
      expect(error.message).toContain("is not the URL of a file");
    },
  );

  test("of a file that somebody deleted, and says so", async () => {
    const store = openFolderStore(folder);
    const { uri } = await store.put(await render(KEY, Buffer.from("x")), NEVER);
    await rm(new URL(uri));
    const error = await refusalOf(store.read(uri));
    expect(error.message).toContain("moved or deleted");
    expect(error.retryable).toBe(false);
  });
});

describe("a file that cannot be stored", () => {
  test("because it changed on the disk is refused and not published", async () => {
    const file = await render(KEY, Buffer.from("complete"));
    await truncate(file.path, 3);
    const error = await refusalOf(openFolderStore(folder).put(file, NEVER));
    expect(error.message).toContain("was stored with 3 bytes");
    expect(error.retryable).toBe(true);
    expect(await listAll()).toEqual(["rendered"]);
  });

  test("because one bit of it turned is refused and not published", async () => {
    const file = await render(KEY, Buffer.from("complete"));
    await writeFile(file.path, "complite");
    const error = await refusalOf(openFolderStore(folder).put(file, NEVER));
    expect(error.message).toContain(file.sha256);
    expect(await listAll()).toEqual(["rendered"]);
  });

  // The kernel lets nobody, root included, make a folder there.
  test.skipIf(process.platform !== "linux")("for want of permission says what to do", async () => {
    const file = await render(KEY, Buffer.from("x"));
    const error = await refusalOf(openFolderStore("/sys/report-service").put(file, NEVER));
    expect(error.message).toContain("/sys/report-service may not be written to");
    expect(error.message).toContain("set OUTPUT_FOLDER to another folder");
  });

  test("because the folder is a file says what to do", async () => {
    await writeFile(folder, "a file");
    const error = await refusalOf(
      openFolderStore(folder).put(await render(KEY, Buffer.from("x")), NEVER),
    );
    expect(error.message).toContain(`${folder} is not a folder`);
  });
});

describe("an abort", () => {
  test("before the start stores nothing and rejects with the signal's reason", async () => {
    const reason = new ReportError("cancelled", "stopped by a person");
    const file = await render(KEY, Buffer.from("x"));
    const step = openFolderStore(folder).put(file, AbortSignal.abort(reason));
    expect(await step.catch((error: unknown) => error)).toBe(reason);
    expect(await readdir(base)).toEqual(["rendered"]);
  });

  test("in the middle leaves nothing behind", async () => {
    const reason = new ReportError("interrupted", "stopped");
    const abort = new AbortController();
    const file = await render(KEY, new Uint8Array(64 << 20));
    const step = openFolderStore(folder).put(file, abort.signal);
    const settled = step.catch((error: unknown) => error);
    while (!(await listAll()).some((path) => path.startsWith("out/"))) await Bun.sleep(0);
    abort.abort(reason);
    expect(await settled).toBe(reason);
    expect(await listAll()).toEqual(["rendered"]);
  });
});
