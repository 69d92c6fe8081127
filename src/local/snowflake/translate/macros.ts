/**
 * DuckDB macros (`memory.main.sf_*`) that behave as Snowflake's functions and casts. An overload is chosen by
 * the type of its argument when the statement is bound, which is how one Snowflake function can give a DATE for
 * a DATE and a TIMESTAMP for a TIMESTAMP although the translator knows no types.
 *
 * Storage of Snowflake's types: TIMESTAMP_NTZ is TIMESTAMP_NS, TIMESTAMP_LTZ is TIMESTAMPTZ (microseconds),
 * TIMESTAMP_TZ is STRUCT(u TIMESTAMP_NS, o SMALLINT): the instant in UTC and minutes from UTC, TIME is TIME_NS,
 * VARIANT, OBJECT and ARRAY are JSON, NUMBER is DECIMAL.
 */

export const TIMESTAMP_TZ_STORAGE = "STRUCT(u TIMESTAMP_NS, o SMALLINT)";

const TZ = `x ${TIMESTAMP_TZ_STORAGE}`;
const LTZ = "x TIMESTAMPTZ";
const NTZ = "x TIMESTAMP_NS";
const DAY_NS = "86400000000000";

/** Minutes that the session's time zone is ahead of UTC at an instant. */
const LOCAL_OFFSET =
  "CAST(date_diff('minute', timezone('UTC', x), CAST(x AS TIMESTAMP)) AS SMALLINT)";
const EPOCH_TEXT = String.raw`'-?\d+(\.\d+)?'`;
const OFFSET_TEXT = String.raw`'\s*(Z|[+-]\d{2}(:?\d{2})?)$'`;

