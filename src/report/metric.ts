/** Units of CloudWatch that are used here. */
export type MetricUnit = "Count" | "Seconds";

export interface Metric {
  readonly name: string;
  readonly unit: MetricUnit;
  readonly value: number;
}

export const METRIC_NAMESPACE = "ReportService";

/**
 * A log line that CloudWatch Logs turns into metrics by itself (embedded metric format): no API call, no permission.
 * `properties` are kept in the log beside them and are no dimensions.
 * Source: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function writeMetricLine(
  metrics: readonly Metric[],
  dimensions: Readonly<Record<string, string>>,
  now: Date,
  properties: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    ...properties,
    ...dimensions,
    ...Object.fromEntries(metrics.map(({ name, value }) => [name, value])),
    _aws: {
      Timestamp: now.getTime(),
      CloudWatchMetrics: [
        {
          Namespace: METRIC_NAMESPACE,
          Dimensions: [Object.keys(dimensions)],
          Metrics: metrics.map(({ name, unit }) => ({ Name: name, Unit: unit })),
        },
      ],
    },
  });
}
