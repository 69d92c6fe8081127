import { describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { existsSync } from "node:fs";
import { join } from "node:path";
import packageFile from "../../package.json" with { type: "json" };
import { pairsOf, readImage, readStages, root, textOf } from "./dockerfile.ts";

describe("Dockerfile", () => {
  test("the image begins with nothing and is run by nobody in particular", async () => {
    const image = await readImage();
    expect(textOf(image, "FROM")).toBe("scratch");
    expect(textOf(image, "USER")).toBe("10001:10001");
    expect(textOf(image, "VOLUME")).toBe('["/scratch"]');
    expect(textOf(image, "STOPSIGNAL")).toBe("SIGTERM");
    expect(textOf(image, "ENTRYPOINT")).toBe('["/report-service"]');
    expect(textOf(image, "CMD")).toBe('["worker"]');
    expect(textOf(image, "HEALTHCHECK")).toEndWith('CMD ["/report-service", "health"]');
  });

  test("everything that is written goes to the scratch volume", async () => {
    const environment = pairsOf(await readImage(), "ENV");
    for (const name of ["HOME", "TMPDIR", "SCRATCH_FOLDER", "OUTPUT_FOLDER"]) {
      expect(environment[name]).toStartWith("/scratch");
    }
  });

  test("versions are those of package.json", async () => {
    const labels = pairsOf(await readImage(), "LABEL");
    expect(labels["org.opencontainers.image.version"]).toBe(packageFile.version);
    expect(labels["org.opencontainers.image.licenses"]).toBe(packageFile.license);
    const runs = (await readStages()).flat().filter(({ name }) => name === "RUN");
    expect(runs.filter(({ text }) => text.endsWith(` ${packageFile.packageManager}`))).toHaveLength(
      1,
    );
    expect(runs.map(({ text }) => text)).toContain(
      "bun install --frozen-lockfile --ignore-scripts --production",
    );
  });

  test("what it copies from the project is there, and is let in", async () => {
    const ignored = (await Bun.file(join(root, ".dockerignore")).text()).split("\n");
    const copied = (await readStages())
      .flat()
      .filter(({ name, text }) => name === "COPY" && !text.startsWith("--"))
      .flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
    expect(copied.length).toBeGreaterThan(7);
    for (const path of copied) {
      expect(existsSync(join(root, path)) ? path : `${path} is missing`).toBe(path);
      expect(ignored).toContain(`!${path.split("/")[0]}`);
    }
  });
});

describe(".dockerignore", () => {
  test("has the line without which SST would change the file", async () => {
    const lines = (await Bun.file(join(root, ".dockerignore")).text()).split("\n");
    expect(lines).toContain(".sst");
    expect(lines.find((line) => !line.startsWith("#"))).toBe("*");
  });

  test("keeps what is filled in by a deploy out of the image", async () => {
    const lines = (await Bun.file(join(root, ".dockerignore")).text()).split("\n");
    const pattern = lines.find((line) => line.startsWith("snowflake/"));
    expect(new Glob(pattern ?? "").match("snowflake/run_after_deploy.sql")).toBe(true);
  });
});
