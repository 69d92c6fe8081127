/**
 * Evaluates sst.config.ts with the real platform and the real components, under Pulumi's mocks, and prints what it would
 * make as JSON. A process of its own (`bun test/infra/evaluate.ts '{"stage":"prod"}'`): the platform changes the working
 * directory, and Pulumi keeps global state. It is bundled as the SST CLI bundles it. Source: github.com/anomalyco/sst
 * v4.17.0, pkg/js/js.go and pkg/project/run.go.
 */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

export interface Evaluation {
  readonly resources: readonly Recorded[];
  readonly outputs: Readonly<Record<string, unknown>>;
  /** What components hand on to the CLI, by their names. */
  readonly handedOn: Readonly<Record<string, Inputs>>;
  /** What was written into the project's folder snowflake/, by file name. */
  readonly written: Readonly<Record<string, string>>;
}

/** A resource that was registered: its type, its name and what it was given. */
export interface Recorded {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly ignoreChanges: readonly string[];
}

export interface Options {
  readonly stage: string;
  readonly dev?: boolean;
  /** As in `sst diff`: nothing is made. */
  readonly diff?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Changes of files in src/infra/, for tests that have to see a mistake. */
  readonly mutations?: readonly {
    readonly file: string;
    readonly from: string;
    readonly to: string;
  }[];
}

const root = resolve(import.meta.dir, "../..");
const platform = join(root, ".sst/platform");
const TEMPLATE = "snowflake/run_after_deploy.template.sql";
const LIMIT_MS = 90_000;
const ACCOUNT = "123456789012";
const REGION = "us-east-1";

const options: Options = JSON.parse(process.argv[2] ?? "{}");
const project = await mkdtemp(join(tmpdir(), "sst-evaluation-"));
const bundle = join(platform, `evaluation.${process.pid}.mjs`);
const server = await serveCli();
try {
  process.stdout.write(JSON.stringify(await evaluate()));
} finally {
  server.close();
  await rm(bundle, { force: true });
  await rm(project, { recursive: true, force: true });
}
process.exit(0);

async function evaluate(): Promise<Evaluation> {
  for (const file of ["Dockerfile", ".dockerignore", TEMPLATE]) {
    await cp(join(root, file), join(project, file), { recursive: true });
  }
  Object.assign(process.env, options.environment, { SST_SERVER: serverUrl() });
  await bundleConfig();
  const { resources, handedOn } = await mockPulumi();
  const outputs = await withinLimit(runProgram());
  return { resources, outputs, handedOn, written: await readWritten() };
}

async function readWritten(): Promise<Record<string, string>> {
  const folder = join(project, "snowflake");
  const made = (await readdir(folder)).filter((name) => join("snowflake", name) !== TEMPLATE);
  const texts = made.map(async (name) => [name, await readFile(join(folder, name), "utf8")]);
  return Object.fromEntries(await Promise.all(texts));
}

/** The answers of the SST CLI, which the platform asks over HTTP. */
async function serveCli() {
  const empty = join(project, "function");
  await writeFile(`${empty}.zip`, "");
  const answers: Record<string, unknown> = {
    "Provider.Aws.Bootstrap": {
      asset: "sst-asset-test",
      assetEcrRegistryId: "123456789012",
      assetEcrUrl: "123456789012.dkr.ecr.us-east-1.amazonaws.com/sst-asset",
      state: "sst-state-test",
      appsyncHttp: "example.appsync-api.us-east-1.amazonaws.com",
      appsyncRealtime: "example.appsync-realtime-api.us-east-1.amazonaws.com",
    },
    "Provider.Aws.Appsync": { http: "example.org", realtime: "example.org" },
    "Runtime.Build": { handler: "bundle.handler", out: project, errors: [], sourcemaps: [] },
    "Runtime.AddTarget": {},
  };
  const cli = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { method }: { method: string } = JSON.parse(body);
      const known = Object.hasOwn(answers, method);
      if (!known) process.stderr.write(`the CLI was asked for ${method}\n`);
      response.end(
        JSON.stringify(
          known ? { result: answers[method] } : { error: `rpc: can't find ${method}` },
        ),
      );
    });
  });
  await new Promise<void>((listening) => cli.listen(0, "127.0.0.1", listening));
  return cli;
}

function serverUrl(): string {
  const address = server.address();
  return typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
}