const CONVERSIONS = [
  `sf_offset(m) AS CASE WHEN m = 0 THEN 'Z' ELSE (CASE WHEN m < 0 THEN '-' ELSE '+' END)
     || lpad(CAST(abs(m) // 60 AS VARCHAR), 2, '0') || lpad(CAST(abs(m) % 60 AS VARCHAR), 2, '0') END`,
  `sf_wall(x) AS make_timestamp_ns(epoch_ns(x.u) + CAST(x.o AS BIGINT) * 60000000000)`,
  `sf_plain_text(x) AS CASE typeof(x) WHEN 'JSON' THEN json_extract_string(to_json(x), '$')
     WHEN 'BLOB' THEN hex(CAST(CAST(x AS VARCHAR) AS BLOB))
     WHEN 'DOUBLE' THEN replace(regexp_replace(CAST(x AS VARCHAR), '\\.0$', ''), 'nan', 'NaN')
     ELSE CAST(x AS VARCHAR) END`,
  `sf_text(${TZ}) AS strftime(sf_wall(x), '%Y-%m-%d %H:%M:%S.%g ') || sf_offset(x.o),
     (${LTZ}) AS strftime(x, '%Y-%m-%d %H:%M:%S.%g ') || sf_offset(${LOCAL_OFFSET}),
     (x DATE) AS CAST(x AS VARCHAR),
     (${NTZ}) AS strftime(x, '%Y-%m-%d %H:%M:%S.%g'),
     (x) AS sf_plain_text(x)`,
  // 31536000000 and its multiples are where Snowflake takes seconds for milliseconds, and so on.
  `sf_epoch(n) AS make_timestamp_ns(CAST(CASE WHEN abs(n) < 31536000000 THEN n * 1000000000
     WHEN abs(n) < 31536000000000 THEN n * 1000000 WHEN abs(n) < 31536000000000000 THEN n * 1000 ELSE n END AS BIGINT))`,
  `sf_parse_ntz(t) AS CASE WHEN regexp_full_match(trim(t), ${EPOCH_TEXT})
     THEN sf_epoch(TRY_CAST(t AS DECIMAL(38, 9)))
     WHEN contains(t, ':') THEN CAST(regexp_replace(t, ${OFFSET_TEXT}, '') AS TIMESTAMP_NS)
     ELSE CAST(t AS TIMESTAMP_NS) END`,
  `sf_ntz(${TZ}) AS sf_wall(x), (${LTZ}) AS CAST(x AS TIMESTAMP_NS), (x DATE) AS CAST(x AS TIMESTAMP_NS),
     (${NTZ}) AS x, (x) AS sf_parse_ntz(sf_plain_text(x))`,
  `sf_parse_ltz(t) AS CASE WHEN regexp_full_match(trim(t), ${EPOCH_TEXT})
     THEN timezone('UTC', CAST(sf_epoch(TRY_CAST(t AS DECIMAL(38, 9))) AS TIMESTAMP))
     ELSE CAST(regexp_replace(t, ' ([+-]\\d{2}:?\\d{2})$', '\\1') AS TIMESTAMPTZ) END`,
  `sf_ltz(${TZ}) AS timezone('UTC', CAST(x.u AS TIMESTAMP)), (${LTZ}) AS x, (x DATE) AS CAST(x AS TIMESTAMPTZ),
     (${NTZ}) AS CAST(x AS TIMESTAMPTZ), (x) AS sf_parse_ltz(sf_plain_text(x))`,
  `sf_ltz_to_tz(x) AS {u: CAST(timezone('UTC', x) AS TIMESTAMP_NS), o: ${LOCAL_OFFSET}}`,
  `sf_offset_minutes(t) AS CASE WHEN t = 'Z' THEN 0 ELSE (CASE WHEN t[1] = '-' THEN -1 ELSE 1 END)
     * (CAST(t[2:3] AS INTEGER) * 60 + coalesce(TRY_CAST(right(t, 2) AS INTEGER), 0) * CAST(length(t) > 3 AS INTEGER)) END`,
  `sf_pack_tz(wall, m) AS {u: make_timestamp_ns(epoch_ns(wall) - m * 60000000000), o: CAST(m AS SMALLINT)}`,
  `sf_parse_tz(t) AS CASE WHEN contains(t, ':') AND regexp_matches(t, ${OFFSET_TEXT})
     THEN sf_pack_tz(sf_parse_ntz(t), sf_offset_minutes(regexp_extract(t, ${OFFSET_TEXT}, 1)))
     ELSE sf_ltz_to_tz(sf_parse_ltz(t)) END`,
  `sf_tz(${TZ}) AS x, (${LTZ}) AS sf_ltz_to_tz(x), (x DATE) AS sf_ltz_to_tz(CAST(x AS TIMESTAMPTZ)),
     (${NTZ}) AS sf_ltz_to_tz(CAST(x AS TIMESTAMPTZ)), (x) AS sf_parse_tz(sf_plain_text(x))`,
  `sf_parse_date(t) AS CASE WHEN regexp_full_match(trim(t), ${EPOCH_TEXT})
     THEN CAST(sf_epoch(TRY_CAST(t AS DECIMAL(38, 9))) AS DATE)
     WHEN regexp_full_match(t, '\\d{1,2}/\\d{1,2}/\\d{4}') THEN CAST(strptime(t, '%m/%d/%Y') AS DATE)
     WHEN regexp_full_match(t, '\\d{1,2}-[A-Za-z]{3}-\\d{4}') THEN CAST(strptime(t, '%d-%b-%Y') AS DATE)
     ELSE CAST(t AS DATE) END`,
  `sf_date(${TZ}) AS CAST(sf_wall(x) AS DATE), (${LTZ}) AS CAST(x AS DATE), (x DATE) AS x,
     (${NTZ}) AS CAST(x AS DATE), (x) AS sf_parse_date(sf_plain_text(x))`,
  `sf_time(${TZ}) AS CAST(sf_wall(x) AS TIME_NS), (${LTZ}) AS CAST(CAST(x AS TIMESTAMP_NS) AS TIME_NS),
     (x DATE) AS TIME_NS '00:00:00', (${NTZ}) AS CAST(x AS TIME_NS), (x) AS CAST(sf_plain_text(x) AS TIME_NS)`,
  // Wall time in microseconds, for what needs no nanoseconds and may lie outside of their range (years 1677 to 2262).
  `sf_us(${TZ}) AS CAST(sf_wall(x) AS TIMESTAMP), (${LTZ}) AS CAST(x AS TIMESTAMP), (x DATE) AS CAST(x AS TIMESTAMP),
     (${NTZ}) AS CAST(x AS TIMESTAMP), (x) AS CAST(sf_parse_ntz(sf_plain_text(x)) AS TIMESTAMP)`,
  // A date or time as it is; text, numbers and variants as TIMESTAMP_NTZ.
  `sf_when(${TZ}) AS sf_wall(x), (${LTZ}) AS x, (x DATE) AS x, (${NTZ}) AS x, (x TIME_NS) AS x,
     (x) AS sf_parse_ntz(sf_plain_text(x))`,
  // The same as strftime takes it, which knows no times of day.
  `sf_shown(${TZ}) AS sf_wall(x), (${LTZ}) AS x, (x DATE) AS x, (${NTZ}) AS x,
     (x TIME_NS) AS make_timestamp_ns(epoch_ns(x)), (x) AS sf_parse_ntz(sf_plain_text(x))`,
  // With the separator between hours and minutes; only what has a zone has an offset.
  `sf_offset_of(${TZ}, s) AS regexp_replace(sf_offset(x.o), '(\\d\\d)(\\d\\d)$', '\\1' || s || '\\2'),
     (${LTZ}, s) AS regexp_replace(sf_offset(${LOCAL_OFFSET}), '(\\d\\d)(\\d\\d)$', '\\1' || s || '\\2'),
     (x, s) AS ''`,
  `sf_bool(x) AS CASE WHEN typeof(x) = 'VARCHAR' THEN CAST(CASE lower(CAST(x AS VARCHAR)) WHEN 'on' THEN 'true'
     WHEN 'off' THEN 'false' ELSE CAST(x AS VARCHAR) END AS BOOLEAN)
     WHEN typeof(x) IN ('BOOLEAN', 'JSON') THEN CAST(sf_plain_text(x) AS BOOLEAN)
     ELSE CAST(CAST(sf_plain_text(x) AS DOUBLE) <> 0 AS BOOLEAN) END`,
  `sf_binary(x BLOB) AS x, (x) AS unhex(sf_plain_text(x))`,
  `sf_variant(${TZ}) AS to_json(sf_text(x)), (${LTZ}) AS to_json(sf_text(x)), (x DATE) AS to_json(x),
     (${NTZ}) AS to_json(sf_text(x)), (x) AS to_json(x)`,
];

