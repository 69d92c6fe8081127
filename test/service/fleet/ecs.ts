import { DescribeServicesCommand, ECSClient } from "@aws-sdk/client-ecs";
import { z } from "zod";
import { type Process, startProcess } from "../service.ts";
import { CLUSTER, SERVICE } from "./account.ts";

/** A worker that ECS has started; times on the clock of `performance.now()`. */
export interface Task {
  readonly id: string;
  readonly process: Process;
  readonly startedMs: number;
  /** When it was sent SIGTERM. */
  stoppedMs: number | null;
  /** When it was sent SIGKILL, because SIGTERM did not end it in time. */
  killedMs: number | null;
  endedMs: number | null;
  exitCode: number | null;
  isProtected: boolean;
}

/** What ECS is to the service: keeps as many tasks as the desired count says, and protects those that ask for it. */
export interface Ecs extends AsyncDisposable {
  /** Every task there ever was, in the order in which they were started. */
  readonly tasks: readonly Task[];
  /** As it was seen last. */
  readonly desiredCount: number;
  /** Tasks that have not ended. */
  alive(): Task[];
}

export interface EcsOptions {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  /** From SIGTERM to SIGKILL. */
  readonly stopTimeoutMs: number;
  /** From 0 to 1: which task goes, and how long until the next look. */
  readonly random: () => number;
}

const LOOK_MIN_MS = 50;
const LOOK_MAX_MS = 100;

/** Watches the service in the AWS of this process's environment until it is disposed, and ends its tasks then. */
export function startEcs(options: EcsOptions): Ecs {
  const tasks: Task[] = [];
  const agent = startAgent(tasks);
  const agentUrl = `http://127.0.0.1:${agent.port}`;
  const client = new ECSClient();
  const state = { desiredCount: 0, isOver: false };
  const alive = (): Task[] => tasks.filter(({ endedMs }) => endedMs === null);
  const look = async (): Promise<void> => {
    state.desiredCount = await readDesiredCount(client);
    const running = alive().filter(({ stoppedMs }) => stoppedMs === null);
    for (let count = running.length; count < state.desiredCount; count += 1) {
      tasks.push(startTask(tasks.length + 1, agentUrl, options));
    }
    // A protected task stays, however few there shall be.
    const free = running.filter(({ isProtected }) => !isProtected);
    for (let count = running.length; count > state.desiredCount && free.length > 0; count -= 1) {
      const [task] = free.splice(Math.floor(options.random() * free.length), 1);
      if (task !== undefined) stopTask(task, options.stopTimeoutMs);
    }
  };
  const watching = (async () => {
    while (!state.isOver) {
      await look();
      await Bun.sleep(LOOK_MIN_MS + options.random() * (LOOK_MAX_MS - LOOK_MIN_MS));
    }
  })();
  return {
    tasks,
    alive,
    get desiredCount() {
      return state.desiredCount;
    },
    [Symbol.asyncDispose]: async () => {
      state.isOver = true;
      await watching;
      for (const { process } of alive()) process.child.kill("SIGKILL");
      await Promise.all(tasks.map(({ process }) => process.ended));
      await agent.stop(true);
      client.destroy();
    },
  };
}

async function readDesiredCount(client: ECSClient): Promise<number> {
  const command = new DescribeServicesCommand({ cluster: CLUSTER, services: [SERVICE] });
  const [found] = (await client.send(command)).services ?? [];
  return found?.desiredCount ?? 0;
}

function startTask(
  number: number,
  agentUrl: string,
  { command, environment, folder }: EcsOptions,
): Task {
  const id = `task-${number}`;
  const own = { WORKER_ID: id, ECS_AGENT_URI: `${agentUrl}/${id}` };
  const task: Task = {
    id,
    process: startProcess([...command], { ...environment, ...own }, folder),
    startedMs: performance.now(),
    stoppedMs: null,
    killedMs: null,
    endedMs: null,
    exitCode: null,
    isProtected: false,
  };
  void task.process.child.exited.then((exitCode) => {
    task.exitCode = exitCode;
    task.endedMs = performance.now();
  });
  return task;
}

function stopTask(task: Task, stopTimeoutMs: number): void {
  const { child } = task.process;
  task.stoppedMs = performance.now();
  child.kill("SIGTERM");
  const killing = setTimeout(() => {
    task.killedMs = performance.now();
    child.kill("SIGKILL");
  }, stopTimeoutMs);
  void child.exited.then(() => clearTimeout(killing));
}

const wanted = z.object({
  ProtectionEnabled: z.boolean(),
  ExpiresInMinutes: z.number().optional(),
});

/**
 * The agent of every task, by the task's name. A task that is being stopped is not protected any more.
 * Source: docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
 */
function startAgent(tasks: readonly Task[]): Bun.Server<undefined> {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const [, id, rest] = /^\/([^/]+)\/(.*)$/.exec(new URL(request.url).pathname) ?? [];
      const task = tasks.find((candidate) => candidate.id === id);
      if (request.method !== "PUT" || rest !== "task-protection/v1/state" || task === undefined) {
        return new Response("404 page not found", { status: 404 });
      }
      const { ProtectionEnabled } = wanted.parse(await request.json());
      const TaskArn = `arn:aws:ecs:eu-central-1:123456789012:task/${CLUSTER}/${task.id}`;
      if (task.stoppedMs !== null) {
        const Detail = "The specified task is not in a running state";
        return Response.json({ failure: { Arn: TaskArn, Reason: "TASK_NOT_VALID", Detail } });
      }
      task.isProtected = ProtectionEnabled;
      return Response.json({ protection: { ProtectionEnabled, ExpirationDate: null, TaskArn } });
    },
  });
}

/** Those that went wrong: a task ends by itself when it is told to, but for one that was told before it could listen. */
export function badEnds(tasks: readonly Task[]): string[] {
  return tasks
    .filter(({ exitCode, process }) => {
      const isEarly =
        exitCode === ENDED_BY_SIGTERM && !process.written().includes("worker started");
      return exitCode !== 0 && !isEarly;
    })
    .map(({ id, exitCode, process }) => `${id} ended with ${exitCode}: ${process.written()}`);
}

const ENDED_BY_SIGTERM = 143;
