/** Procedures, external functions and the integrations that these call through, as the catalog keeps them. */

import { fullName } from "./names.ts";
import type { SnowflakeType } from "../translate/snowflake-types.ts";

export interface ArgumentEntry {
  readonly name: string;
  readonly type: SnowflakeType;
  /** Snowflake's SQL, or null for an argument that every call has to give. */
  readonly default: string | null;
}

interface Routine {
  /** Database, schema and name; what sets overloads apart is the types of the arguments. */
  readonly path: readonly [string, string, string];
  readonly arguments: readonly ArgumentEntry[];
  readonly returns: { readonly type: SnowflakeType; readonly nullable: boolean };
  readonly comment: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly owner: string;
}

export interface ProcedureEntry extends Routine {
  readonly kind: "procedure";
  /** JavaScript, as it was written. */
  readonly body: string;
  /** Whether a NULL argument makes the result NULL without a run. */
  readonly isStrict: boolean;
  readonly rights: "OWNER" | "CALLER";
}

export type Compression = "NONE" | "AUTO" | "GZIP" | "DEFLATE";

export interface ExternalFunctionEntry extends Routine {
  readonly kind: "function";
  readonly isSecure: boolean;
  readonly volatility: "VOLATILE" | "IMMUTABLE";
  readonly isStrict: boolean;
  /** The name of the API integration. */
  readonly integration: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Names of context functions, upper case. */
  readonly contextHeaders: readonly string[];
  /** null: no limit of its own. */
  readonly batchRowsMax: number | null;
  readonly compression: Compression;
  readonly url: string;
}

export type RoutineEntry = ProcedureEntry | ExternalFunctionEntry;

/** An API integration: which addresses external functions may call. */
export interface ApiIntegrationEntry {
  readonly kind: "api integration";
  readonly path: readonly [string];
  readonly provider: string;
  readonly isEnabled: boolean;
  readonly roleArn: string;
  /** Shown to nobody. */
  readonly apiKey: string;
  readonly allowedPrefixes: readonly string[];
  readonly blockedPrefixes: readonly string[];
  /** What a role's trust policy has to name; new with every CREATE OR REPLACE, as in Snowflake. */
  readonly externalId: string;
  readonly comment: string;
  readonly createdAtMs: number;
  readonly owner: string;
}

export type CallableEntry = RoutineEntry | ApiIntegrationEntry;

/** `NAME(VARCHAR, FLOAT)`: types without their lengths, as overloads are told apart. */
export function writeSignature({ path, arguments: list }: RoutineEntry): string {
  return `${fullName([path[2]])}(${list.map(({ type }) => writeTypeName(type)).join(", ")})`;
}

/** The name of a type alone. */
export function writeTypeName(type: SnowflakeType): string {
  return type.name === "TEXT" ? "VARCHAR" : type.name;
}

/** One key a routine, overloads apart; or an integration. */
export function callableKey(entry: CallableEntry): string {
  return entry.kind === "api integration"
    ? `${entry.kind} ${fullName(entry.path)}`
    : `${entry.kind} ${fullName(entry.path.slice(0, 2))}.${writeSignature(entry)}`;
}

/** The catalog's procedures, functions and API integrations. */
export class Callables {
  private readonly entries = new Map<string, CallableEntry>();

  put(entry: CallableEntry): void {
    this.entries.set(callableKey(entry), entry);
  }

  remove(key: string): void {
    this.entries.delete(key);
  }

  list<Kind extends CallableEntry["kind"]>(kind: Kind): Extract<CallableEntry, { kind: Kind }>[] {
    const isOfKind = (entry: CallableEntry): entry is Extract<CallableEntry, { kind: Kind }> =>
      entry.kind === kind;
    return [...this.entries.values()].filter(isOfKind);
  }

  /** All overloads of a name. */
  named<Kind extends RoutineEntry["kind"]>(
    kind: Kind,
    path: readonly string[],
  ): Extract<CallableEntry, { kind: Kind }>[] {
    const name = fullName(path);
    return this.list(kind).filter((entry: CallableEntry) => fullName(entry.path) === name);
  }

  integration(name: string): ApiIntegrationEntry | undefined {
    return this.list("api integration").find(({ path }) => path[0] === name);
  }

  /** All that lies in a database or schema. */
  within(path: readonly string[]): RoutineEntry[] {
    return [...this.list("procedure"), ...this.list("function")].filter((entry) =>
      path.every((name, index) => entry.path[index] === name),
    );
  }
}

export function isCallable(entry: { readonly kind: string }): entry is CallableEntry {
  return ["procedure", "function", "api integration"].includes(entry.kind);
}