const ARITHMETIC = [
  // The scale of a quotient is the dividend's plus 6; the second division makes up for what a DOUBLE cannot hold.
  `sf_quotient_type(a, b) AS a * 1.000000 + round(b, 0)`,
  `sf_quotient(a, b) AS cast_to_type(CAST(a AS DOUBLE) / CAST(b AS DOUBLE), sf_quotient_type(a, b))`,
  `sf_exact_quotient(a, b) AS sf_quotient(a, b) + CASE WHEN abs(CAST(a AS DOUBLE)) < 1e18
     THEN cast_to_type(CAST(a - sf_quotient(a, b) * b AS DOUBLE) / CAST(b AS DOUBLE), sf_quotient_type(a, b)) ELSE 0 END`,
  `sf_div(a, b) AS CASE WHEN b = 0 THEN error('Division by zero') ELSE sf_exact_quotient(a, b) END`,
  `sf_mod(a, b) AS CASE WHEN b = 0 THEN error('Division by zero') ELSE a % b END`,
  `sf_div0(a, b) AS CASE WHEN b = 0 THEN 0 ELSE sf_exact_quotient(a, b) END`,
  `sf_div0null(a, b) AS CASE WHEN b = 0 OR b IS NULL THEN 0 ELSE sf_exact_quotient(a, b) END`,
  `sf_zeroifnull(x) AS coalesce(x, 0)`,
  `sf_nullifzero(x) AS nullif(x, 0)`,
  `sf_square(x) AS x * x`,
  `sf_nvl2(a, b, c) AS CASE WHEN a IS NOT NULL THEN b ELSE c END`,
  `sf_equal_null(a, b) AS a IS NOT DISTINCT FROM b`,
];

