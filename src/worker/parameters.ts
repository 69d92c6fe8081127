import { asReportError, ReportError } from "../report/errors.ts";
import {
  hideSecrets,
  type Parameter,
  type Parameters,
  writeParameters,
} from "../report/parameter-values.ts";
import type { BuiltIn } from "../report/parameters.ts";
import type { Report } from "../report/request.ts";
import type { Run } from "./run.ts";

/** The values that the row gives and the built-in ones that its SQL uses; the audit keeps all but the secrets. */
export async function collectParameters(run: Run, report: Report): Promise<Parameters> {
  const builtIns: [string, Parameter][] = [];
  for (const name of report.builtIns) builtIns.push([name, await readBuiltIn(run, name)]);
  const parameters = { ...report.parameters, ...Object.fromEntries(builtIns) };
  run.facts.parameters = writeParameters(parameters);
  return parameters;
}

async function readBuiltIn(run: Run, name: BuiltIn): Promise<Parameter> {
  switch (name) {
    case "run_id":
      return { type: "TEXT", value: run.claim.runId, isSecret: false };
    case "scheduled_for":
      return instantParameter(run.facts.scheduledFor);
    case "last_run_at": {
      const last = await run.ports.queue.lastCompleted(run.claim.configId);
      return instantParameter(last === null ? null : (last.dataAsOf ?? last.startedAt));
    }
  }
}

/** UTC wall time. */
export function instantParameter(instant: Date | null): Parameter {
  const value = instant === null ? null : instant.toISOString().slice(0, -1).replace("T", " ");
  return { type: "TIMESTAMP_NTZ", value, isSecret: false };
}

/** The warehouse quotes values that it cannot convert, so what it says may hold a secret. */
export function withoutSecrets(thrown: unknown, report: Report | null): ReportError {
  const error = asReportError(thrown);
  const message = hideSecrets(error.message, report?.parameters ?? {});
  if (message === error.message) return error;
  const { code, warehouse, retryable } = error;
  return new ReportError(code, message, { warehouse, retryable });
}
