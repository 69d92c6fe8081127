import { describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "..");

/** Runs the command line as a person would, with nothing configured but what is given. */
async function run(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const child = Bun.spawn(["bun", join(root, "src/main.ts"), ...args], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      NO_COLOR: "1",
      ...environment,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { exitCode, stdout: Bun.stripANSI(stdout), stderr: Bun.stripANSI(stderr) };
}

async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "report-service-cli-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const commandNames: string[] = [];
for (const file of new Glob("*.ts").scanSync(join(root, "src/commands"))) {
  const source = await Bun.file(join(root, "src/commands", file)).text();
  const name = /meta: \{\s*name: "([a-z]+)"/.exec(source)?.[1];
  if (name !== undefined) commandNames.push(name);
}

describe("the command line", () => {
  test("--help lists every command with a description", async () => {
    const { stdout, exitCode } = await run(["--help"]);
    expect(exitCode).toBe(0);
    for (const name of commandNames) expect(stdout).toMatch(new RegExp(`^ +${name} {2,}\\S`, "m"));
  });

  test.each(commandNames.sort())(
    "%s --help describes the command and each of its arguments",
    async (name) => {
      const { stdout, exitCode } = await run([name, "--help"]);
      expect(exitCode).toBe(0);
      expect(stdout).not.toContain("undefined");
      const options = stdout.split("\n").filter((line) => /^ +(--|[A-Z]+ )/.test(line));
      for (const line of options) expect(line).toMatch(/^ +\S+ {2,}\S/);
      expect(stdout.replace(/v\d+\.\d+\.\d+/, "v0.0.0")).toMatchSnapshot();
    },
  );

  test("--version prints the version alone", async () => {
    const { stdout } = await run(["--version"]);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("an unknown command is one line and exit code 2", async () => {
    const { stderr, exitCode } = await run(["bogus"]);
    expect(exitCode).toBe(2);
    expect(stderr).toBe("report-service: Unknown command bogus (see --help)\n");
  });

  test.each([
    [["add", "x.sql", "--recipient=ann@example.com"], "add has no --recipient"],
    [["list", "-x"], "list has no -x"],
    [["rerun", "a", "--as-of-them"], "rerun has no --as-of-them"],
    [["rerun", "a", "--asofthen"], "rerun has no --asofthen"],
    [["list", "--JSON"], "list has no --JSON"],
    [["cancel", "one", "two"], 'cancel has no place for "two"'],
    [["worker", "now"], 'worker has no place for "now"'],
    [["--quiet", "list"], "report-service has no --quiet"],
  ])("%p: what a command does not know is refused, not passed over", async (args, refusal) => {
    const { stdout, stderr, exitCode } = await run(args);
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: "",
      stderr: `report-service: ${refusal} (see --help)\n`,
      exitCode: 2,
    });
  });

  test.each([
    [["next", "some", "--timezone", "Asia/Tokyo"], "--timezone goes with --cron"],
    [["next", "some", "--cron", "0 6 * * *"], "give a CONFIG_ID or --cron, not both"],
    [["doctor", "--url", "https://x.test/"], "--url goes with --deployed"],
    [["preview", "report.json"], "preview takes a .sql file"],
    [["add", "--sql", "SELECT 1", "--priority", "soon"], 'PRIORITY: "soon" is not a whole number'],
  ])("%p: what would be passed over is refused", async (args, refusal) => {
    const { stderr, exitCode } = await run(args);
    expect(stderr).toContain(refusal);
    expect(exitCode).toBe(2);
  });

  test.each(["abc", "0", "1.5", "10001", ""])("list --limit=%s is refused", async (limit) => {
    const { stderr, exitCode } = await run(["list", `--limit=${limit}`]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`--limit: "${limit}" is not a whole number from 1 to 10000`);
  });

  test("wrong settings are named together at start, with exit code 78", async () => {
    const { stderr, exitCode } = await run(["worker"], {
      POLL_INTERVAL: "often",
      WORKER_CONCURRENCY: "0",
      SNOWFLAKE_ACCOUNT: "acme",
    });
    expect(exitCode).toBe(78);
    for (const name of ["POLL_INTERVAL", "WORKER_CONCURRENCY"]) expect(stderr).toContain(name);
    expect(stderr).not.toContain("at ");
  });

  test("a report that cannot be run is refused before it is a row, naming each column", async () => {
    const { stderr, exitCode } = await run([
      "add",
      "--name=x",
      "--sql=DELETE FROM t",
      "--format=DOC",
      "--recipients=nobody",
    ]);
    expect(exitCode).toBe(2);
    for (const column of ["REPORT_SQL", "OUTPUT_FORMAT", "EMAIL_RECIPIENTS"])
      expect(stderr).toContain(column);
  });

  test("a preview as PARQUET is refused before anything is asked of a warehouse", async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "one.sql");
    await Bun.write(file, "SELECT 1 AS A");
    const { stderr, exitCode } = await run(["preview", file, "--format=CSV,PARQUET"], {
      SNOWFLAKE_ACCOUNT: "org-account",
      SNOWFLAKE_USER: "ann",
      SNOWFLAKE_PASSWORD: "x",
      SNOWFLAKE_ACCESS_URL: "http://127.0.0.1:1",
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("PARQUET is written by Snowflake");
  });
});