/** The platform's own esbuild, with the globals that the CLI injects. */
async function bundleConfig(): Promise<void> {
  const esbuild = await import(join(platform, "node_modules/esbuild/lib/main.js"));
  const lock: { alias: string; package: string }[] = JSON.parse(
    await readFile(join(root, ".sst/provider-lock.json"), "utf8"),
  );
  const header = [
    ...lock.map(({ alias, package: name }) => `import * as ${alias} from "${name}";`),
    `import * as sst from "${join(platform, "src/components")}";`,
  ].join("\n");
  const define = {
    $app: JSON.stringify({
      name: "report-service",
      stage: options.stage,
      removal: options.stage === "prod" ? "retain" : "remove",
      protect: options.stage === "prod",
      providers: { aws: { version: "7.20.0", region: "us-east-1" } },
    }),
    $cli: JSON.stringify({
      command: options.diff === true ? "diff" : "deploy",
      paths: { home: project, root: project, work: join(root, ".sst"), platform },
      state: { version: {} },
    }),
    $dev: String(options.dev ?? false),
  };
  await esbuild.build({
    stdin: {
      contents: `import { run } from "${join(platform, "src/auto/run.ts")}";
import config from "${join(root, "sst.config.ts")}";
export const result = () => run(config.run);`,
      resolveDir: root,
      loader: "ts",
    },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "esnext",
    mainFields: ["module", "main"],
    outfile: bundle,
    define,
    inject: [join(platform, "src/shim/run.js")],
    external: ["@pulumi/*", "undici", "@aws-sdk/*", "esbuild", "archiver", "glob", "vite", "sst"],
    banner: {
      js: `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`,
    },
    logLevel: "error",
    plugins: [globalsFor(header)],
  });
}

/** Files outside the platform see `sst` and the providers without importing them. */
function globalsFor(header: string) {
  return {
    name: "globals",
    setup(build: {
      onLoad: (filter: object, load: (file: { path: string }) => Promise<object | null>) => void;
    }) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path.startsWith(platform) || path.includes("node_modules")) return null;
        return {
          contents: `${header}\n${mutate(path, await readFile(path, "utf8"))}`,
          loader: "ts",
        };
      });
    },
  };
}

function mutate(path: string, text: string): string {
  return (options.mutations ?? [])
    .filter(({ file }) => path === join(root, "src/infra", file))
    .reduce((mutated, { file, from, to }) => {
      if (!mutated.includes(from)) throw new Error(`${file} has no ${from}`);
      return mutated.replace(from, () => to);
    }, text);
}

type Inputs = Record<string, unknown>;

/** Every resource gets an id and, where the components use them, the outputs that AWS would give. */
async function mockPulumi(): Promise<{ resources: Recorded[]; handedOn: Record<string, Inputs> }> {
  const pulumi = await import(join(platform, "node_modules/@pulumi/pulumi/index.js"));
  const { MockMonitor } = await import(
    join(platform, "node_modules/@pulumi/pulumi/runtime/mocks.js")
  );
  const recorded: Recorded[] = [];
  const handedOn: Record<string, Inputs> = {};
  const register = MockMonitor.prototype.registerResource;
  // Mocks are not told of resource options.
  MockMonitor.prototype.registerResource = function (
    request: {
      getType: () => string;
      getName: () => string;
      getIgnorechangesList: () => string[];
      getObject: () => { toJavaScript: () => Inputs };
    },
    callback: unknown,
  ) {
    recorded.push({
      type: request.getType(),
      name: request.getName(),
      inputs: request.getObject().toJavaScript(),
      ignoreChanges: request.getIgnorechangesList(),
    });
    return register.call(this, request, callback);
  };
  const registerOutputs = MockMonitor.prototype.registerResourceOutputs;
  MockMonitor.prototype.registerResourceOutputs = function (
    request: { getUrn: () => string; getOutputs: () => { toJavaScript: () => Inputs } },
    callback: unknown,
  ) {
    handedOn[request.getUrn().split("::").at(-1) ?? ""] = request.getOutputs().toJavaScript();
    return registerOutputs.call(this, request, callback);
  };
  const mocks = {
    newResource: ({ type, name, inputs }: { type: string; name: string; inputs: Inputs }) => ({
      id: `${name}-id`,
      state: { ...inputs, ...outputsOf(type, name, inputs) },
    }),
    call: ({ token, inputs }: { token: string; inputs: Inputs }) => answerCall(token, inputs),
  };
  await pulumi.runtime.setMocks(mocks, "report-service", options.stage, options.diff ?? false);
  return { resources: recorded, handedOn };
}

