import { type Artifact, isStaged } from "./artifact.ts";
import { layOutPreviewHtml, layOutPreviewText, type Preview } from "./preview.ts";

/** A rendered message: data that a sender only has to send. */
export interface Message {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly attachments: readonly Attachment[];
}

export interface Attachment {
  readonly fileName: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** Set: shown where the HTML refers to it ("cid:..."), and not among the files. */
  readonly contentId?: string;
}

/** A file that is not attached, where it is, and why. */
export interface LinkedArtifact {
  readonly artifact: Artifact;
  readonly url: string;
  readonly reason: string;
}

/** What a message says of a run. Times in UTC. */
export interface MessageFacts {
  readonly runId: string;
  readonly configId: string;
  readonly reportName: string;
  readonly rowCount: number | null;
  readonly queryId: string | null;
  readonly scheduledFor: Date | null;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly warnings: readonly { readonly message: string }[];
}

/** Base64 makes 4 bytes of 3 and breaks a line after 76, which costs two more. */
const ENCODED_FACTOR = (4 / 3) * (78 / 76);

/** Decides which files fit into one mail of `encodedBytesMax`; the smallest first, so that most are at hand. */
export function chooseAttachments(
  artifacts: readonly Artifact[],
  encodedBytesMax: number,
): { attached: Artifact[]; linked: Artifact[] } {
  const attached: Artifact[] = [];
  const linked: Artifact[] = [];
  let encodedBytes = 0;
  for (const artifact of artifacts.toSorted((a, b) => a.sizeBytes - b.sizeBytes)) {
    encodedBytes += artifact.sizeBytes * ENCODED_FACTOR;
    (encodedBytes <= encodedBytesMax ? attached : linked).push(artifact);
  }
  const order = (artifact: Artifact): number => artifacts.indexOf(artifact);
  return {
    attached: attached.toSorted((a, b) => order(a) - order(b)),
    linked: linked.toSorted((a, b) => order(a) - order(b)),
  };
}

/** Why a file comes as a link. */
export function linkReason(artifact: Artifact, encodedBytesMax: number): string {
  if (encodedBytesMax === 0) {
    return isStaged(artifact.uri)
      ? "no files are attached here; it is good for 7 days"
      : "no files are attached here";
  }
  const reason = `${formatBytes(artifact.sizeBytes)} is too large to attach beside the rest (limit ${formatBytes(encodedBytesMax)} as encoded for mail)`;
  return isStaged(artifact.uri) ? `${reason}; it is good for 7 days` : reason;
}

const CHART_ID = "chart@report-service";

/** The message to a recipient of a completed run. */
export function writeResultMessage(
  facts: MessageFacts,
  artifacts: readonly Artifact[],
  attachments: readonly Attachment[],
  linked: readonly LinkedArtifact[],
  preview: Preview | null = null,
): Message {
  const rows = facts.rowCount ?? 0;
  const name = oneLine(facts.reportName);
  const subject = `${name} (${formatCount(rows)} ${rows === 1 ? "row" : "rows"})`;
  const files = artifacts.map((artifact) => describeFile(artifact, linked));
  const notes = facts.warnings.map((warning) => warning.message);
  return {
    subject,
    text: layOutText(facts.reportName, [
      { heading: "Preview", lines: preview === null ? [] : layOutPreviewText(preview, rows) },
      { heading: "Files", lines: files.map((file) => file.text) },
      { heading: "Notes", lines: notes },
      { heading: "Figures", lines: describeRun(facts) },
    ]),
    html: layOutHtml(
      facts.reportName,
      [
        { heading: "Files", lines: files.map((file) => file.html) },
        { heading: "Notes", lines: notes.map(escapeHtml) },
        { heading: "Figures", lines: describeRun(facts).map(escapeHtml) },
      ],
      preview === null ? "" : layOutPreviewHtml(preview, rows, CHART_ID),
    ),
    attachments: [...attachments, ...inlineChart(preview)],
  };
}

function inlineChart(preview: Preview | null): Attachment[] {
  if (preview === null || preview.chart === null) return [];
  const bytes = Buffer.from(preview.chart, "base64");
  return [{ fileName: "chart.png", mediaType: "image/png", bytes, contentId: CHART_ID }];
}

