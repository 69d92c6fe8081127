/**
 * The tables of SNOWFLAKE_SAMPLE_DATA.TPCH_SF1 as every Snowflake account has them: names, types, NOT NULL, comments.
 * The lengths are those of the TPC-H specification (revision 3.0.1, section 1.4).
 */

export interface TpchTable {
  readonly name: string;
  readonly comment: string;
  /** Column definitions in Snowflake's SQL, in order. */
  readonly columns: readonly string[];
}

const KEY = "NUMBER(38,0) NOT NULL";
const MONEY = "NUMBER(12,2) NOT NULL";
const DAY = "DATE NOT NULL";

function text(length: number): string {
  return `VARCHAR(${length}) NOT NULL`;
}

/** In the order that rows can be made in: orders are summed up from their line items. */
export const TPCH_TABLES = [
  table("REGION", [`R_REGIONKEY ${KEY}`, `R_NAME ${text(25)}`, "R_COMMENT VARCHAR(152)"]),
  table("NATION", [
    `N_NATIONKEY ${KEY}`,
    `N_NAME ${text(25)}`,
    `N_REGIONKEY ${KEY}`,
    "N_COMMENT VARCHAR(152)",
  ]),
  table("PART", [
    `P_PARTKEY ${KEY}`,
    `P_NAME ${text(55)}`,
    `P_MFGR ${text(25)}`,
    `P_BRAND ${text(10)}`,
    `P_TYPE ${text(25)}`,
    `P_SIZE ${KEY}`,
    `P_CONTAINER ${text(10)}`,
    `P_RETAILPRICE ${MONEY}`,
    "P_COMMENT VARCHAR(23)",
  ]),
  table("SUPPLIER", [
    `S_SUPPKEY ${KEY}`,
    `S_NAME ${text(25)}`,
    `S_ADDRESS ${text(40)}`,
    `S_NATIONKEY ${KEY}`,
    `S_PHONE ${text(15)}`,
    `S_ACCTBAL ${MONEY}`,
    "S_COMMENT VARCHAR(101)",
  ]),
  table("PARTSUPP", [
    `PS_PARTKEY ${KEY}`,
    `PS_SUPPKEY ${KEY}`,
    `PS_AVAILQTY ${KEY}`,
    `PS_SUPPLYCOST ${MONEY}`,
    "PS_COMMENT VARCHAR(199)",
  ]),
  table("CUSTOMER", [
    `C_CUSTKEY ${KEY}`,
    `C_NAME ${text(25)}`,
    `C_ADDRESS ${text(40)}`,
    `C_NATIONKEY ${KEY}`,
    `C_PHONE ${text(15)}`,
    `C_ACCTBAL ${MONEY}`,
    "C_MKTSEGMENT VARCHAR(10)",
    "C_COMMENT VARCHAR(117)",
  ]),
  table("LINEITEM", [
    `L_ORDERKEY ${KEY}`,
    `L_PARTKEY ${KEY}`,
    `L_SUPPKEY ${KEY}`,
    `L_LINENUMBER ${KEY}`,
    `L_QUANTITY ${MONEY}`,
    `L_EXTENDEDPRICE ${MONEY}`,
    `L_DISCOUNT ${MONEY}`,
    `L_TAX ${MONEY}`,
    `L_RETURNFLAG ${text(1)}`,
    `L_LINESTATUS ${text(1)}`,
    `L_SHIPDATE ${DAY}`,
    `L_COMMITDATE ${DAY}`,
    `L_RECEIPTDATE ${DAY}`,
    `L_SHIPINSTRUCT ${text(25)}`,
    `L_SHIPMODE ${text(10)}`,
    `L_COMMENT ${text(44)}`,
  ]),
  table("ORDERS", [
    `O_ORDERKEY ${KEY}`,
    `O_CUSTKEY ${KEY}`,
    `O_ORDERSTATUS ${text(1)}`,
    `O_TOTALPRICE ${MONEY}`,
    `O_ORDERDATE ${DAY}`,
    `O_ORDERPRIORITY ${text(15)}`,
    `O_CLERK ${text(15)}`,
    `O_SHIPPRIORITY ${KEY}`,
    `O_COMMENT ${text(79)}`,
  ]),
] as const satisfies readonly TpchTable[];

function table<Name extends string>(name: Name, columns: readonly string[]) {
  const title = `${name.slice(0, 1)}${name.slice(1).toLowerCase()}`;
  return { name, comment: `${title} data as defined by TPC-H`, columns };
}
