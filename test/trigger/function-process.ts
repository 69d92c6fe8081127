/** The trigger function in a process of its own: from source in Bun, or bundled as SST does it in the Node.js of Lambda. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { ANSWER_MARK, type FunctionFailure } from "./lambda-runtime.ts";

const root = join(import.meta.dir, "../..");
const runtime = join(import.meta.dir, "lambda-runtime.ts");
const source = join(root, "src/trigger/handler.ts");

/** The newest of the major version that the function is deployed with; `.ci/run` installs it. */
const NODE = join(root, ".venv/node/node_modules/.bin/node");

export const lackingNode =
  process.env["CI"] === "true" || existsSync(NODE)
    ? ""
    : " (skipped: Node.js 22 is not in .venv/node; .ci/run installs it)";

export const FUNCTION_IN_BUN = [process.execPath, runtime, source];

/**
 * Bundles the function into `folder` with the options and the lines at the top that SST gives to esbuild (4.17.1,
 * nodejs functions), by the esbuild of SST's platform, or by Bun when that is not installed. Gives back the command.
 */
export async function bundleForNode(folder: string): Promise<string[]> {
  const bundle = join(folder, "bundle.mjs");
  const platform = join(root, ".sst/platform/node_modules/esbuild/lib/main.js");
  const built = existsSync(platform) ? bundleWithEsbuild(platform, bundle) : bundleWithBun(bundle);
  await built;
  return [NODE, runtime, bundle];
}

const BANNER = [
  `import { createRequire as topLevelCreateRequire } from "module";`,
  `const require = topLevelCreateRequire(import.meta.url);`,
].join("\n");

async function bundleWithEsbuild(esbuild: string, outfile: string): Promise<void> {
  const { build } = await import(esbuild);
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "esnext",
    mainFields: ["module", "main"],
    banner: { js: BANNER },
    logLevel: "error",
  });
}

async function bundleWithBun(outfile: string): Promise<void> {
  const { outputs } = await Bun.build({
    entrypoints: [source],
    target: "node",
    format: "esm",
    minify: true,
  });
  const [output] = outputs;
  if (output === undefined) throw new Error("Bun made no bundle");
  await Bun.write(outfile, output);
}

/** An API answer as the tests look at it. */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface FunctionProcess extends AsyncDisposable {
  /** What the function returns. Throws an Error with the message that Lambda would pass on. */
  invoke(event: unknown): Promise<unknown>;
  /** For an event of API Gateway. */
  request(event: unknown): Promise<HttpAnswer>;
  /** Lines of the log, parsed. */
  readonly log: Record<string, unknown>[];
}

type Answer = { readonly result?: unknown; readonly failure?: FunctionFailure };

export function startFunction(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): FunctionProcess {
  const [PATH, HOME] = [process.env["PATH"] ?? "", process.env["HOME"] ?? ""];
  const child = Bun.spawn([...command], {
    env: { PATH, HOME, NODE_NO_WARNINGS: "1", ...environment },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const waiting: ((answer: Answer) => void)[] = [];
  const log: Record<string, unknown>[] = [];
  const output = createInterface({ input: Readable.fromWeb(child.stdout as never) });
  output.on("line", (line) => {
    if (!line.startsWith(ANSWER_MARK)) log.push(JSON.parse(line));
    else waiting.shift()?.(JSON.parse(line.slice(ANSWER_MARK.length)));
  });
  void child.exited.then((code) => {
    const failure = { errorType: "Exit", errorMessage: `the process ended with ${code}` };
    for (const answer of waiting) answer({ failure });
  });
  const invoke = async (event: unknown): Promise<unknown> => {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    waiting.push(resolve);
    await child.stdin.write(`${JSON.stringify(event)}\n`);
    await child.stdin.flush();
    const { result, failure } = await promise;
    if (failure !== undefined) throw new Error(failure.errorMessage);
    return result;
  };
  return {
    invoke,
    request: async (event) => (await invoke(event)) as HttpAnswer,
    log,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}
