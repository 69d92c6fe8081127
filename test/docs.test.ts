import { describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { deploymentVariables } from "../src/infra/settings.ts";
import { variables } from "../src/variables.ts";
import { optionsSchema } from "../src/report/options.ts";

const root = join(import.meta.dir, "..");
const readme = await Bun.file(join(root, "README.md")).text();
const script = await Bun.file(join(root, "snowflake/01_enhanced_config_table.sql")).text();

/** The text of a section, down to the next heading of its level. */
function section(heading: string): string {
  const [, after = ""] = readme.split(`\n${heading}\n`);
  const level = heading.split(" ", 1)[0] ?? "";
  return after.split(new RegExp(`\n${level} `))[0] ?? "";
}

function fencedBlocks(text: string): string[] {
  return [...text.matchAll(/```[a-z]*\n([\s\S]*?)```/g)].map(([, block]) => block ?? "");
}

describe("README.md", () => {
  test("the quick start is two commands, the main job and the tests", () => {
    const [first = ""] = fencedBlocks(section("## Quick start"));
    const lines = first.trim().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain("run demo");
    expect(lines[1]).toContain("run test");
  });

  test("every variable is in the table, with what config.ts says of it", () => {
    const table = section("## Configure");
    for (const [name, schema] of Object.entries(variables.shape)) {
      expect(table).toMatch(new RegExp(`^\\| \`${name}\` +\\|`, "m"));
      expect(schema.description).toBeDefined();
      expect(table).toContain(schema.description ?? "");
    }
  });

  test("every variable in the table exists", () => {
    const names = [...section("## Configure").matchAll(/^\| `([A-Z_]+)` +\|/gm)].map(
      ([, name]) => name,
    );
    expect(new Set(names)).toEqual(new Set(Object.keys(variables.shape)));
  });

  test("every setting of a deployment is in its table, with what is said of it", () => {
    const text = section("## Deploy to AWS");
    for (const [name, schema] of Object.entries(deploymentVariables.shape)) {
      expect(text).toContain(`\`${name}\``);
      if (name.startsWith("DEPLOY_")) expect(text).toContain(schema.description ?? "?");
    }
  });

  test("every option of a report is described", () => {
    const text = section("## Use");
    for (const name of Object.keys(optionsSchema.shape)) expect(text).toContain(`\`${name}\``);
  });

  test("every command is described", async () => {
    const text = section("## Use");
    for (const file of new Glob("*.ts").scanSync(join(root, "src/commands"))) {
      const source = await Bun.file(join(root, "src/commands", file)).text();
      const name = /meta: \{\s*name: "([a-z]+)"/.exec(source)?.[1];
      if (name !== undefined) expect(text).toContain(`| \`${name}`);
    }
  });

  test("the tree is the tree on disk", () => {
    const [tree = ""] = fencedBlocks(section("### The tree"));
    const listed = tree
      .split("\n")
      .filter((line) => /^\S/.test(line))
      .map((line) => line.split(/\s+/)[0] ?? "");
    expect(listed.length).toBeGreaterThan(10);
    for (const path of listed)
      expect(existsSync(join(root, path)) ? path : `${path} is missing`).toBe(path);
    const folders = [...new Glob("*").scanSync({ cwd: join(root, "src"), onlyFiles: false })];
    for (const name of folders.filter((folder) => !folder.endsWith(".d.ts"))) {
      expect(
        listed.some((path) => path.replace(/\/$/, "") === `src/${name}`)
          ? name
          : `src/${name} is not listed`,
      ).toBe(name);
    }
  });

  test("every file and folder that a link names exists", () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path ?? "");
    for (const path of links)
      expect(existsSync(join(root, path)) ? path : `${path} is missing`).toBe(path);
  });
});

describe("the script of the tables", () => {
  test("every column, table and view has a comment", () => {
    const tables = [
      ...script.matchAll(/CREATE TABLE IF NOT EXISTS (\w+) \(([\s\S]*?)\n\) COMMENT = '/g),
    ];
    expect(tables.map(([, name]) => name)).toEqual([
      "REPORT_CONFIG",
      "REPORT_RUN",
      "REPORT_DELIVERY",
      "WORKER_HEARTBEAT",
      "REPORT_TRIGGER_LOG",
    ]);
    for (const [, , body = ""] of tables) {
      const columns = body
        .split("\n")
        .filter((line) => /^ {2}[A-Z_]+ /.test(line) && !line.includes("CONSTRAINT"));
      for (const column of columns) expect(column).toContain("COMMENT '");
    }
    expect(script.match(/CREATE OR REPLACE VIEW \w+\s+COPY GRANTS\s+COMMENT = '/g)).toHaveLength(3);
  });

  test("no table is ever replaced", () => {
    const code = script.replace(/^--.*$/gm, "");
    expect(code).not.toMatch(/CREATE OR REPLACE TABLE|DROP TABLE/i);
  });
});

describe("CHANGELOG.md", () => {
  test("there is an Unreleased section with something in it", async () => {
    const changelog = await Bun.file(join(root, "CHANGELOG.md")).text();
    expect(changelog).toMatch(/## \[Unreleased\]\n[\s\S]*?\n- /);
  });
});
