import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openControl } from "../../../src/app.ts";
import { loadConfig } from "../../../src/config.ts";
import type { Connection } from "../../../src/snowflake/connection.ts";
import { localSettings } from "../../../src/snowflake-access.ts";
import { awsEnvironment, type Moto, startMoto, useAws } from "../../support/moto.ts";
import { bundleForNode, FUNCTION_IN_BUN, lackingNode } from "../../trigger/function-process.ts";
import { eventually, type Process, REPORT_SERVICE, startProcess } from "../service.ts";
import {
  BUCKET,
  CLUSTER,
  createAccount,
  LINK_KEY,
  SECRET,
  SENDER,
  SERVICE,
  writeSecret,
} from "./account.ts";
import { type Ecs, startEcs } from "./ecs.ts";
import { buildExecutable } from "./executable.ts";
import { type FunctionHost, startFunctionHost } from "./function.ts";

type Environment = Readonly<Record<string, string>>;

/**
 * The whole service in one tree of processes: moto is AWS, `report-service local` is Snowflake, and two small stand-ins are
 * what moto has not: ECS that runs the executable, and Lambda with its API that runs the function's bundle.
 */
export interface Fleet extends AsyncDisposable {
  readonly moto: Moto;
  readonly connection: Connection;
  readonly functions: FunctionHost;
  readonly ecs: Ecs;
  /** Where its processes run. */
  readonly folder: string;
  /** Of a process that shall use this Snowflake and this AWS, as a worker does. */
  readonly environment: Environment;
  /** The executable that is deployed, for another command. */
  start(args: readonly string[], environment?: Environment): Process;
}

export interface FleetOptions {
  /** Added to the environment of the workers. */
  readonly environment?: Environment;
  readonly random?: () => number;
  /** An executable that is there already. */
  readonly executable?: string;
}

const STOP_TIMEOUT_MS = 15_000;

export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const { random = Math.random } = options;
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "report-service-fleet-"));
  opened.defer(async () => await rm(folder, { recursive: true, force: true }));
  const processes = opened.use(new AsyncDisposableStack());
  const [executable, moto] = await Promise.all([
    options.executable ?? buildExecutable(folder),
    startMoto(),
  ]);
  opened.use(moto);
  opened.use(useAws(moto.url));
  await createAccount();
  const nodeCommand = lackingNode === "" ? await bundleForNode(folder) : FUNCTION_IN_BUN;
  const functions = opened.use(
    startFunctionHost(nodeCommand, (url) => functionEnvironment(moto, url)),
  );
  const start = (command: readonly string[], environment: Environment): Process => {
    const started = startProcess([...command], { ...environment }, folder);
    processes.defer(async () => {
      started.child.kill("SIGKILL");
      await started.ended;
    });
    return started;
  };
  const snowflakeUrl = await startSnowflake(start, folder, functions.triggerUrl);
  const connection = opened.use(await openControl(localSettings(loadConfig({}), snowflakeUrl)));
  // It would wake a worker for what the rest has lost.
  await connection.execute("ALTER TASK REPORT_SAFETY_TASK SUSPEND");
  await writeSecret({
    account: "local",
    user: "WORKER",
    password: "any",
    slackWebhooks: { ops: "https://hooks.slack.com/services/T0/B0/unused" },
  });
  const environment = {
    ...ownEnvironment(folder),
    ...awsEnvironment(moto.url),
    AWS_ENDPOINT_URL_LAMBDA: functions.url,
    SNOWFLAKE_SECRET_ID: SECRET,
    SNOWFLAKE_ACCESS_URL: snowflakeUrl,
    SNOWFLAKE_OCSP: "off",
    REPORT_BUCKET: BUCKET,
    TRIGGER_FUNCTION: "report-service-trigger",
    TRIGGER_URL: functions.triggerUrl,
    MAIL_FROM: SENDER,
    METRICS: "emf",
    SCRATCH_FOLDER: join(folder, "scratch"),
    OUTPUT_FOLDER: join(folder, "out"),
    ...options.environment,
  };
  const ecs = opened.use(
    startEcs({
      command: [executable, "worker"],
      environment,
      folder,
      stopTimeoutMs: STOP_TIMEOUT_MS,
      random,
    }),
  );
  const owned = opened.move();
  return {
    moto,
    connection,
    functions,
    ecs,
    folder,
    environment,
    start: (args, more = {}) => start([executable, ...args], { ...environment, ...more }),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function functionEnvironment(moto: Moto, url: string): Record<string, string> {
  return {
    ...awsEnvironment(moto.url),
    ECS_CLUSTER: CLUSTER,
    ECS_SERVICE: SERVICE,
    SCHEDULER_ROLE_ARN: "arn:aws:iam::123456789012:role/wake-up",
    BUCKET,
    LINK_BASE_URL: `${url}/prod/`,
    LINK_KEY_PARAMETER: LINK_KEY,
  };
}

function ownEnvironment(folder: string): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: folder, NO_COLOR: "1", PORT: "0" };
}

/** A minute of its tasks' schedules lasts a tenth of a second, so that an INSERT is told within two of them. */
async function startSnowflake(
  start: (command: readonly string[], environment: Environment) => Process,
  folder: string,
  triggerUrl: string,
): Promise<string> {
  const snowflake = start([...REPORT_SERVICE, "local"], {
    ...ownEnvironment(folder),
    LOCAL_SNOWFLAKE_PORT: "0",
    LOCAL_SNOWFLAKE_FILE: "memory",
    LOCAL_SNOWFLAKE_LINE_ITEMS: "0",
    LOCAL_TASK_TICK: "100ms",
    TRIGGER_URL: triggerUrl,
  });
  return await eventually("the local Snowflake", async () => {
    if (snowflake.child.exitCode !== null) throw new Error(snowflake.written());
    // Its tables are there and its tasks run when it says so.
    return /local Snowflake on (http:\/\/127\.0\.0\.1:\d+)/.exec(snowflake.written())?.at(1);
  });
}
