/** DESCRIBE. */

import { type ColumnEntry, completePath } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { answer, type Cell, texts } from "./show-scope.ts";
import { describeStream } from "./show-streams.ts";
import { describeTask } from "./show-tasks.ts";
import { describeIntegration } from "./integration.ts";
import { describeRoutine } from "./routine.ts";
import { describeStage } from "./stage.ts";
import { describeUser } from "./show-users.ts";
import { writeType } from "../translate/snowflake-types.ts";
import { TokenReader } from "../translate/tokens.ts";
import { namesOf } from "../translate/context.ts";

/** DESCRIBE TABLE | VIEW | STREAM | STAGE | TASK | USER name. */
export function describeObject(execution: Execution): EngineResult {
  const reader = new TokenReader(execution.sql);
  if (!reader.take("DESCRIBE")) reader.expect("DESC");
  const kind = reader.name();
  if (kind === "USER") return describeUser(reader, execution);
  if (kind === "TASK") return describeTask(reader, execution);
  if (kind === "STREAM") return describeStream(reader, execution);
  if (kind === "PROCEDURE") return describeRoutine("procedure", reader, execution);
  if (kind === "FUNCTION") return describeRoutine("function", reader, execution);
  if (kind === "INTEGRATION" || (kind === "API" && reader.take("INTEGRATION")))
    return describeIntegration(reader, execution);
  if (kind === "STAGE") return describeStage(reader.path(), execution);
  if (kind !== "TABLE" && kind !== "VIEW") throw unsupported(`DESCRIBE ${kind}`);
  const entry = execution.server.storage.catalog.get(
    completePath(reader.path(), namesOf(execution)),
    execution.state.id,
  );
  reader.expectEnd();
  const columns = entry.kind === "stream" ? [] : entry.columns;
  const header = texts(
    "name",
    "type",
    "kind",
    "null?",
    "default",
    "primary key",
    "unique key",
    "check",
    "expression",
    "comment",
    "policy name",
  );
  return answer(header, columns.map(describeColumn));
}

function describeColumn({
  name,
  type,
  nullable,
  default: value,
  sequence,
  comment,
  isPrimaryKey,
}: ColumnEntry): Cell[] {
  const shown = sequence === null ? value : "IDENTITY START 1 INCREMENT 1 NOORDER";
  return [
    name,
    writeType(type),
    "COLUMN",
    nullable ? "Y" : "N",
    shown,
    isPrimaryKey ? "Y" : "N",
    "N",
    null,
    null,
    comment === "" ? null : comment,
    null,
  ];
}