/** The message to the owner of a failed run. */
export function writeFailureMessage(facts: MessageFacts): Message {
  const error = `${facts.errorMessage ?? "unknown"} (${facts.errorCode ?? "unknown"})`;
  const todo =
    facts.errorCode === "invalid_report" || facts.errorCode === "statement_refused"
      ? `Correct the row in REPORT_CONFIG, then: report-service retry ${facts.configId}`
      : `When the cause is gone: report-service retry ${facts.configId}`;
  const title = `Failed: ${oneLine(facts.reportName)}`;
  const sections = [
    { heading: "What went wrong", lines: [error] },
    { heading: "What to do", lines: [todo] },
    { heading: "Figures", lines: describeRun(facts) },
  ];
  return layOutMessage(title, title, sections);
}

/** A message without files; nothing in it is HTML. */
export function layOutMessage(
  subject: string,
  title: string,
  sections: readonly Section[],
): Message {
  const escaped = sections.map(({ heading, lines }) => ({
    heading,
    lines: lines.map(escapeHtml),
  }));
  return {
    subject,
    text: layOutText(title, sections),
    html: layOutHtml(title, escaped),
    attachments: [],
  };
}

/** 1 kB is 1,000 bytes. */
export function formatBytes(sizeBytes: number): string {
  if (sizeBytes < 1_000) return `${sizeBytes} B`;
  if (sizeBytes < 1_000_000) return `${(sizeBytes / 1_000).toFixed(1)} kB`;
  if (sizeBytes < 1_000_000_000) return `${(sizeBytes / 1_000_000).toFixed(1)} MB`;
  return `${(sizeBytes / 1_000_000_000).toFixed(2)} GB`;
}

export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** The owner of a row that was refused for a line break in its name is told by that name. */
export function oneLine(name: string): string {
  return name.replace(/[\p{Cc}\s]+/gu, " ").trim();
}

function describeFile(
  artifact: Artifact,
  linked: readonly LinkedArtifact[],
): { text: string; html: string } {
  const what = `${artifact.fileName}, ${formatBytes(artifact.sizeBytes)}`;
  const link = linked.find((item) => item.artifact === artifact);
  if (link === undefined)
    return { text: `${what}, attached`, html: escapeHtml(`${what}, attached`) };
  return {
    text: `${what}: ${link.url}\n    (a link, because ${link.reason})`,
    html: `<a href="${escapeHtml(link.url)}">${escapeHtml(what)}</a> (a link, because ${escapeHtml(link.reason)})`,
  };
}

export function describeRun(facts: MessageFacts): string[] {
  const seconds = (facts.finishedAt.getTime() - facts.startedAt.getTime()) / 1_000;
  const lines = [
    facts.rowCount === null ? null : `Rows: ${formatCount(facts.rowCount)}`,
    facts.scheduledFor === null ? null : `Scheduled for: ${formatInstant(facts.scheduledFor)}`,
    `Finished: ${formatInstant(facts.finishedAt)}, after ${seconds.toFixed(1)} s`,
    facts.queryId === null ? null : `Snowflake query: ${facts.queryId}`,
    `Report: ${facts.configId}`,
    `Run: ${facts.runId}`,
  ];
  return lines.filter((line) => line !== null);
}

function formatInstant(instant: Date): string {
  return `${instant.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

export interface Section {
  readonly heading: string;
  readonly lines: readonly string[];
}

function layOutText(title: string, sections: readonly Section[]): string {
  const blocks = sections
    .filter((section) => section.lines.length > 0)
    .map(({ heading, lines }) => `${heading}\n${lines.map((line) => `  ${line}`).join("\n")}`);
  return `${[title, ...blocks].join("\n\n")}\n`;
}

function layOutHtml(title: string, sections: readonly Section[], first = ""): string {
  const blocks = sections
    .filter((section) => section.lines.length > 0)
    .map(
      ({ heading, lines }) =>
        `<h2 style="font-size:14px;margin:16px 0 4px">${heading}</h2>` +
        `<ul style="margin:0;padding-left:18px">${lines.map((line) => `<li>${line}</li>`).join("")}</ul>`,
    );
  return (
    `<!doctype html><html lang="en"><body style="font:14px/1.5 system-ui,sans-serif;color:#1c2733">` +
    `<h1 style="font-size:18px;margin:0">${escapeHtml(title)}</h1>${first}${blocks.join("")}</body></html>`
  );
}

function escapeHtml(text: string): string {
  return Bun.escapeHTML(text);
}
