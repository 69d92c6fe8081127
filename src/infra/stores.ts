import { addressOf, type DeploymentSettings, stageName } from "./settings.ts";

export interface Stores {
  readonly bucket: sst.aws.Bucket;
  readonly topic: sst.aws.SnsTopic;
  /** Of the sender in SES. Null: no sender is configured, and nothing is mailed. */
  readonly identityArn: $util.Output<string> | null;
  readonly secret: aws.secretsmanager.Secret;
}

/** Below these keys files and links' markers lie. */
export const REPORTS_PREFIX = "reports/";
export const LINKS_PREFIX = "links/";

export function createStores(settings: DeploymentSettings): Stores {
  const topic = new sst.aws.SnsTopic("Completed");
  requireTls("Completed", topic.arn);
  return {
    bucket: createBucket(settings),
    topic,
    identityArn: createIdentity(settings),
    secret: createSecret(),
  };
}

/**
 * The policy of a topic: what its account and CloudWatch's alarms may do by default, but over TLS only. `name` is the
 * policy's.
 */
export function requireTls(name: string, topicArn: $util.Input<string>): void {
  const account = aws.getCallerIdentityOutput().accountId;
  const partition = aws.getPartitionOutput().partition;
  const publish = { Action: "sns:Publish", Resource: topicArn };
  new aws.sns.TopicPolicy(`${name}Policy`, {
    arn: topicArn,
    policy: $jsonStringify({
      Version: "2012-10-17",
      Statement: [
        {
          ...publish,
          Effect: "Allow",
          Principal: { AWS: $interpolate`arn:${partition}:iam::${account}:root` },
        },
        {
          ...publish,
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Condition: { StringEquals: { "aws:SourceAccount": account } },
        },
        {
          ...publish,
          Effect: "Deny",
          Principal: { AWS: "*" },
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    }),
  });
}

/**
 * Private and over TLS only, as SST makes it; encrypted; what is old goes by itself. A link's marker stays as long as its
 * file, so that a link that was taken back cannot be made again.
 */
function createBucket({
  DEPLOY_ARTIFACT_DAYS,
  DEPLOY_LINK_DAYS,
}: DeploymentSettings): sst.aws.Bucket {
  const markerDays = Math.max(DEPLOY_ARTIFACT_DAYS, DEPLOY_LINK_DAYS);
  const bucket = new sst.aws.Bucket("Reports", {
    cors: false,
    lifecycle: [
      { id: "files", prefix: REPORTS_PREFIX, expiresIn: `${DEPLOY_ARTIFACT_DAYS} days` },
      { id: "links", prefix: LINKS_PREFIX, expiresIn: `${markerDays} days` },
    ],
    transform: {
      lifecycle: (args) => {
        args.rules = $util
          .output(args.rules)
          .apply((rules) => [...(rules ?? []), ABANDONED_UPLOADS]);
      },
    },
  });
  new aws.s3.BucketServerSideEncryptionConfiguration("ReportsEncryption", {
    bucket: bucket.name,
    rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
  });
  return bucket;
}

/** A worker that dies in the middle of an upload leaves parts that nobody sees and everybody pays. */
const ABANDONED_UPLOADS = {
  id: "abandoned-uploads",
  status: "Enabled",
  filter: {},
  abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
} as const;

function createIdentity({
  MAIL_FROM,
  DEPLOY_MAIL_IDENTITY,
}: DeploymentSettings): $util.Output<string> | null {
  if (MAIL_FROM === undefined) return null;
  if (DEPLOY_MAIL_IDENTITY === undefined) {
    return new aws.sesv2.EmailIdentity("Sender", { emailIdentity: addressOf(MAIL_FROM) }).arn;
  }
  const region = aws.getRegionOutput().region;
  const account = aws.getCallerIdentityOutput().accountId;
  const partition = aws.getPartitionOutput().partition;
  return $interpolate`arn:${partition}:ses:${region}:${account}:identity/${DEPLOY_MAIL_IDENTITY}`;
}

/** Its value is put in by a person and never is in a template or a state. */
function createSecret(): aws.secretsmanager.Secret {
  const isProduction = $app.stage === "prod";
  return new aws.secretsmanager.Secret("Snowflake", {
    name: stageName("report-service/snowflake", $app.stage),
    description: "How the report service logs in to Snowflake; see README.md",
    recoveryWindowInDays: isProduction ? 30 : 0,
  });
}
