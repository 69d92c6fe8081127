import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import packageFile from "../../package.json" with { type: "json" };
import { root } from "./dockerfile.ts";

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Record<string, string>;
}

interface Job {
  readonly if?: string;
  readonly needs?: readonly string[];
  readonly permissions?: Record<string, string>;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: Record<string, unknown>;
  readonly permissions: Record<string, string>;
  readonly concurrency: Record<string, string>;
  readonly env: Record<string, string>;
  readonly jobs: Record<"check" | "image" | "diff" | "deploy", Job>;
}

const text = await Bun.file(join(root, ".github/workflows/deploy.yml")).text();
const workflow = Bun.YAML.parse(text) as Workflow;
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

/** Where in a job a step with this text is. */
function placeOf(job: Job, part: string): number {
  const found = job.steps.findIndex(({ uses, run }) => (uses ?? run ?? "").includes(part));
  if (found < 0) throw new Error(`no step has ${part}`);
  return found;
}

describe("the pipeline", () => {
  test("runs for main, for pull requests and by hand", () => {
    expect(workflow.on).toEqual({
      push: { branches: ["main"] },
      pull_request: null,
      workflow_dispatch: null,
    });
  });

  test("deploys after check, test and image, and only main", () => {
    const { deploy, check, image } = workflow.jobs;
    expect(deploy.needs).toEqual(["check", "image"]);
    expect(deploy.if).toContain("github.event_name != 'pull_request'");
    expect(deploy.if).toContain("github.ref == 'refs/heads/main'");
    expect(placeOf(check, ".ci/run")).toBeGreaterThan(0);
    expect(placeOf(image, "contained worker")).toBeGreaterThan(placeOf(image, "buildx build"));
    expect(placeOf(image, "upload-artifact")).toBeGreaterThan(placeOf(image, "run sbom"));
    const order = [
      "install",
      ".env.prod",
      "configure-aws",
      "sst deploy --stage prod",
      "--deployed",
    ];
    const places = order.map((part) => placeOf(deploy, part));
    expect(places).toEqual(places.toSorted((one, other) => one - other));
  });

  test("verifies the deployment with the settings that it was made with", () => {
    const { deploy } = workflow.jobs;
    const { run = "" } = deploy.steps[placeOf(deploy, "--deployed")] ?? {};
    expect(run).toBe("$BUN --env-file=.env.prod src/main.ts doctor --deployed");
  });

  test("shows a pull request what would change, and never deploys it", () => {
    const { diff } = workflow.jobs;
    expect(diff.if).toContain("github.event_name == 'pull_request'");
    // Others' code gets no role.
    expect(diff.if).toContain("head.repo.full_name == github.repository");
    expect(placeOf(diff, "sst diff --stage prod")).toBeGreaterThan(placeOf(diff, "configure-aws"));
    expect(diff.steps.some(({ run }) => run?.includes("sst deploy"))).toBe(false);
  });

  test("gets its rights by OpenID Connect, where they are needed, and no key", () => {
    expect(workflow.permissions).toEqual({ contents: "read" });
    for (const [name, job] of Object.entries(workflow.jobs)) {
      const isInAws = job.steps.some(({ uses }) => uses?.startsWith("aws-actions/"));
      expect(isInAws).toBe(name === "diff" || name === "deploy");
      expect(job.permissions?.["id-token"]).toBe(isInAws ? "write" : undefined);
    }
    for (const { with: inputs } of steps.filter(({ uses }) => uses?.startsWith("aws-actions/"))) {
      expect(Object.keys(inputs ?? {}).sort()).toEqual(["aws-region", "role-to-assume"]);
      expect(inputs?.["role-to-assume"]).toMatch(/^\$\{\{ vars\.AWS_\w+_ROLE_ARN \}\}$/);
    }
    expect(text).not.toMatch(/secrets\.|access[-_]key|AKIA/i);
  });

  test("never breaks a deploy off", () => {
    expect(workflow.concurrency["group"]).toContain("|| 'deploy'");
    expect(workflow.concurrency["cancel-in-progress"]).toBe(
      "${{ github.event_name == 'pull_request' }}",
    );
  });

  test("runs no action that could change by itself, and nobody's text as a script", () => {
    for (const { uses, run } of steps) {
      if (uses !== undefined) expect(uses).toMatch(/^[\w./-]+@[0-9a-f]{40}$/);
      expect(run ?? "").not.toContain("${{");
    }
    expect(workflow.env["BUN"]).toBe(`npx --yes ${packageFile.packageManager}`);
  });
});