const DATES = [
  `sf_months_ns(x, n) AS make_timestamp_ns(epoch_us(CAST(x AS TIMESTAMP) + to_months(n)) * 1000
     + epoch_ns(x) - epoch_us(CAST(x AS TIMESTAMP)) * 1000)`,
  `sf_plus_months(x DATE, n) AS CAST(x + to_months(CAST(n AS INTEGER)) AS DATE),
     (${LTZ}, n) AS x + to_months(CAST(n AS INTEGER)),
     (${TZ}, n) AS sf_pack_tz(sf_months_ns(sf_wall(x), CAST(n AS INTEGER)), x.o),
     (${NTZ}, n) AS sf_months_ns(x, CAST(n AS INTEGER)),
     (x, n) AS sf_months_ns(sf_parse_ntz(sf_plain_text(x)), CAST(n AS INTEGER))`,
  `sf_plus_days(x DATE, n) AS x + CAST(n AS INTEGER),
     (${LTZ}, n) AS x + to_days(CAST(n AS INTEGER)),
     (${TZ}, n) AS {u: make_timestamp_ns(epoch_ns(x.u) + CAST(n AS BIGINT) * ${DAY_NS}), o: x.o},
     (${NTZ}, n) AS make_timestamp_ns(epoch_ns(x) + CAST(n AS BIGINT) * ${DAY_NS}),
     (x, n) AS make_timestamp_ns(epoch_ns(sf_parse_ntz(sf_plain_text(x))) + CAST(n AS BIGINT) * ${DAY_NS})`,
  `sf_plus_ns(x DATE, n) AS make_timestamp_ns(epoch_ns(x) + CAST(n AS BIGINT)),
     (${LTZ}, n) AS x + to_microseconds(CAST(n AS BIGINT) // 1000),
     (${TZ}, n) AS {u: make_timestamp_ns(epoch_ns(x.u) + CAST(n AS BIGINT)), o: x.o},
     (${NTZ}, n) AS make_timestamp_ns(epoch_ns(x) + CAST(n AS BIGINT)),
     (x TIME_NS, n) AS CAST(make_timestamp_ns((epoch_ns(x) + CAST(n AS BIGINT)) % ${DAY_NS}) AS TIME_NS),
     (x, n) AS make_timestamp_ns(epoch_ns(sf_parse_ntz(sf_plain_text(x))) + CAST(n AS BIGINT))`,
  `sf_months_apart(a, b) AS CAST(CASE WHEN day(a) = day(b)
       OR (last_day(a) = CAST(a AS DATE) AND last_day(b) = CAST(b AS DATE))
     THEN date_diff('month', b, a)
     ELSE date_diff('month', b, a) + (epoch(a - date_trunc('month', a)) - epoch(b - date_trunc('month', b)))
       / 86400 / 31 END AS DECIMAL(38, 6))`,
  `sf_truncate_when(unit, w) AS cast_to_type(date_trunc(unit, w), w)`,
  `sf_slice(us, w, width) AS cast_to_type(time_bucket(width, us, TIMESTAMP '1970-01-01 00:00:00'), w)`,
  `sf_at_zone(ltz, zone) AS sf_pack_tz(CAST(timezone(zone, ltz) AS TIMESTAMP_NS),
     date_diff('minute', timezone('UTC', ltz), timezone(zone, ltz)))`,
  `sf_between_zones(source, target, ntz, us) AS make_timestamp_ns(epoch_ns(ntz)
     + 1000 * date_diff('microsecond', us, timezone(target, timezone(source, us))))`,
];

