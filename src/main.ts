import {
  type CommandDef,
  defineCommand,
  renderUsage,
  runCommand,
  type SubCommandsDef,
} from "citty";
import { description, name, version } from "../package.json" with { type: "json" };

/** Loaded when called: `--version` shall not pay for what it does not use. */
const subCommands: SubCommandsDef = {
  worker: async () => (await import("./commands/worker.ts")).worker,
  run: async () => (await import("./commands/run.ts")).run,
  add: async () => (await import("./commands/add.ts")).add,
  list: async () => (await import("./commands/list.ts")).list,
  show: async () => (await import("./commands/show.ts")).show,
  cancel: async () => (await import("./commands/cancel.ts")).cancel,
  retry: async () => (await import("./commands/retry.ts")).retry,
  rerun: async () => (await import("./commands/rerun.ts")).rerun,
  revoke: async () => (await import("./commands/revoke.ts")).revoke,
  next: async () => (await import("./commands/next.ts")).next,
  preview: async () => (await import("./commands/preview.ts")).preview,
  trigger: async () => (await import("./commands/trigger.ts")).trigger,
  health: async () => (await import("./commands/health.ts")).health,
  setup: async () => (await import("./commands/setup.ts")).setup,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  local: async () => (await import("./commands/local.ts")).local,
  demo: async () => (await import("./commands/demo.ts")).demo,
};

const main = defineCommand({
  meta: {
    name,
    version,
    description,
  },
  subCommands,
});

/** Runs the command line and gives back the exit code. */
async function runMain(rawArgs: readonly string[]): Promise<number> {
  const [first = "--help"] = rawArgs;
  if (first === "--version" || first === "-v") {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  if (rawArgs.length === 0 || rawArgs.includes("--help") || rawArgs.includes("-h")) {
    process.stdout.write(`${await describeUsage(first)}\n`);
    return 0;
  }
  try {
    await checkArguments(first, rawArgs.slice(1));
    await runCommand(main, { rawArgs: [...rawArgs] });
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    const { describeFailure } = await import("./commands/failure.ts");
    const { text, exitCode } = describeFailure(thrown);
    process.stderr.write(`${name}: ${text}\n`);
    return exitCode;
  }
}

/** An unknown command is left to citty, which passes over what stands before one. */
async function checkArguments(first: string, rawArgs: readonly string[]): Promise<void> {
  const { refuseUnknown } = await import("./commands/arguments.ts");
  if (first.startsWith("-")) refuseUnknown(name, [first], {});
  const command = await findCommand(first);
  if (command === undefined) return;
  const { args = {} } = command;
  refuseUnknown(first, rawArgs, await (typeof args === "function" ? args() : args));
}

async function describeUsage(name: string): Promise<string> {
  const command = await findCommand(name);
  return await (command === undefined ? renderUsage(main) : renderUsage(command, main));
}

async function findCommand(name: string): Promise<CommandDef | undefined> {
  const lazy = Object.hasOwn(subCommands, name) ? subCommands[name] : undefined;
  return await (typeof lazy === "function" ? lazy() : lazy);
}

// A reader that has seen enough (`report-service list | head`) is no failure.
process.stdout.on("error", (error: Error & { code?: string }) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exit(await runMain(process.argv.slice(2)));
