import { describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { dirname, join, normalize, relative } from "node:path";

/**
 * Who may import whom. `values` are folders whose code may be used, `types` those whose types may be named as well,
 * `packages` the third parties. A folder may always use itself. Only the composition root and the entries see all.
 */
const RULES: Record<string, { values: string[]; types: string[]; packages: string[] }> = {
  report: { values: [], types: [], packages: ["croner", "zod", "node:crypto"] },
  render: {
    values: ["report"],
    types: ["report"],
    packages: [
      "exceljs",
      "pdf-lib",
      "@expo-google-fonts/*",
      "dejavu-fonts-ttf",
      "harfbuzzjs",
      "bidi-js",
      "vega",
      "vega-lite",
      "@resvg/resvg-wasm",
      "node:*",
    ],
  },
  worker: { values: ["report", "render"], types: ["report", "render"], packages: ["node:*"] },
  snowflake: {
    values: ["report"],
    types: ["report", "worker"],
    packages: ["snowflake-sdk", "zod", "node:*"],
  },
  notify: {
    values: ["report"],
    types: ["report", "worker"],
    packages: ["nodemailer", "zod", "node:*"],
  },
  aws: {
    values: ["report"],
    types: ["report", "worker", "notify"],
    packages: ["@aws-sdk/*", "@smithy/signature-v4", "zod", "node:*"],
  },
  trigger: {
    values: ["report"],
    types: ["report"],
    packages: [
      "@aws-sdk/client-ecs",
      "@aws-sdk/client-s3",
      "@aws-sdk/client-scheduler",
      "@aws-sdk/client-ssm",
      "@aws-sdk/s3-request-presigner",
      "zod",
      "node:*",
    ],
  },
  // Run by node under SST, where `sst` and `aws` are globals.
  infra: {
    values: ["report", "snowflake", "variables.ts"],
    types: ["report", "snowflake"],
    packages: ["zod", "node:*"],
  },
  local: {
    values: ["report", "trigger"],
    types: ["report", "worker", "notify"],
    packages: ["@duckdb/node-api", "@polyglot-sql/sdk", "node:*"],
  },
};

/** Files at the root of src/ and the commands, by what they may use of this project. */
const ROOT_RULES: Record<string, string[] | "anything"> = {
  "main.ts": "anything",
  "heartbeat-thread.ts": ["report", "snowflake"],
  "app.ts": "anything",
  "adapters.ts": "anything",
  "snowflake-access.ts": ["aws", "config.ts", "local", "notify", "report", "snowflake"],
  "config.ts": ["render", "report", "snowflake", "secret.ts", "variables.ts"],
  "variables.ts": [],
  "log.ts": ["config.ts"],
  "secret.ts": [],
  commands: "anything",
};

const src = join(import.meta.dir, "../src");
const files = [...new Glob("**/*.ts").scanSync(src)].filter((file) => !file.endsWith(".d.ts"));
const transpiler = new Bun.Transpiler({ loader: "ts" });

interface Imports {
  readonly values: string[];
  readonly types: string[];
}

/** The transpiler leaves out imports that are only types, so what it does not list is one. */
async function readImports(file: string): Promise<Imports> {
  const text = await Bun.file(join(src, file)).text();
  const values = transpiler.scanImports(text).map((found) => found.path);
  const all = [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)"/gm)];
  const types = all.flatMap(([, path]) =>
    path === undefined || values.includes(path) ? [] : [path],
  );
  return { values, types };
}

/** The folder of src/ (or the file at its root) that a relative import names; null for a package. */
function target(file: string, path: string): string | null {
  if (!path.startsWith(".")) return null;
  const resolved = normalize(join(dirname(file), path));
  return resolved.startsWith("..") ? "outside" : (resolved.split("/")[0] ?? "");
}

function matches(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith("*")
      ? name.startsWith(pattern.slice(0, -1))
      : name === pattern || name.startsWith(`${pattern}/`),
  );
}

function violations(file: string, imports: Imports): string[] {
  const folder = file.split("/")[0] ?? "";
  const rule = RULES[folder];
  if (rule === undefined) return rootViolations(file, folder, imports);
  const check = (paths: string[], allowed: readonly string[], kind: string): string[] =>
    paths.flatMap((path) => {
      const name = target(file, path);
      const isAllowed =
        name === null
          ? matches(path, rule.packages)
          : name === folder || allowed.includes(name) || isScript(folder, path);
      return isAllowed ? [] : [`${file} may not use ${kind} of ${path}`];
    });
  return [
    ...check(imports.values, rule.values, "code"),
    ...check(imports.types, rule.types, "types"),
  ];
}

/** The scripts are data that the Snowflake adapter carries. */
function isScript(folder: string, path: string): boolean {
  return folder === "snowflake" && path.startsWith("../../snowflake/") && path.endsWith(".sql");
}

function rootViolations(file: string, folder: string, imports: Imports): string[] {
  const rule = ROOT_RULES[folder];
  if (rule === undefined) return [`${file} is in no known room`];
  if (rule === "anything") return [];
  return [...imports.values, ...imports.types]
    .map((path) => ({ path, name: target(file, path) }))
    .filter(({ name }) => name !== null && !rule.includes(name))
    .map(({ path }) => `${file} may not use ${path}`);
}

describe("architecture", () => {
  test("every module uses only what its room may use", async () => {
    const found = await Promise.all(
      files.map(async (file) => violations(file, await readImports(file))),
    );
    expect(found.flat()).toEqual([]);
  });

  test("a planted violation is seen", () => {
    const planted = { values: ["../snowflake/queue.ts"], types: ["../worker/ports.ts"] };
    expect(violations("report/request.ts", planted)).toHaveLength(2);
    expect(
      violations("local/outbox.ts", { values: ["../worker/loop.ts"], types: [] }),
    ).toHaveLength(1);
    expect(violations("render/csv.ts", { values: ["snowflake-sdk"], types: [] })).toHaveLength(1);
  });

  test("only config.ts, the function's entry and the driver's switches touch the environment", async () => {
    const touching: string[] = [];
    for (const file of files) {
      const text = await Bun.file(join(src, file)).text();
      if (/\b(process|Bun)\.env\b/.test(text)) touching.push(file);
    }
    expect(touching.sort()).toEqual(["config.ts", "snowflake/driver.ts", "trigger/handler.ts"]);
  });

  test("adapters, the domain and the renderers never log", async () => {
    const silent = files.filter((file) => RULES[file.split("/")[0] ?? ""] !== undefined);
    const logging: string[] = [];
    for (const file of silent) {
      const text = await Bun.file(join(src, file)).text();
      if (/\bconsole\.|\bconsola\b/.test(text)) logging.push(file);
    }
    expect(logging).toEqual([]);
  });

  test("every module but the entries can be loaded by itself", async () => {
    const entries = new Set(["main.ts", "heartbeat-thread.ts", "trigger/handler.ts"]);
    for (const file of files) {
      if (!entries.has(file)) await import(join(src, file));
    }
    expect(files.length).toBeGreaterThan(50);
  });

  test("no room is called utils, helpers, services, types or common", () => {
    const banned = files.filter((file) =>
      /(^|\/)(utils?|helpers?|services?|types|common|managers?)(\.ts|\/|$)/.test(
        relative(".", file),
      ),
    );
    expect(banned).toEqual([]);
  });
});
