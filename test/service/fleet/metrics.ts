import { z } from "zod";

/**
 * What CloudWatch takes metrics from, of a line of a log.
 * Source: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
const line = z.looseObject({
  _aws: z.object({
    Timestamp: z.number().int(),
    CloudWatchMetrics: z
      .array(
        z.object({
          Namespace: z.string().min(1),
          Dimensions: z.array(z.array(z.string()).max(30)).min(1),
          Metrics: z
            .array(z.object({ Name: z.string(), Unit: z.enum(["Count", "Seconds", "Bytes"]) }))
            .min(1)
            .max(100),
        }),
      )
      .min(1),
  }),
});

/** A value, with "RunsCompleted Count" as its name. */
export type MetricValues = Record<string, number[]>;

/** The metrics in a log, which may hold anything else. Throws when a line that has metrics is not as CloudWatch wants it. */
export function readMetrics(lines: readonly unknown[]): MetricValues {
  const found: MetricValues = {};
  for (const written of lines) {
    if (typeof written !== "object" || written === null || !("_aws" in written)) continue;
    const { _aws, ...fields } = line.parse(written);
    if (Math.abs(_aws.Timestamp - Date.now()) > 3_600_000) throw new Error("it is not of now");
    for (const { Dimensions, Metrics } of _aws.CloudWatchMetrics) {
      for (const name of Dimensions.flat()) z.string().min(1).parse(fields[name]);
      for (const { Name, Unit } of Metrics) {
        (found[`${Name} ${Unit}`] ??= []).push(z.number().parse(fields[Name]));
      }
    }
  }
  return found;
}

/** The lines of a process's output, parsed; those that are no JSON are left out. */
export function readJsonLines(output: string): unknown[] {
  return output.split("\n").flatMap((text) => {
    try {
      return [JSON.parse(text)];
    } catch {
      return [];
    }
  });
}
