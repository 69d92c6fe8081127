import {
  ConflictException,
  CreateScheduleCommand,
  ResourceNotFoundException,
  type SchedulerClient,
  UpdateScheduleCommand,
  type UpdateScheduleInput,
} from "@aws-sdk/client-scheduler";
import { messageOf } from "../report/errors.ts";

/** One planned call of this function, so that a SCHEDULED report runs on its minute while no worker is there. */
export interface WakeUps {
  plan(at: Date): Promise<void>;
}

/** A task needs about this long to start. */
const LEAD_MS = 60_000;
/** EventBridge Scheduler keeps to the minute and refuses times that are over. */
const SOONEST_MS = 60_000;

/** When to wake for something that is due at `dueAt`: before it by the time that a worker needs to start. */
export function wakeUpTime(dueAt: Date, now: Date): Date {
  return new Date(Math.max(dueAt.getTime() - LEAD_MS, now.getTime() + SOONEST_MS));
}

/** An entry of EventBridge Scheduler, always the same one: a later plan replaces an earlier one. It removes itself. */
export function openWakeUps(
  client: SchedulerClient,
  entry: { readonly name: string; readonly functionArn: string; readonly roleArn: string },
): WakeUps {
  return {
    plan: async (at) => {
      const schedule = {
        Name: entry.name,
        ScheduleExpression: `at(${at.toISOString().slice(0, 19)})`,
        ScheduleExpressionTimezone: "UTC",
        FlexibleTimeWindow: { Mode: "OFF" },
        ActionAfterCompletion: "DELETE",
        Target: {
          Arn: entry.functionArn,
          RoleArn: entry.roleArn,
          Input: JSON.stringify({ source: "wake-up" }),
          RetryPolicy: { MaximumRetryAttempts: 5 },
        },
      } as const;
      try {
        if (await update(client, schedule)) return;
        await client.send(new CreateScheduleCommand(schedule));
      } catch (thrown) {
        // Somebody made it between the two calls; of two plans of the same moment either will do.
        if (thrown instanceof ConflictException) return;
        const isDenied = thrown instanceof Error && thrown.name === "AccessDeniedException";
        const needed = `scheduler:UpdateSchedule, scheduler:CreateSchedule and iam:PassRole of ${entry.roleArn}`;
        const advice = isDenied ? `; the function's role needs ${needed}` : "";
        throw new Error(
          `the schedule "${entry.name}" cannot be planned (${messageOf(thrown)})${advice}`,
          { cause: thrown },
        );
      }
    },
  };
}

/** False: there is none, because it never was or has run and removed itself. */
async function update(client: SchedulerClient, schedule: UpdateScheduleInput): Promise<boolean> {
  try {
    await client.send(new UpdateScheduleCommand(schedule));
    return true;
  } catch (thrown) {
    if (thrown instanceof ResourceNotFoundException) return false;
    throw thrown;
  }
}
