import { z } from "zod";
import { messageOf, ReportError } from "../report/errors.ts";
import { parseJson } from "./json.ts";

/** Keeps ECS from stopping this task while it works. */
export interface TaskProtection {
  /**
   * Null: protected for so many minutes (1 to 2,880) from now. Otherwise why ECS refuses, and nothing may be claimed.
   * Throws ReportError: `configuration` when the role lacks the permission, `internal` when the agent does not answer.
   */
  protect(minutes: number): Promise<string | null>;
  /** Throws as `protect` does; a protection that stays runs out by itself. */
  release(): Promise<void>;
}

/** The agent itself gives up after a few seconds. */
const TIMEOUT_MS = 6_000;

/**
 * ECS's refusal comes with status 200 and a `failure`; what the API says of the request with 400 or 500 and an `error`.
 * Source: docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
 */
const answerSchema = z.object({
  protection: z.object({ ProtectionEnabled: z.boolean() }).nullish(),
  failure: z.object({ Reason: z.string(), Detail: z.string().nullish() }).nullish(),
  error: z.object({ Code: z.string(), Message: z.string() }).nullish(),
});

type Answer = z.output<typeof answerSchema>;

/** Through the agent of the task, `$ECS_AGENT_URI`. */
export function openTaskProtection(agentUrl: string, timeoutMs = TIMEOUT_MS): TaskProtection {
  const put = (state: object): Promise<Answer> =>
    putState(`${agentUrl}/task-protection/v1/state`, state, timeoutMs);
  return {
    protect: async (minutes) => {
      const answer = await put({ ProtectionEnabled: true, ExpiresInMinutes: minutes });
      if (answer.protection?.ProtectionEnabled === true) return null;
      return describeRefusal(answer);
    },
    release: async () => {
      const answer = await put({ ProtectionEnabled: false });
      if (answer.protection?.ProtectionEnabled === false) return;
      throw new ReportError("internal", `the task stays protected: ${describeRefusal(answer)}`);
    },
  };
}

function describeRefusal({ failure }: Answer): string {
  if (failure === null || failure === undefined) return "ECS does not say why";
  return [failure.Reason, failure.Detail].filter(Boolean).join(": ");
}

async function putState(url: string, state: object, timeoutMs: number): Promise<Answer> {
  const { status, text } = await callAgent(url, state, timeoutMs);
  const { data: answer } = answerSchema.safeParse(parseJson(text));
  const error = answer?.error ?? null;
  if (error?.Code === "AccessDeniedException") {
    const advice = "allow ecs:UpdateTaskProtection on the cluster's tasks to the task role";
    throw new ReportError(
      "configuration",
      `the task may not protect itself; ${advice} (${error.Message})`,
    );
  }
  if (answer === undefined || error !== null || status !== 200) {
    const said = error === null ? text.slice(0, 200) : `${error.Code}: ${error.Message}`;
    throw new ReportError("internal", `the ECS agent answered ${status}: ${said}`);
  }
  return answer;
}

async function callAgent(
  url: string,
  state: object,
  timeoutMs: number,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(state),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, text: await response.text() };
  } catch (thrown) {
    const reason = `the ECS agent is out of reach: ${messageOf(thrown)}`;
    throw new ReportError("internal", reason, { cause: thrown });
  }
}
