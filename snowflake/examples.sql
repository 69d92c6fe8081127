-- Five reports to try, asked for as a person would: one INSERT each. They read the sample data that every Snowflake account
-- shares, so they run on a real account unchanged. `report-service demo` runs them on the local Snowflake.

USE SCHEMA REPORTING_DB.CONFIG;

-- TPC-H query 1.
INSERT INTO REPORT_CONFIG (REPORT_NAME, REPORT_SQL, OUTPUT_FORMAT, OPTIONS, EMAIL_RECIPIENTS, OWNER_EMAIL)
VALUES (
  'Pricing summary',
  $$
  SELECT
    L_RETURNFLAG                                            AS RETURN_FLAG,
    L_LINESTATUS                                            AS LINE_STATUS,
    SUM(L_QUANTITY)                                         AS QUANTITY,
    SUM(L_EXTENDEDPRICE)                                    AS BASE_PRICE,
    SUM(L_EXTENDEDPRICE * (1 - L_DISCOUNT))                 AS DISCOUNTED_PRICE,
    SUM(L_EXTENDEDPRICE * (1 - L_DISCOUNT) * (1 + L_TAX))   AS CHARGE,
    AVG(L_QUANTITY)                                         AS AVERAGE_QUANTITY,
    AVG(L_EXTENDEDPRICE)                                    AS AVERAGE_PRICE,
    COUNT(*)                                                AS ORDER_COUNT
  FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM
  WHERE L_SHIPDATE <= DATEADD(day, -90, '1998-12-01'::DATE)
  GROUP BY L_RETURNFLAG, L_LINESTATUS
  ORDER BY L_RETURNFLAG, L_LINESTATUS
  $$,
  'PDF,EXCEL,CSV',
  '{"title": "Pricing summary", "subtitle": "Business shipped up to 2 September 1998"}',
  'finance@example.com',
  'reporting@example.com'
);

-- TPC-H query 5, with values that are bound, never pasted.
INSERT INTO REPORT_CONFIG (REPORT_NAME, REPORT_SQL, PARAMETERS, OUTPUT_FORMAT, OPTIONS, EMAIL_RECIPIENTS, OWNER_EMAIL)
VALUES (
  'Local supplier volume',
  $$
  SELECT N_NAME AS NATION, SUM(L_EXTENDEDPRICE * (1 - L_DISCOUNT)) AS REVENUE
  FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.CUSTOMER
  JOIN SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.ORDERS ON O_CUSTKEY = C_CUSTKEY
  JOIN SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM ON L_ORDERKEY = O_ORDERKEY
  JOIN SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.SUPPLIER ON S_SUPPKEY = L_SUPPKEY AND S_NATIONKEY = C_NATIONKEY
  JOIN SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.NATION ON N_NATIONKEY = S_NATIONKEY
  JOIN SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.REGION ON R_REGIONKEY = N_REGIONKEY
  WHERE R_NAME = :region
    AND O_ORDERDATE >= :first_day::DATE
    AND O_ORDERDATE < DATEADD(year, 1, :first_day::DATE)
  GROUP BY N_NAME
  ORDER BY REVENUE DESC
  $$,
  '{"region": "ASIA", "first_day": "1994-01-01"}',
  'PDF',
  '{"title": "Local supplier volume", "columns": {"REVENUE": {"label": "Revenue"}, "NATION": {"label": "Nation"}}}',
  'sales@example.com, finance@example.com',
  'reporting@example.com'
);

-- TPC-H query 10.
INSERT INTO REPORT_CONFIG (REPORT_NAME, REPORT_SQL, OUTPUT_FORMAT, OPTIONS, EMAIL_RECIPIENTS, OWNER_EMAIL)
VALUES (
  'Returned items',
  $$
  SELECT
    C_CUSTKEY                                   AS CUSTOMER,
    C_NAME                                      AS NAME,
    SUM(L_EXTENDEDPRICE * (1 - L_DISCOUNT))     AS LOST_REVENUE,
    C_ACCTBAL                                   AS ACCOUNT_BALANCE,
    N_NAME                                      AS NATION,
    C_ADDRESS                                   AS ADDRESS,
    C_PHONE                                     AS PHONE,
    C_COMMENT                                   AS REMARK
  FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.CUSTOMER
  JOIN SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.ORDERS ON O_CUSTKEY = C_CUSTKEY
  JOIN SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM ON L_ORDERKEY = O_ORDERKEY
  JOIN SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.NATION ON N_NATIONKEY = C_NATIONKEY
  WHERE O_ORDERDATE >= '1993-10-01'::DATE
    AND O_ORDERDATE < DATEADD(month, 3, '1993-10-01'::DATE)
    AND L_RETURNFLAG = 'R'
  GROUP BY C_CUSTKEY, C_NAME, C_ACCTBAL, C_PHONE, N_NAME, C_ADDRESS, C_COMMENT
  ORDER BY LOST_REVENUE DESC, C_CUSTKEY
  LIMIT 500
  $$,
  'PDF,EXCEL',
  '{"title": "Returned items", "subtitle": "Customers by lost revenue, fourth quarter of 1993", "page": {"orientation": "landscape"}}',
  'sales@example.com',
  'reporting@example.com'
);

-- Every line item: too large to attach, so the mail carries a link and says why.
INSERT INTO REPORT_CONFIG (REPORT_NAME, REPORT_SQL, OUTPUT_FORMAT, EMAIL_RECIPIENTS, OWNER_EMAIL)
VALUES (
  'Line items',
  'SELECT * FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM ORDER BY L_ORDERKEY, L_LINENUMBER LIMIT 60000',
  'CSV,EXCEL',
  'analysts@example.com',
  'reporting@example.com'
);

-- Every working day at 07:00 in Zurich; NEXT_RUN_AT asks for a first run now.
INSERT INTO REPORT_CONFIG (REPORT_NAME, REPORT_TYPE, SCHEDULE_CRON, TIMEZONE, NEXT_RUN_AT, REPORT_SQL, OUTPUT_FORMAT, EMAIL_RECIPIENTS, OWNER_EMAIL)
VALUES (
  'Open orders by priority',
  'SCHEDULED',
  '0 7 * * 1-5',
  'Europe/Zurich',
  SYSDATE(),
  $$
  SELECT O_ORDERPRIORITY AS PRIORITY, COUNT(*) AS ORDERS, SUM(O_TOTALPRICE) AS VALUE, MIN(O_ORDERDATE) AS OLDEST
  FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.ORDERS
  WHERE O_ORDERSTATUS = 'O'
  GROUP BY O_ORDERPRIORITY
  ORDER BY O_ORDERPRIORITY
  $$,
  'PDF,CSV',
  'logistics@example.com',
  'reporting@example.com'
);
