import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { $ } from "bun";
import { existsSync } from "node:fs";
import { appendFile, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageFile from "../../package.json" with { type: "json" };
import { type Service, startService } from "../service/service.ts";
import { pairsOf, readImage, readStages, root as project, textOf } from "./dockerfile.ts";

/**
 * The image without a container engine: the same script makes its root folder, the same command its executable, and
 * contain.sh runs it as an engine would, which takes root on a Debian machine. `bun run image:check`.
 */
const isRequired = process.env["REQUIRE_IMAGE"] === "1";
const isPossible = process.getuid?.() === 0 && existsSync("/etc/debian_version");
if (isRequired && !isPossible) throw new Error("the image can be checked by root on Debian only");

const USER = 10_001;
let folder: string;
let image: string;
let scratch: string;
let settings: Record<string, string>;

interface Ended {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

function start(args: readonly string[], environment: Record<string, string> = {}) {
  const command = ["sh", join(import.meta.dir, "contain.sh"), image, scratch, "/report-service"];
  return Bun.spawn([...command, ...args], {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...settings, ...environment },
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function run(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  const child = start(args, environment);
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { exitCode: await child.exited, output, errors };
}

function compareText(one = "", other = ""): number {
  return one < other ? -1 : Number(one > other);
}

/** What a program of this machine prints. */
function read(...command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command);
  expect(exitCode, stderr.toString()).toBe(0);
  return stdout.toString();
}

async function makeImage(): Promise<void> {
  const executable = join(image, "report-service");
  const command = packageFile.scripts.build.replace("dist/report-service", executable);
  await mkdir(image);
  await $`sh ${join(project, "src/infra/assemble-image.sh")} ${image}`.quiet();
  await $`sh -c ${command}`.cwd(project).quiet();
  await mkdir(join(image, "scratch"));
  await mkdir(scratch);
  await chown(scratch, USER, USER);
}

describe.skipIf(!isRequired)("the image", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "report-service-image-"));
    await $`chmod 755 ${folder}`;
    image = join(folder, "root");
    scratch = join(folder, "scratch");
    settings = pairsOf(await readImage(), "ENV");
    const runs = (await readStages()).flat().map(({ text }) => text);
    expect(runs).toContain("sh /assemble.sh /root-of-image && mkdir /scratch");
    await makeImage();
  }, 300_000);

  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  test("holds the executable, fonts, and little else", async () => {
    const listing =
      await $`du --apparent-size --block-size=1000 --all --max-depth=1 ${image}`.text();
    const sizes = Object.fromEntries(
      listing
        .trim()
        .split("\n")
        .map((line) => line.split("\t") as [string, string])
        .map(([kilobytes, path]) => [path.slice(image.length) || "all", Number(kilobytes) / 1_000]),
    );
    process.stderr.write(`MB in the image: ${JSON.stringify(sizes)}\n`);
    expect((sizes["all"] ?? 0) - (sizes["/report-service"] ?? 0)).toBeLessThan(35);
    const files = await $`find ${image} -type f -perm /111 -printf %P\\n`.text();
    // Not a shell, nor anything else that could be run.
    expect(
      files
        .trim()
        .split("\n")
        .map((path) => path.split("/").at(-1))
        .toSorted(compareText),
    ).toEqual([expect.stringMatching(/^ld-linux-/), "libc.so.6", "report-service"]);
  });

  test("names its packages for scanners, and their licences", async () => {
    for (const name of ["libc6", "ca-certificates", "tzdata", "fonts-noto-cjk"]) {
      const status = await readFile(join(image, "var/lib/dpkg/status.d", name), "utf8");
      expect(status).toMatch(new RegExp(`^Package: ${name}\nSource: |^Package: ${name}\n`));
      expect(status).toMatch(/^Version: \d/m);
      expect(existsSync(join(image, "usr/share/doc", name, "copyright"))).toBe(true);
    }
  });

  test("starts: --version", async () => {
    const { exitCode, output } = await run(["--version"]);
    expect([exitCode, output]).toEqual([0, `${packageFile.version}\n`]);
  });

  test("a worker without settings says so in a line and ends with 78", async () => {
    const [command] = JSON.parse(textOf(await readImage(), "CMD")) as string[];
    const { exitCode, errors } = await run([command ?? ""]);
    expect(exitCode).toBe(78);
    expect(errors.trim().split("\n")).toHaveLength(1);
    expect(errors).toContain("SNOWFLAKE_ACCOUNT");
  });

  test("no worker, no health", async () => {
    const { exitCode, errors } = await run(["health"], { PORT: "1" });
    expect(exitCode).toBe(1);
    expect(errors).toBe(
      "report-service: no worker answers at http://127.0.0.1:1/health: connect ECONNREFUSED 127.0.0.1:1\n",
    );
  });

  describe("TLS", () => {
    let server: Bun.Server<undefined>;
    let authority: string;

    beforeAll(async () => {
      const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
      const names = "subjectAltName=IP:127.0.0.1";
      const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
      const what = ["-days", "2", "-subj", "/CN=test", "-addext", names];
      read("openssl", "req", "-x509", ...curve, ...what, "-keyout", key, "-out", certificate);
      authority = await readFile(certificate, "utf8");
      await writeFile(join(scratch, "authority.pem"), authority);
      server = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        tls: { key: Bun.file(key), cert: Bun.file(certificate) },
        fetch: () => Response.json({ message: "reached" }),
      });
    });

    afterAll(async () => await server.stop(true));

    const call = (environment: Record<string, string> = {}): Promise<Ended> =>
      run(["trigger", "--url", `https://127.0.0.1:${server.port}/trigger`], environment);

    test("a certificate of an authority that nobody knows is refused", async () => {
      const { exitCode, errors } = await call();
      expect(exitCode).toBe(1);
      expect(errors).toMatch(/certificate/i);
    });

    test("an authority of one's own can be given", async () => {
      const { exitCode, output } = await call({ NODE_EXTRA_CA_CERTS: "/scratch/authority.pem" });
      expect([exitCode, output]).toEqual([0, '{"message":"reached"}\n']);
    });

    test("the authorities are read from the image's own file", async () => {
      const file = settings["SSL_CERT_FILE"] ?? "";
      expect(
        (await readFile(join(image, file), "utf8")).match(/BEGIN CERT/g)?.length,
      ).toBeGreaterThan(100);
      const before = await readFile(join(image, file));
      await appendFile(join(image, file), authority);
      try {
        const { exitCode, output } = await call();
        expect([exitCode, output]).toEqual([0, '{"message":"reached"}\n']);
      } finally {
        await writeFile(join(image, file), before);
      }
    });
  });

  describe("with a Snowflake", () => {
    let service: Service;
    let account: Record<string, string>;

    beforeAll(async () => {
      service = await startService();
      account = Object.fromEntries(
        Object.entries(service.environment).filter(([name]) => name.startsWith("SNOWFLAKE_")),
      );
    }, 30_000);

    afterAll(async () => await service[Symbol.asyncDispose]());

    async function preview(sql: string, ...args: string[]): Promise<Ended> {
      await writeFile(join(scratch, "preview.sql"), sql);
      return await run(["preview", "/scratch/preview.sql", ...args], account);
    }

    /** Where this machine sees the file that the output names. */
    function fileOf(output: string): string {
      const path = output.trim().split("  ").at(-1) ?? "";
      expect(path).toStartWith("/scratch/out/preview/");
      return join(scratch, path.slice("/scratch".length));
    }

    test("a PDF has every script, in the image's fonts", async () => {
      const words = [
        "日本語",
        "한국어",
        "हिन्दी",
        "বাংলা",
        "தமிழ்",
        "ภาษาไทย",
        "ខ្មែរ",
        "አማርኛ",
        "සිංහල",
        "བོད་",
      ];
      const sql = `SELECT ${words.map((word, index) => `'${word}' AS C${index}`).join(", ")}`;
      const { exitCode, output, errors } = await preview(sql);
      expect([exitCode, errors]).toEqual([0, ""]);
      // Its second line would be a warning of characters that no font has.
      expect(output.trim().split("\n")).toHaveLength(1);
      const file = fileOf(output);
      const fonts = read("pdffonts", file);
      const scripts = [
        "CJK",
        "Devanagari",
        "Bengali",
        "Tamil",
        "Thai",
        "Khmer",
        "Ethiopic",
        "Sinhala",
      ];
      for (const script of [...scripts, "Tibetan"]) expect(fonts).toContain(script);
      const text = read("pdftotext", "-raw", file, "-");
      for (const word of ["日本語", "한국어", "ภาษาไทย", "አማርኛ"]) expect(text).toContain(word);
    }, 60_000);

    test("times are shown in the zone of the report", async () => {
      const sql = "SELECT '2026-07-01 12:00:00 +0000'::TIMESTAMP_TZ::TIMESTAMP_LTZ AS T";
      const options = ["--format", "CSV", "--timezone", "Asia/Kathmandu"];
      const { exitCode, output, errors } = await preview(sql, ...options);
      expect([exitCode, errors]).toEqual([0, ""]);
      expect(await readFile(fileOf(output), "utf8")).toContain("17:45");
    }, 30_000);

    test("nothing can be written beside the scratch volume", async () => {
      const { exitCode, errors } = await preview("SELECT 1 AS N", "--out", "/fonts/out");
      expect(exitCode).toBe(1);
      expect(errors).toMatch(/EROFS|read-only/i);
    }, 30_000);

    test("a worker is healthy, and ends as process 1 on SIGTERM", async () => {
      const worker = start(["worker"], { ...account, PORT: "0" });
      const log = worker.stderr.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      let port: string | undefined;
      while (port === undefined) {
        const { value, done } = await log.read();
        if (done) throw new Error(`the worker ended: ${text}`);
        text += value;
        port = /127\.0\.0\.1:(\d+)\/trigger/.exec(text)?.[1];
      }
      const { exitCode, output } = await run(["health"], { PORT: port });
      expect(exitCode).toBe(0);
      expect(JSON.parse(output)).toMatchObject({ status: "ok" });
      const children = await readFile(`/proc/${worker.pid}/task/${worker.pid}/children`, "utf8");
      const [first] = children.split(" ");
      const status = await readFile(`/proc/${first}/status`, "utf8");
      expect(status).toMatch(/^NSpid:\s+\d+\s+1$/m);
      expect(status).toMatch(/^Uid:\s+10001\s/m);
      expect(status).toMatch(/^CapEff:\s+0{16}$/m);
      process.kill(Number(first), "SIGTERM");
      expect(await worker.exited).toBe(0);
      expect((await run(["health"], { PORT: port })).exitCode).toBe(1);
    }, 60_000);
  });
});
