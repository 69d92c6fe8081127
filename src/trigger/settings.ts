import { z } from "zod";

const local = z.object({
  WORKER_MODE: z.literal("local"),
  LOCAL_TRIGGER_URL: z.url().default("http://127.0.0.1:8080/trigger"),
});

const ecs = z.object({
  WORKER_MODE: z.literal("ecs").default("ecs"),
  ECS_CLUSTER: z.string().min(1),
  ECS_SERVICE: z.string().min(1),
});

const common = z.object({
  WORKERS_MAX: z.coerce.number().int().min(1).max(100).default(10),
  /** May be assumed by EventBridge Scheduler to call this function. Without it no wake-up is planned. */
  SCHEDULER_ROLE_ARN: z.string().optional(),
  WAKE_UP_NAME: z.string().default("report-service-wake-up"),
  BUCKET: z.string().min(1),
  /** What stands before `r/{token}` in a link, such as https://id.execute-api.region.amazonaws.com/prod/. */
  LINK_BASE_URL: z.url(),
  LINK_KEY_PARAMETER: z.string().min(1),
  /** Set: an emulator, which has no host name for each bucket. */
  AWS_ENDPOINT_URL: z.string().optional(),
  LINK_DAYS: z.coerce.number().int().min(1).max(365).default(30),
});

/** What the function knows of its surroundings. */
export type TriggerSettings = z.output<typeof common> &
  (z.output<typeof ecs> | z.output<typeof local>);

/** Reads the function's environment. Throws an Error that names every variable that is missing or wrong. */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
): TriggerSettings {
  const where = environment["WORKER_MODE"] === "local" ? local : ecs;
  const result = z.intersection(common, where).safeParse(environment);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(`The function's environment is wrong: ${problems.join("; ")}`);
}
