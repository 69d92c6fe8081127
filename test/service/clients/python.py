"""What a person does with Snowflake's own connector for Python. Prints what it saw as JSON."""

import datetime
import decimal
import json
import sys
import time

import snowflake.connector


def connect(port, paramstyle):
    return snowflake.connector.connect(
        protocol="http",
        host="127.0.0.1",
        port=port,
        account="local",
        user="ann",
        password="any",
        database="REPORTING_DB",
        schema="CONFIG",
        warehouse="COMPUTE_WH",
        paramstyle=paramstyle,
        server_session_keep_alive=False,
    )


def fetch(cursor, sql, binds=()):
    return cursor.execute(sql, binds).fetchall()


def read_types(cursor):
    """One value of each type, NULLs, and what the cursor says of the columns."""
    row = fetch(
        cursor,
        """SELECT 7 AS N, 12.50::NUMBER(10, 2) AS MONEY, 12345678901234567890123456789012345678::NUMBER(38, 0) AS BIG,
             '2026-01-31'::DATE AS DAY, '10:11:12'::TIME AS CLOCK, '2026-01-31 10:11:12.123456'::TIMESTAMP_NTZ AS WALL,
             '2026-01-31 10:11:12 +02:00'::TIMESTAMP_TZ AS ZONED, TRUE AS YES, 1.5::FLOAT AS REAL, 'ü''x' AS TEXT,
             TO_BINARY('ff00', 'HEX') AS BYTES, PARSE_JSON('{"a": [1, null]}') AS DOCUMENT, NULL::DATE AS NOTHING""",
    )[0]
    columns = [(d.name, d.type_code, d.precision, d.scale) for d in cursor.description]
    return [repr(value) for value in row], columns


BOUND = [
    (1, "o'x", decimal.Decimal("1.125"), datetime.date(1969, 2, 3), datetime.datetime(2026, 1, 1, 1, 2, 3, 4), None),
    (2, None, decimal.Decimal("-2.5"), None, None, datetime.time(1, 2, 3)),
]


def write_rows(cursor, marker):
    """Binds, one row and many, written and read back."""
    cursor.execute(
        "CREATE OR REPLACE TEMPORARY TABLE BOUND (N INT, T VARCHAR, C NUMBER(12, 3), D DATE, W TIMESTAMP_NTZ, K TIME)"
    )
    cursor.executemany(f"INSERT INTO BOUND VALUES ({', '.join([marker] * 6)})", BOUND)
    count = cursor.rowcount
    rows = fetch(cursor, f"SELECT * FROM BOUND WHERE N >= {marker} ORDER BY N", (1,))
    return count, [tuple(row) for row in rows] == BOUND


def refuse(cursor):
    try:
        cursor.execute("SELECT * FROM NOT_THERE")
    except snowflake.connector.errors.ProgrammingError as error:
        return error.errno, error.sqlstate
    return None


def read_asynchronously(connection, cursor):
    cursor.execute_async("SELECT 5 AS N")
    query_id = cursor.sfqid
    while connection.is_still_running(connection.get_query_status_throw_if_error(query_id)):
        time.sleep(0.05)
    cursor.get_results_from_sfqid(query_id)
    return cursor.fetchall()[0][0]


def ask_for_reports(cursor):
    """By the procedure, and by an INSERT with binds; waits until both are made."""
    called = fetch(
        cursor,
        "CALL REQUEST_REPORT(?, ?, ?, ?, ?)",
        ("From Python", "SELECT 1 AS N", "CSV", "ann@example.com", '{"title": "Called"}'),
    )[0][0]
    cursor.execute(
        "INSERT INTO REPORT_CONFIG (REPORT_NAME, REPORT_SQL, OUTPUT_FORMAT, PARAMETERS) SELECT ?, ?, ?, PARSE_JSON(?)",
        ("Inserted by Python", "SELECT :n AS N", "CSV", '{"n": 2}'),
    )
    for _ in range(400):
        rows = fetch(
            cursor,
            "SELECT REPORT_NAME, STATUS, LAST_ERROR FROM REPORT_STATUS WHERE CREATED_BY = 'ANN' ORDER BY CREATED_AT",
        )
        if all(status in ("COMPLETED", "FAILED") for _, status, _ in rows):
            break
        time.sleep(0.05)
    return called, rows


def main(port):
    with connect(port, "qmark") as connection, connect(port, "pyformat") as formatting:
        cursor = connection.cursor()
        types, columns = read_types(cursor)
        items = cursor.execute("SELECT * FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM")
        line_items = sum(1 for _ in items)
        config_id, statuses = ask_for_reports(cursor)
        print(
            json.dumps(
                {
                    "types": types,
                    "columns": columns,
                    "lineItems": line_items,
                    "bound": write_rows(cursor, "?"),
                    "formatted": write_rows(formatting.cursor(), "%s"),
                    "refused": refuse(cursor),
                    "asynchronous": read_asynchronously(connection, cursor),
                    "configId": config_id,
                    "statuses": statuses,
                }
            )
        )


main(int(sys.argv[1]))
