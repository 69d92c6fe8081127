import { ReportError } from "../report/errors.ts";
import { renderScript, type ScriptNames } from "./scripts.ts";

/** How Snowflake reaches the service. */
export interface TriggerTarget {
  /** Of POST /trigger. https, or http on this machine for the local Snowflake. */
  readonly url: string;
  /** ARN of the AWS role that Snowflake assumes to call it. */
  readonly roleArn: string;
  /** Sent besides the signature where the API asks for a key. */
  readonly apiKey?: string;
}

/**
 * run_after_deploy.sql of `template` (snowflake/run_after_deploy.template.sql), for the deploy to write and for the local
 * service to run. Without an API key it takes away the one that may be set. Throws ReportError `configuration` for a URL,
 * ARN or key that cannot be one.
 */
export function renderRunAfterDeploy(
  template: string,
  target: TriggerTarget,
  names: ScriptNames = {},
): string {
  const { url, roleArn, apiKey } = target;
  check("the trigger's URL", url, /^(?:https:\/\/|http:\/\/127\.0\.0\.1(?::\d+)?\/)[\w.\-/:]+$/);
  check("the role's ARN", roleArn, /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/);
  if (apiKey !== undefined) check("the API key", apiKey, /^[\w-]{20,128}$/, "the one given");
  const keyed = apiKey === undefined ? template.replace(SET_API_KEY, "UNSET API_KEY") : template;
  const filled = keyed
    .replaceAll("{{TRIGGER_URL}}", url)
    .replaceAll("{{TRIGGER_ROLE_ARN}}", roleArn)
    .replaceAll("{{TRIGGER_API_KEY}}", apiKey ?? "");
  return renderScript(filled, names);
}

const SET_API_KEY = "SET API_KEY = '{{TRIGGER_API_KEY}}'";

/** None of the patterns lets a quote through, so what is filled in stays within its string. */
function check(what: string, value: string, pattern: RegExp, shown = JSON.stringify(value)): void {
  if (pattern.test(value)) return;
  throw new ReportError("configuration", `${what} cannot be right: ${shown}`);
}
