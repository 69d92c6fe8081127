import { openControl } from "../app.ts";
import { type Config, loadConfig } from "../config.ts";
import type { Connection } from "../snowflake/connection.ts";
import { checkSchema } from "../snowflake/schema-check.ts";
import {
  changeOfSummary,
  describeKept,
  readOperatorSummary,
  renderOperatorSummary,
} from "../snowflake/operator-summary.ts";
import { OPERATOR_SUMMARY, SCRIPTS } from "../snowflake/script-files.ts";
import { applyScripts, type ObjectChange } from "../snowflake/script-run.ts";
import { renderScript, type Script, type ScriptNames } from "../snowflake/scripts.ts";
import { openSnowflake, type SnowflakeAccess } from "../snowflake-access.ts";

/** What most commands need: the settings, Snowflake, and a connection to the queue's tables. */
export interface Control {
  readonly config: Config;
  readonly access: SnowflakeAccess;
  readonly connection: Connection;
}

/** Opens the queue for one command and closes it whatever happens. A local Snowflake gets its tables first. */
export async function withControl<T>(work: (control: Control) => Promise<T>): Promise<T> {
  const config = loadConfig();
  await using access = await openSnowflake(config);
  if (access.local?.isStarted === true) {
    await setUp(access, { operatorEmail: config.mail.operator });
  }
  await using connection = await openControl(access.settings);
  return await work({ config, access, connection });
}

/** Who hears of what setting up finds and does. */
interface SetupListener {
  /** What is there already, before anything is touched; of the daily summary, what was left as it is. */
  readonly onFinding: (finding: string) => void;
  readonly onChange: (change: ObjectChange) => void;
}

interface SetupOptions {
  /** Of the roles; the others are those of the settings. */
  readonly names?: ScriptNames;
  /** Null: no daily summary is made; one that is there stays. */
  readonly operatorEmail?: string | null;
  readonly listener?: SetupListener;
}

/**
 * Applies the scripts. The session opens before the schema is there. Throws ReportError `configuration` and changes
 * nothing when the schema holds what the scripts did not make.
 */
export async function setUp(
  access: Pick<SnowflakeAccess, "settings">,
  { names = {}, operatorEmail = null, listener }: SetupOptions = {},
): Promise<void> {
  const all = { ...names, ...placeNames(access) };
  const scripts = renderScripts(all, operatorEmail);
  await using connection = await openControl(access.settings);
  const findings = await checkSchema(connection, scripts, all);
  for (const finding of findings) listener?.onFinding(finding);
  const before = operatorEmail === null ? null : await readOperatorSummary(connection, all);
  await applyScripts(connection, scripts, listener?.onChange);
  const summary = scripts.find(({ name }) => name === OPERATOR_SUMMARY.name);
  if (summary === undefined || operatorEmail === null) return;
  listener?.onChange(changeOfSummary(before, summary));
  if (before === null) return;
  for (const finding of describeKept(before, operatorEmail)) listener?.onFinding(finding);
}

/** All that `setUp` applies, in its order, with an installation's names. */
export function renderScripts(names: ScriptNames, operatorEmail: string | null): Script[] {
  const scripts = SCRIPTS.map(({ name, text }) => ({ name, text: renderScript(text, names) }));
  return operatorEmail === null
    ? scripts
    : [...scripts, renderOperatorSummary(OPERATOR_SUMMARY, operatorEmail, names)];
}

function placeNames({ settings }: Pick<SnowflakeAccess, "settings">): ScriptNames {
  const { database, schema, warehouse } = settings;
  return {
    ...(database === undefined ? {} : { database }),
    ...(schema === undefined ? {} : { schema }),
    ...(warehouse === undefined ? {} : { warehouse }),
  };
}
