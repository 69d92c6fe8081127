import { expect, test } from "bun:test";
import { $ } from "bun";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageFile from "../../package.json" with { type: "json" };
import { root } from "./dockerfile.ts";

interface Component {
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly scope?: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

/** Its tool is fetched from the registry: `bun run image:check`. */
const isRequired = process.env["REQUIRE_IMAGE"] === "1";

test.skipIf(!isRequired)(
  "`bun run sbom` lists what package.json pins, with hashes, and what is for development only",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "report-service-sbom-"));
    try {
      const file = join(folder, "sbom.cdx.json");
      const command = packageFile.scripts.sbom.replaceAll("dist/sbom.cdx.json", file);
      await $`sh -c ${command}`.cwd(root).quiet();
      const bom = await Bun.file(file).json();
      expect(bom).toMatchObject({
        bomFormat: "CycloneDX",
        metadata: { component: { name: packageFile.name, version: packageFile.version } },
      });
      const components: Component[] = bom.components;
      const found = new Map(
        components.map((component) => {
          const { group = "", name, version } = component;
          return [`${group === "" ? "" : `${group}/`}${name}@${version}`, component];
        }),
      );
      for (const [name, version] of Object.entries(packageFile.dependencies)) {
        const component = found.get(`${name}@${version}`);
        expect(component?.scope ?? "required", name).toBe("required");
        expect(component?.hashes?.[0], name).toMatchObject({ alg: "SHA-512" });
      }
      for (const [name, version] of Object.entries(packageFile.devDependencies)) {
        expect(found.get(`${name}@${version}`)?.scope ?? "required", name).not.toBe("required");
      }
      expect(components.length).toBeGreaterThan(300);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  180_000,
);
