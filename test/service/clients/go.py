"""What a person does with Snowflake's driver for Go, which ADBC's wheel holds as a library. Prints what it saw as JSON."""

import json
import sys
import time

import adbc_driver_snowflake.dbapi


def connect(port):
    options = {
        "adbc.snowflake.sql.uri.protocol": "http",
        "adbc.snowflake.sql.uri.host": "127.0.0.1",
        "adbc.snowflake.sql.uri.port": port,
        "adbc.snowflake.sql.account": "local",
        "adbc.snowflake.sql.db": "REPORTING_DB",
        "adbc.snowflake.sql.schema": "CONFIG",
        "adbc.snowflake.sql.warehouse": "COMPUTE_WH",
        "username": "gopher",
        "password": "any",
    }
    return adbc_driver_snowflake.dbapi.connect(db_kwargs=options, autocommit=True)


def fetch(cursor, sql, binds=None):
    cursor.execute(sql, binds)
    return cursor.fetchall()


# ADBC reads days of a JSON result as "2006-01-02", and Snowflake writes them as a count of days: dates go as text here.
TYPES = """SELECT 7 AS N, 12.50::NUMBER(10, 2) AS MONEY, TO_VARCHAR('2026-01-31'::DATE) AS DAY,
  '2026-01-31 10:11:12.123456'::TIMESTAMP_NTZ AS WALL, TRUE AS YES, 1.5::FLOAT AS REAL, 'ü''x' AS TEXT, NULL AS NOTHING,
  TO_BINARY('ff00', 'HEX') AS BYTES, PARSE_JSON('{"a": [1, null]}') AS DOCUMENT"""


def write_rows(cursor):
    """An array a column in one request."""
    cursor.execute("CREATE OR REPLACE TABLE BOUND_BY_GO (N INT, T VARCHAR, R FLOAT, B BOOLEAN)")
    rows = [(1, "o'x", 1.5, True), (2, None, None, False)]
    cursor.executemany("INSERT INTO BOUND_BY_GO VALUES (?, ?, ?, ?)", rows)
    found = fetch(cursor, "SELECT * FROM BOUND_BY_GO WHERE N >= ? ORDER BY N", (1,))
    cursor.execute("DROP TABLE BOUND_BY_GO")
    return [[int(n), *others] for n, *others in found]


def refuse(cursor):
    try:
        cursor.execute("SELECT * FROM NOT_THERE")
    except adbc_driver_snowflake.dbapi.ProgrammingError as error:
        return [error.vendor_code, error.sqlstate]
    return None


def ask_for_report(cursor):
    config_id = fetch(cursor, "CALL REQUEST_REPORT('From Go', 'SELECT 3 AS N', 'CSV', NULL)")[0][0]
    rows = []
    for _ in range(400):
        rows = fetch(cursor, "SELECT STATUS, LAST_ERROR FROM REPORT_STATUS WHERE CONFIG_ID = ?", (config_id,))
        if rows[0][0] in ("COMPLETED", "FAILED"):
            break
        time.sleep(0.05)
    return config_id, rows[0]


def main(port):
    with connect(port) as connection, connection.cursor() as cursor:
        types = [repr(value) for value in fetch(cursor, TYPES)[0]]
        columns = [column[0] for column in cursor.description]
        cursor.execute("SELECT L_ORDERKEY FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM")
        line_items = cursor.fetch_arrow_table().num_rows
        config_id, status = ask_for_report(cursor)
        print(
            json.dumps(
                {
                    "types": types,
                    "columns": columns,
                    "lineItems": line_items,
                    "bound": write_rows(cursor),
                    "refused": refuse(cursor),
                    "configId": config_id,
                    "status": status,
                }
            )
        )


main(sys.argv[1])
