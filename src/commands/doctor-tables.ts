import { ReportError } from "../report/errors.ts";
import type { Connection } from "../snowflake/connection.ts";
import { checked, type Tell } from "./findings.ts";

interface TableCheck {
  readonly name: string;
  readonly kind: "TABLE" | "VIEW";
  readonly privileges: string;
  /** A statement that changes no row still needs the privilege, and the columns, of which the newest are read. */
  readonly statements: readonly string[];
}

const CHECKS: readonly TableCheck[] = [
  {
    name: "REPORT_CONFIG",
    kind: "TABLE",
    privileges: "SELECT, INSERT, UPDATE",
    statements: [
      "SELECT AS_OF, RERUN_OF, WAITING_SINCE FROM REPORT_CONFIG WHERE FALSE",
      "UPDATE REPORT_CONFIG SET UPDATED_AT = UPDATED_AT WHERE FALSE",
      "INSERT INTO REPORT_CONFIG (REPORT_NAME, REPORT_SQL) SELECT REPORT_NAME, REPORT_SQL FROM REPORT_CONFIG WHERE FALSE",
    ],
  },
  {
    name: "REPORT_RUN",
    kind: "TABLE",
    privileges: "SELECT, INSERT, UPDATE",
    statements: [
      "SELECT REASON, SQL_SHA256, PARAMETERS, DATA_AS_OF, RESULT_SHA256 FROM REPORT_RUN WHERE FALSE",
      "UPDATE REPORT_RUN SET VERSION = VERSION WHERE FALSE",
      "INSERT INTO REPORT_RUN (RUN_ID, CONFIG_ID, FENCE, ATTEMPT) SELECT RUN_ID, CONFIG_ID, FENCE, ATTEMPT FROM REPORT_RUN WHERE FALSE",
    ],
  },
  {
    name: "REPORT_DELIVERY",
    kind: "TABLE",
    privileges: "SELECT, INSERT, UPDATE",
    statements: [
      "SELECT RECIPIENT_KEY FROM REPORT_DELIVERY WHERE FALSE",
      "UPDATE REPORT_DELIVERY SET ERROR = ERROR WHERE FALSE",
      "INSERT INTO REPORT_DELIVERY (DELIVERY_ID, RUN_ID, CONFIG_ID, CHANNEL, TARGET, KIND, STATE) SELECT DELIVERY_ID, RUN_ID, CONFIG_ID, CHANNEL, TARGET, KIND, STATE FROM REPORT_DELIVERY WHERE FALSE",
    ],
  },
  {
    name: "WORKER_HEARTBEAT",
    kind: "TABLE",
    privileges: "SELECT, INSERT",
    statements: [
      "INSERT INTO WORKER_HEARTBEAT (WORKER_ID, BOOT_ID) SELECT WORKER_ID, BOOT_ID FROM WORKER_HEARTBEAT WHERE FALSE",
    ],
  },
  {
    name: "REPORT_STATUS",
    kind: "VIEW",
    privileges: "SELECT",
    statements: ["SELECT COUNT(*) FROM REPORT_STATUS"],
  },
];

/** Whether the queue's tables are there, of this version, and may be used as the worker uses them. */
export async function checkTables(
  tell: Tell,
  connection: Connection,
  schema: string,
  role: string,
): Promise<void> {
  for (const check of CHECKS) {
    const tellByName: Tell = (finding) =>
      tell(finding.isOk ? finding : { ...finding, text: `${check.name}: ${finding.text}` });
    await checked(
      tellByName,
      "table",
      (error) => advise(check, error, schema, role),
      async () => {
        for (const statement of check.statements) await connection.execute(statement);
      },
      () => check.name,
    );
  }
}

const INSUFFICIENT_PRIVILEGES = "003001";

/** "Does not exist or not authorized" leaves open which of the two it is. */
function advise(check: TableCheck, error: unknown, schema: string, role: string): string {
  const grant = `GRANT ${check.privileges} ON ${check.kind} ${schema}.${check.name} TO ROLE ${role};`;
  const isDenied =
    error instanceof ReportError && error.warehouse.vendorCode === INSUFFICIENT_PRIVILEGES;
  return isDenied ? grant : `run report-service setup; if it is there already: ${grant}`;
}