function outputsOf(type: string, name: string, inputs: Inputs): Inputs {
  const given = typeof inputs["name"] === "string" ? inputs["name"] : name;
  const arn = (service: string, rest: string): string =>
    `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;
  switch (type) {
    case "aws:lambda/function:Function":
      return {
        arn: arn("lambda", `function:${given}`),
        invokeArn: arn("apigateway", `lambda:${given}`),
        name: given,
      };
    case "aws:apigateway/restApi:RestApi":
      return {
        arn: arn("apigateway", "/restapis/api123"),
        executionArn: arn("execute-api", "api123"),
        rootResourceId: "root",
      };
    case "aws:apigateway/account:Account":
      return { cloudwatchRoleArn: "" };
    case "aws:ecs/cluster:Cluster":
      return { arn: arn("ecs", `cluster/${given}`), name: given };
    case "aws:apigateway/apiKey:ApiKey":
      return { value: "k".repeat(40) };
    case "aws:s3/bucket:Bucket":
    case "aws:s3/bucketV2:BucketV2":
      return { arn: `arn:aws:s3:::${name.toLowerCase()}`, bucket: name.toLowerCase() };
    case "docker-build:index:Image":
      return { digest: "sha256:abc", ref: "image@sha256:abc" };
    case "random:index/randomBytes:RandomBytes":
      return { base64: Buffer.alloc(32).toString("base64"), hex: "00".repeat(32) };
    case "aws:sesv2/emailIdentity:EmailIdentity":
      return { arn: arn("ses", `identity/${String(inputs["emailIdentity"])}`) };
    case "aws:iam/role:Role":
      return { arn: `arn:aws:iam::${ACCOUNT}:role/${given}`, name: given };
    default:
      return { arn: arn(type.split(/[:/]/)[1] ?? "aws", given), name: given };
  }
}

function answerCall(token: string, inputs: Inputs): Inputs {
  switch (token) {
    case "aws:index/getRegion:getRegion":
      return { name: REGION, region: REGION, id: REGION };
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { accountId: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:root` };
    case "aws:index/getPartition:getPartition":
      return { partition: "aws", dnsSuffix: "amazonaws.com" };
    case "aws:index/getAvailabilityZones:getAvailabilityZones":
      return { names: ["us-east-1a", "us-east-1b"] };
    case "aws:ec2/getAmi:getAmi":
      return { id: "ami-1" };
    case "aws:ecr/getAuthorizationToken:getAuthorizationToken":
      return { password: "p", userName: "u", proxyEndpoint: "https://example.org" };
    case "aws:iam/getPolicyDocument:getPolicyDocument":
      return { ...inputs, json: policyJson(inputs) };
    default:
      process.stderr.write(`nothing is known of the call ${token}\n`);
      return {};
  }
}

interface DocumentStatement {
  readonly effect?: string;
  readonly actions?: string[];
  readonly resources?: string[];
  readonly principals?: unknown;
  readonly conditions?: unknown;
}

/** As the provider writes it: one action is a text, several are a list. */
function policyJson(inputs: Inputs): string {
  const statements = (inputs["statements"] ?? []) as DocumentStatement[];
  const single = (list: string[] | undefined): unknown => (list?.length === 1 ? list[0] : list);
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map(({ effect, actions, resources, principals, conditions }) => ({
      Effect: effect ?? "Allow",
      Action: single(actions),
      Resource: single(resources),
      Principal: principals,
      Condition: conditions,
    })),
  });
}

async function runProgram(): Promise<Record<string, unknown>> {
  const pulumi = await import(join(platform, "node_modules/@pulumi/pulumi/index.js"));
  const stack = await import(join(platform, "node_modules/@pulumi/pulumi/runtime/stack.js"));
  const debuggable = await import(
    join(platform, "node_modules/@pulumi/pulumi/runtime/debuggable.js")
  );
  const { result } = await import(pathToFileURL(bundle).href);
  const outputs = await stack.runInPulumiStack(() => result());
  await (pulumi.runtime.waitForRPCs ?? debuggable.waitForRPCs ?? (async () => {}))();
  return resolveAll(outputs ?? {});
}

async function resolveAll(outputs: Record<string, unknown>): Promise<Record<string, unknown>> {
  const pulumi = await import(join(platform, "node_modules/@pulumi/pulumi/index.js"));
  return await new Promise((settle) => pulumi.output(outputs).apply(settle));
}

/** An error inside an apply() leaves promises pending for ever. */
async function withinLimit<T>(work: Promise<T>): Promise<T> {
  const failed = new Promise<never>((_, reject) => {
    process.on("unhandledRejection", reject);
    setTimeout(() => reject(new Error("the evaluation did not end")), LIMIT_MS).unref();
  });
  return await Promise.race([work, failed]);
}