const JSON_FUNCTIONS = [
  `sf_parse_json_text(t) AS CASE WHEN trim(t) = '' OR t IS NULL THEN NULL WHEN json_valid(t) THEN json(t)
     ELSE error('SF_ERROR 100069 22P02 Error parsing JSON: ' || left(t, 100)) END`,
  `sf_parse_json(x) AS sf_parse_json_text(sf_plain_text(x))`,
  `sf_try_parse_json(x) AS CASE WHEN json_valid(sf_plain_text(x)) THEN json(sf_plain_text(x)) END`,
  `sf_typeof(x) AS CASE json_type(to_json(x)) WHEN 'VARCHAR' THEN 'VARCHAR' WHEN 'NULL' THEN 'NULL_VALUE'
     WHEN 'BIGINT' THEN 'INTEGER' WHEN 'UBIGINT' THEN 'INTEGER' WHEN 'HUGEINT' THEN 'INTEGER'
     ELSE json_type(to_json(x)) END`,
  `sf_is_null_value(x) AS json_type(x) = 'NULL'`,
  `sf_array_size(x) AS CASE WHEN json_type(x) = 'ARRAY' THEN CAST(json_array_length(x) AS BIGINT) END`,
  `sf_array_contains(v, a) AS list_contains(from_json(a, '["JSON"]'), to_json(v))`,
  `sf_object_keys(x) AS to_json(json_keys(x))`,
  `sf_array_to_string(a, separator) AS array_to_string(from_json(a, '["VARCHAR"]'), separator)`,
  `sf_to_json(x) AS CAST(to_json(x) AS VARCHAR)`,
  `sf_split(t, separator) AS to_json(string_split(t, separator))`,
  `sf_array(x) AS CASE WHEN json_type(to_json(x)) = 'ARRAY' THEN to_json(x) WHEN x IS NOT NULL THEN json_array(to_json(x)) END`,
  `sf_object(entries) AS CASE WHEN len(list_filter(entries, lambda e: e.v IS NOT NULL)) = 0 THEN CAST('{}' AS JSON)
     ELSE to_json(map_from_entries(list_filter(entries, lambda e: e.v IS NOT NULL))) END`,
  `sf_flatten_keys(x) AS CASE json_type(x) WHEN 'OBJECT' THEN json_keys(x)
     WHEN 'ARRAY' THEN CAST(range(CAST(json_array_length(x) AS BIGINT)) AS VARCHAR[]) ELSE CAST([] AS VARCHAR[]) END`,
  `sf_flatten_path(x, k) AS CASE json_type(x) WHEN 'OBJECT' THEN '$."' || k || '"' ELSE '$[' || k || ']' END`,
];

const TEXTS = [
  `sf_initcap(x) AS array_to_string(list_transform(regexp_extract_all(sf_plain_text(x), '[[:alnum:]]+|[^[:alnum:]]+'),
     lambda w: upper(w[1]) || lower(w[2:])), '')`,
  `sf_regexp_replace(t, p, r) AS regexp_replace(t, p, r, 'g')`,
  `sf_regexp_substr(t, p) AS nullif(regexp_extract(t, p), '')`,
  `sf_regexp_count(t, p) AS len(regexp_extract_all(t, p))`,
  `sf_strtok(t, separators, n) AS list_filter(string_split_regex(t, '[' || separators || ']'), lambda e: e <> '')[n]`,
  `sf_lpad(t, n, p) AS lpad(sf_plain_text(t), CAST(n AS INTEGER), p)`,
  `sf_rpad(t, n, p) AS rpad(sf_plain_text(t), CAST(n AS INTEGER), p)`,
  `sf_space(n) AS repeat(' ', n)`,
];

/** Statements that make every macro, in an order in which each one finds what it uses. */
export const MACRO_STATEMENTS: readonly string[] = [
  ...CONVERSIONS,
  ...ARITHMETIC,
  ...DATES,
  ...JSON_FUNCTIONS,
  ...TEXTS,
].map((macro) => `CREATE OR REPLACE MACRO memory.main.${macro}`);

/** Macros that Snowflake functions of the same name can be, as `sf_` and the name in lower case. */
export const MACRO_NAMES: ReadonlySet<string> = new Set(
  MACRO_STATEMENTS.map((statement) => /main\.(\w+)/.exec(statement)?.[1] ?? ""),
);

/** Those of which there is more than one by the type of an argument. */
export const OVERLOADED_MACROS: ReadonlySet<string> = new Set(
  MACRO_STATEMENTS.filter(
    (statement) => / AS [\s\S]*\),?\s+\(x/.test(statement) || /\(x \w/.test(statement),
  ).map((statement) => /main\.(\w+)/.exec(statement)?.[1] ?? ""),
);
