import { resolve } from "node:path";
import type { Config } from "./config.ts";
import { openFolderStore } from "./local/folder-store.ts";
import { openNoticeSender } from "./local/notice.ts";
import { openOutbox } from "./local/outbox.ts";
import { openEmailSender } from "./notify/email.ts";
import { openSlackSender } from "./notify/slack.ts";
import { ReportError } from "./report/errors.ts";
import type { Scaling } from "./worker/attendance.ts";
import type { Clock, Senders, Store } from "./worker/ports.ts";

/** What a worker reaches beside Snowflake: AWS where a bucket is configured, this machine otherwise. */
export interface Surroundings extends AsyncDisposable {
  readonly store: Store;
  readonly senders: Senders;
  /** Null: nobody starts and stops workers. */
  readonly scaling: Scaling | null;
}

export interface SurroundingsOptions {
  /** One line for a person, where nothing else takes a notice. */
  readonly print: (line: string) => void;
  /** Slack's addresses by name, of the secret. */
  readonly webhooks: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

export async function openSurroundings(
  config: Config,
  options: SurroundingsOptions,
): Promise<Surroundings> {
  return config.cloud.bucket === null
    ? openLaptop(config, options)
    : await openCloud(config, config.cloud.bucket, options);
}

function openLaptop(config: Config, { print, webhooks }: SurroundingsOptions): Surroundings {
  const transport = openOutbox(resolve(config.outputFolder, "outbox"));
  const hasWebhooks = Object.keys(webhooks).length > 0;
  return {
    store: openFolderStore(resolve(config.outputFolder)),
    senders: {
      EMAIL: openEmailSender({ ...config.mail, transport }),
      SNS: openNoticeSender("SNS", print),
      SLACK: hasWebhooks ? openSlackSender({ webhooks }) : openNoticeSender("SLACK", print),
    },
    scaling: null,
    [Symbol.asyncDispose]: async () => {},
  };
}

async function openCloud(
  config: Config,
  bucket: string,
  { webhooks, clock }: SurroundingsOptions,
): Promise<Surroundings> {
  const { cloud } = config;
  const [{ openS3Store }, { openSesTransport }, { openSnsSender }] = await Promise.all([
    import("./aws/s3-store.ts"),
    import("./aws/ses.ts"),
    import("./aws/sns.ts"),
  ]);
  await using opened = new AsyncDisposableStack();
  const trigger = await openTrigger(config, opened);
  const store = opened.use(
    await openS3Store({
      bucket,
      prefix: cloud.bucketPrefix,
      forcePathStyle: cloud.isEmulated,
      createLink: trigger.createLink,
      clock,
    }),
  );
  const transport = opened.use(await openSesTransport());
  const senders = {
    EMAIL: openEmailSender({ ...config.mail, transport }),
    SNS: opened.use(await openSnsSender()),
    SLACK: openSlackSender({ webhooks }),
  };
  const owned = opened.move();
  const { scaling } = trigger;
  return { store, senders, scaling, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

interface TriggerAccess {
  readonly scaling: Scaling | null;
  readonly createLink: (key: string, fileName: string) => Promise<string>;
}

/** The function makes links and owns the number of workers; the agent of the task protects this one. */
async function openTrigger(config: Config, opened: AsyncDisposableStack): Promise<TriggerAccess> {
  const { triggerFunction, agentUrl } = config.cloud;
  if (triggerFunction === null) {
    return {
      scaling: null,
      createLink: async (_key, fileName) => {
        const reason = "TRIGGER_FUNCTION: is not set, and only that function makes links";
        throw new ReportError("configuration", `${fileName} cannot be linked: ${reason}`);
      },
    };
  }
  const { openTriggerFunction } = await import("./aws/trigger-function.ts");
  const called = opened.use(await openTriggerFunction(triggerFunction));
  const observe: Scaling["observe"] = async (depth) => await called.observe(depth);
  return {
    createLink: async (key, fileName) => await called.createLink(key, fileName),
    scaling: await openScaling(observe, agentUrl),
  };
}

/** Renewed after half of it while the worker works (app.ts), so that no report is too long for it. */
const PROTECTION_MINUTES = 120;

async function openScaling(observe: Scaling["observe"], agentUrl: string | null): Promise<Scaling> {
  // Outside of ECS nothing stops a worker, so there is nothing to be protected from.
  if (agentUrl === null) return { protect: async () => null, release: async () => {}, observe };
  const { openTaskProtection } = await import("./aws/task-protection.ts");
  const protection = openTaskProtection(agentUrl);
  return {
    protect: () => protection.protect(PROTECTION_MINUTES),
    release: () => protection.release(),
    observe,
  };
}
