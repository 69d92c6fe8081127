import { openControl } from "../app.ts";
import { type Config, loadConfig } from "../config.ts";
import type { Connection } from "../snowflake/connection.ts";
import { checkSchema } from "../snowflake/schema-check.ts";
import { SCRIPTS } from "../snowflake/script-files.ts";
import { applyScripts, type ObjectChange } from "../snowflake/script-run.ts";
import { renderScript, type ScriptNames } from "../snowflake/scripts.ts";
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
  if (access.local?.isStarted === true) await setUp(access);
  await using connection = await openControl(access.settings);
  return await work({ config, access, connection });
}

/** Who hears of what setting up finds and does. */
export interface SetupListener {
  /** What is there already, before anything is touched. */
  readonly onFinding: (finding: string) => void;
  readonly onChange: (change: ObjectChange) => void;
}

/**
 * Applies the scripts. `names` are those of the roles; the others are those of the settings. The session opens before the
 * schema is there. Throws ReportError `configuration` and changes nothing when the schema holds what the scripts did not make.
 */
export async function setUp(
  access: Pick<SnowflakeAccess, "settings">,
  names: ScriptNames = {},
  listener?: SetupListener,
): Promise<void> {
  const all = { ...names, ...placeNames(access) };
  const scripts = SCRIPTS.map(({ name, text }) => ({ name, text: renderScript(text, all) }));
  await using connection = await openControl(access.settings);
  const findings = await checkSchema(connection, scripts, all);
  for (const finding of findings) listener?.onFinding(finding);
  await applyScripts(connection, scripts, listener?.onChange);
}

function placeNames({ settings }: Pick<SnowflakeAccess, "settings">): ScriptNames {
  const { database, schema, warehouse } = settings;
  return {
    ...(database === undefined ? {} : { database }),
    ...(schema === undefined ? {} : { schema }),
    ...(warehouse === undefined ? {} : { warehouse }),
  };
}
