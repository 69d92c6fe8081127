import type { DeploymentSettings } from "./settings.ts";
import { requireTls } from "./stores.ts";
import type { Trigger } from "./trigger.ts";

/** Of src/report/metric.ts, which the image and the function write; this file is run by node alone. */
export const NAMESPACE = "ReportService";

interface AlarmFacts {
  readonly name: string;
  readonly description: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions?: Record<string, $util.Input<string>>;
  readonly statistic: "Sum" | "Maximum" | "SampleCount";
  readonly comparison: "GreaterThanThreshold" | "LessThanThreshold";
  readonly threshold: number;
  readonly periodSeconds: number;
  /** What it means when nothing is heard at all. */
  readonly silence: "breaching" | "notBreaching";
}

const HOUR_SECONDS = 3_600;

/**
 * Alarms that also speak when nothing runs: the tick raises a worker, a worker tells what it sees, and the function
 * makes metrics of it. When that is not heard of for long, something in the chain is broken.
 */
export function createAlarms(settings: DeploymentSettings, trigger: Trigger): void {
  const topic = new aws.sns.Topic("Alarms");
  requireTls("Alarms", topic.arn);
  if (settings.DEPLOY_ALARM_EMAIL !== undefined) {
    new aws.sns.TopicSubscription("AlarmsByMail", {
      topic: topic.arn,
      protocol: "email",
      endpoint: settings.DEPLOY_ALARM_EMAIL,
    });
  }
  for (const facts of listAlarms(settings, trigger)) createAlarm(facts, topic);
}

function createAlarm(facts: AlarmFacts, topic: aws.sns.Topic): void {
  new aws.cloudwatch.MetricAlarm(facts.name, {
    alarmDescription: facts.description,
    namespace: facts.namespace,
    metricName: facts.metric,
    statistic: facts.statistic,
    comparisonOperator: facts.comparison,
    threshold: facts.threshold,
    period: facts.periodSeconds,
    evaluationPeriods: 1,
    treatMissingData: facts.silence,
    alarmActions: [topic.arn],
    okActions: [topic.arn],
    ...(facts.dimensions === undefined ? {} : { dimensions: facts.dimensions }),
  });
}

function listAlarms(settings: DeploymentSettings, trigger: Trigger): AlarmFacts[] {
  const tickSeconds = settings.DEPLOY_TICK_MINUTES * 60;
  // Three ticks, but no less than an hour; CloudWatch takes whole minutes, and at most a day in all.
  const silenceSeconds = Math.min(86_400, Math.max(HOUR_SECONDS, tickSeconds * 3));
  const silence = `for ${silenceSeconds / 60} minutes`;
  const ofTrigger = { namespace: NAMESPACE, dimensions: { Source: "trigger" } } as const;
  return [
    {
      ...ofTrigger,
      name: "OldestPendingAlarm",
      description: "A report has been waiting for more than half an hour",
      metric: "OldestPendingSeconds",
      statistic: "Maximum",
      comparison: "GreaterThanThreshold",
      threshold: 1_800,
      periodSeconds: 900,
      silence: "notBreaching",
    },
    {
      ...ofTrigger,
      name: "QueueDepthAlarm",
      description: "More than ten reports are waiting for each worker that there may be",
      metric: "QueuePending",
      statistic: "Maximum",
      comparison: "GreaterThanThreshold",
      threshold: settings.DEPLOY_WORKERS_MAX * 10,
      periodSeconds: 900,
      silence: "notBreaching",
    },
    {
      ...ofTrigger,
      name: "TriggerFailureAlarm",
      description:
        "The service could not be raised or lowered, or a worker not start; see the function's log",
      metric: "TriggerErrors",
      statistic: "Sum",
      comparison: "GreaterThanThreshold",
      threshold: 0,
      periodSeconds: 300,
      silence: "notBreaching",
    },
    {
      ...ofTrigger,
      name: "NobodyLooksAlarm",
      description: `No worker has told of the queue ${silence}: image, network or Snowflake`,
      metric: "QueuePending",
      statistic: "SampleCount",
      comparison: "LessThanThreshold",
      threshold: 1,
      periodSeconds: silenceSeconds,
      silence: "breaching",
    },
    {
      namespace: "AWS/Lambda",
      name: "TriggerErrorAlarm",
      description: "The trigger's function failed",
      metric: "Errors",
      dimensions: { FunctionName: trigger.function.name },
      statistic: "Sum",
      comparison: "GreaterThanThreshold",
      threshold: 0,
      periodSeconds: 300,
      silence: "notBreaching",
    },
    {
      namespace: "AWS/Lambda",
      name: "TickAlarm",
      description: `The function was not called ${silence}: the schedule is off`,
      metric: "Invocations",
      dimensions: { FunctionName: trigger.function.name },
      statistic: "Sum",
      comparison: "LessThanThreshold",
      threshold: 1,
      periodSeconds: silenceSeconds,
      silence: "breaching",
    },
    {
      namespace: NAMESPACE,
      name: "FailedRunsAlarm",
      description: "Reports have failed for good; see REPORT_STATUS and the worker's log",
      metric: "RunsFailed",
      dimensions: { Source: "worker" },
      statistic: "Sum",
      comparison: "GreaterThanThreshold",
      threshold: 0,
      periodSeconds: HOUR_SECONDS,
      silence: "notBreaching",
    },
    {
      namespace: NAMESPACE,
      name: "FailedDeliveriesAlarm",
      description: "Messages were given up: sender, recipients or topic; see REPORT_DELIVERY",
      metric: "DeliveriesFailed",
      dimensions: { Source: "worker" },
      statistic: "Sum",
      comparison: "GreaterThanThreshold",
      threshold: 0,
      periodSeconds: HOUR_SECONDS,
      silence: "notBreaching",
    },
    {
      namespace: NAMESPACE,
      name: "SnowflakeAlarm",
      description: "Workers could not reach Snowflake, or were refused",
      metric: "SnowflakeUnavailable",
      dimensions: { Source: "worker" },
      statistic: "Sum",
      comparison: "GreaterThanThreshold",
      threshold: 3,
      periodSeconds: 300,
      silence: "notBreaching",
    },
  ];
}
