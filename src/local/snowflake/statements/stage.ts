/** CREATE, DROP, DESCRIBE and SHOW STAGE, LIST and REMOVE. */

import { completePath, fullName } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { alreadyExists, compilationError, doesNotExist, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { NUMBER, statusResult, TEXT } from "../engine/results.ts";
import type { StageEntry } from "../engine/stages/stage-entry.ts";
import type { StagedFile } from "../engine/stages/stage-files.ts";
import { authorize } from "../roles/authorize.ts";
import { findSecurables, securableOf } from "../roles/securables.ts";
import { namesOf } from "../translate/context.ts";
import { TokenReader } from "../translate/tokens.ts";
import { alreadyDropped, changeCatalog, exists, provenance } from "./ddl.ts";
import {
  answer,
  type Cell,
  type Header,
  readScope,
  seconds,
  texts,
  TIME,
  visible,
} from "./show-scope.ts";
import {
  readLocation,
  findStage,
  type StageLocation,
  type StagePrivilege,
} from "./stage-location.ts";
import { readFileFormat } from "./unload-options.ts";

/** CREATE [OR REPLACE] STAGE [IF NOT EXISTS] name [ENCRYPTION] [DIRECTORY] [FILE_FORMAT] [COMMENT]. */
export async function createStage(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("CREATE");
  const orReplace = reader.take("OR", "REPLACE");
  reader.expect("STAGE");
  const ifNotExists = reader.take("IF", "NOT", "EXISTS");
  const path = completePath(reader.path(), namesOf(execution));
  const { catalog, stageFiles } = execution.server.storage;
  catalog.requireSchema(path.slice(0, 2));
  for (const schema of findSecurables(catalog, "SCHEMA", path.slice(0, 2)))
    authorize(execution, schema, ["CREATE STAGE"]);
  const existing = catalog.stage(path);
  const options = readOptions(reader);
  if (existing !== undefined && ifNotExists) return exists(path[2]);
  if (existing !== undefined && !orReplace) throw alreadyExists(fullName(path));
  const stage: StageEntry = { kind: "stage", path, ...provenance(execution), ...options };
  await changeCatalog(execution, [], () => ({ put: [stage] }));
  if (existing !== undefined) await stageFiles.clear(existing);
  return statusResult(`Stage area ${path[2]} successfully created.`);
}

type Options = Pick<StageEntry, "comment" | "encryption" | "hasDirectory" | "fileFormat">;

function readOptions(reader: TokenReader): Options {
  let options: Options = {
    comment: "",
    encryption: "SNOWFLAKE_FULL",
    hasDirectory: false,
    fileFormat: "",
  };
  while (!reader.done) {
    const name = reader.name();
    reader.take("=");
    if (name === "COMMENT") options = { ...options, comment: reader.string() };
    else if (name === "ENCRYPTION")
      options = { ...options, encryption: readEncryption(reader.textInBrackets()) };
    else if (name === "DIRECTORY")
      options = { ...options, hasDirectory: readDirectory(reader.textInBrackets()) };
    else if (name === "FILE_FORMAT") {
      const fileFormat = reader.textInBrackets();
      readFileFormat(new TokenReader(fileFormat));
      options = { ...options, fileFormat };
    } else if (name === "URL" || name === "STORAGE_INTEGRATION")
      throw unsupported(`an external stage (${name}): the local Snowflake has internal stages`);
    else throw compilationError(`invalid property '${name}' for 'STAGE'`);
  }
  return options;
}

function readEncryption(text: string): Options["encryption"] {
  const reader = new TokenReader(text);
  reader.expect("TYPE", "=");
  const type = reader.next().value.toUpperCase();
  reader.expectEnd();
  if (type === "SNOWFLAKE_FULL" || type === "SNOWFLAKE_SSE") return type;
  throw compilationError(`invalid value '${type}' for property 'ENCRYPTION' of an internal stage`);
}

function readDirectory(text: string): boolean {
  const reader = new TokenReader(text);
  reader.expect("ENABLE", "=");
  const isEnabled = reader.take("TRUE");
  if (!isEnabled) reader.expect("FALSE");
  if (reader.take("AUTO_REFRESH", "=") && !reader.take("FALSE"))
    throw unsupported("DIRECTORY with AUTO_REFRESH");
  reader.expectEnd();
  return isEnabled;
}

/** DROP STAGE [IF EXISTS] name, with its files. */
export async function dropStage(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("DROP", "STAGE");
  const isOptional = reader.take("IF", "EXISTS");
  const path = completePath(reader.path(), namesOf(execution));
  reader.expectEnd();
  const { catalog, stageFiles } = execution.server.storage;
  const stage = catalog.stage(path);
  if (stage === undefined) {
    if (!isOptional) throw doesNotExist("Stage", fullName(path));
    return alreadyDropped(path[2]);
  }
  authorize(execution, securableOf(stage), ["OWNERSHIP"]);
  await changeCatalog(execution, [], () => ({ remove: [stage] }));
  await stageFiles.clear(stage);
  return statusResult(`${path[2]} successfully dropped.`);
}

export function showStages(reader: TokenReader, execution: Execution): EngineResult {
  const scope = readScope(reader, execution);
  const stages = visible(execution.server.storage.catalog.listStages(), scope, execution);
  const header: Header = [
    ["created_on", TIME],
    ...texts("name", "database_name", "schema_name", "url", "has_credentials"),
    ...texts("has_encryption_key", "owner", "comment", "type", "directory_enabled"),
  ];
  return answer(header, stages.map(describeRow));
}

function describeRow({ createdAtMs, path, owner, comment, hasDirectory }: StageEntry): Cell[] {
  const [database, schema, name] = path;
  const directory = hasDirectory ? "Y" : "N";
  const owned = [owner, comment, "INTERNAL", directory];
  return [seconds(createdAtMs), name, database, schema, "", "N", "N", ...owned];
}

/** The properties of a stage that there are here. */
export function describeStage(written: readonly string[], execution: Execution): EngineResult {
  const stage = findStage(written, execution);
  const format: Cell[][] = [...readFileFormat(new TokenReader(stage.fileFormat))].map(
    ([name, { text }]) => ["STAGE_FILE_FORMAT", name, "String", text, ""],
  );
  const directory = String(stage.hasDirectory);
  return answer(
    texts("parent_property", "property", "property_type", "property_value", "property_default"),
    [
      ...format,
      ["DIRECTORY", "ENABLE", "Boolean", directory, "false"],
      ["STAGE_ENCRYPTION", "TYPE", "String", stage.encryption, "SNOWFLAKE_FULL"],
    ],
  );
}

interface Listing extends StageLocation {
  readonly files: readonly StagedFile[];
}

/** `verb @stage[/path] [PATTERN = '...']`: the path is a prefix, the pattern is for the whole name. */
async function findFiles(execution: Execution, privilege: StagePrivilege): Promise<Listing> {
  const verb = /^\s*\w+/.exec(execution.sql)?.[0] ?? "";
  const { location, end } = readLocation(execution.sql, verb.length, privilege, execution);
  const reader = new TokenReader(execution.sql.slice(end));
  const pattern = reader.take("PATTERN", "=") ? reader.string() : ".*";
  reader.expectEnd();
  const expression = readPattern(pattern);
  const files = await execution.server.storage.stageFiles.list(location.stage, location.path);
  return { ...location, files: files.filter(({ name }) => expression.test(name)) };
}

function readPattern(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch (error) {
    throw Object.assign(compilationError(`invalid pattern '${pattern}'`), { cause: error });
  }
}

/** Files are shown with the stage's name in front, in lower case. */
function shownName(stage: StageEntry, name: string): string {
  return `${stage.path[2].toLowerCase()}/${name}`;
}

export async function listStage(execution: Execution): Promise<EngineResult> {
  const { stage, files } = await findFiles(execution, "READ");
  const { stageFiles } = execution.server.storage;
  const rows: Cell[][] = [];
  for (const { name, sizeBytes, modifiedAtMs } of files) {
    const md5 = await stageFiles.hashMd5(stage, name);
    rows.push([shownName(stage, name), sizeBytes, md5, new Date(modifiedAtMs).toUTCString()]);
  }
  return answer([["name", TEXT], ["size", NUMBER], ...texts("md5", "last_modified")], rows);
}

export async function removeFromStage(execution: Execution): Promise<EngineResult> {
  const { stage, files } = await findFiles(execution, "WRITE");
  for (const { name } of files) await execution.server.storage.stageFiles.remove(stage, name);
  const rows = files.map(({ name }): Cell[] => [shownName(stage, name), "removed"]);
  return answer(texts("name", "result"), rows);
}
