import { join } from "node:path";
import packageFile from "../../../package.json" with { type: "json" };

const root = join(import.meta.dir, "../../..");

/** Builds the executable that is deployed, as `bun run build` does, into `folder`, and gives its path. */
export async function buildExecutable(folder: string): Promise<string> {
  const executable = join(folder, "report-service");
  const command = packageFile.scripts.build.replace("dist/report-service", executable);
  const build = Bun.spawn(["sh", "-c", command], { cwd: root, stdout: "ignore", stderr: "pipe" });
  const problems = await new Response(build.stderr).text();
  if ((await build.exited) !== 0) throw new Error(problems);
  return executable;
}
