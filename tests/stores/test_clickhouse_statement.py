"""What the server understands of SQL before the engine does: tokens, one statement, data, and what is closed.

The engine's own parser is the reference: where it finds several statements, so must the lexer.
"""

import importlib
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scripts.stores.clickhouse.access import check, check_values
from scripts.stores.clickhouse.engine import quote, quote_name
from scripts.stores.clickhouse.errors import ClickHouseError, from_engine
from scripts.stores.clickhouse.lexer import Kind, tokens
from scripts.stores.clickhouse.statement import Insert, Statement, parse


@pytest.fixture(scope="module")
def engine() -> Any:
    """The engine's parser."""
    return importlib.import_module("chdb._chdb").connect(":memory:")


def kinds(sql: str) -> list[tuple[str, str]]:
    return [(token.kind.value, token.text.decode()) for token in tokens(sql.encode())]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select a.b, 'it''s \\' ;'", ["select", "a", ".", "b", ",", "'it''s \\' ;'"]),
        ('`a``b\\`;` "c""d;"', ["`a``b\\`;`", '"c""d;"']),
        ("1 -- ; '\n2 // ;\n3 # ;\n4 #! ;\n5", ["1", "2", "3", "4", "5"]),
        ("1 /* ; /* ' */ ; */ 2", ["1", "2"]),
        ("$$a;b$$ $tag$;$$;$tag$ $1$;$1$", ["$$a;b$$", "$tag$;$$;$tag$", "$1$;$1$"]),
        ("x'41' b'01' X'' ax'y'", ["x'41'", "b'01'", "X''", "ax", "'y'"]),
        ("\u2018a;'b\u2019 \u201cc;d\u201d", ["\u2018a;'b\u2019", "\u201cc;d\u201d"]),
        ("a\u00a0b\u3000c", ["a", "b", "c"]),
        ("1e-5", ["1e", "-", "5"]),
        ("#x", ["#", "x"]),
    ],
)
def test_tokens(sql: str, expected: list[str]) -> None:
    assert [text for _, text in kinds(sql)] == expected


@pytest.mark.parametrize(
    "rest", ["'abc ; x", "`a", '"a\\"', "/* ; /* */", "x'zz'; 1", "b'012'; 1", "\u2018a'", '\u201ca"']
)
def test_what_is_never_closed_is_one_token(rest: str) -> None:
    assert kinds(f"1 {rest}") == [("word", "1"), ("unclosed", rest)]


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("file", b"file"),
        ("`fi``le`", b"fi`le"),
        ('"fi\\x6ce"', b"file"),
        ("`fi\\le`", b"file"),
        ("\u201cfile\u201d", b"file"),
    ],
)
def test_the_name_behind_a_token(sql: str, name: bytes) -> None:
    assert next(tokens(sql.encode())).name == name


@given(st.text())
@settings(deadline=None)
def test_a_quoted_value_is_one_literal(engine: Any, value: str) -> None:
    literal = quote(value)
    assert [token.kind for token in tokens(literal.encode())] == [Kind.STRING]
    assert engine.query(f"select {literal}", "RawBLOB").bytes().decode() == value
    if value:
        (name,) = tokens(quote_name(value).encode())
        assert (name.kind, name.name) == (Kind.QUOTED, value.encode())


PIECES = st.sampled_from(
    ["select 1", "select 'a;b'", "'", "''", '"', "`", ";", "--", "//", "# ", "#!", "/*", "*/", "\n", "\\", "$$", "$a$", "$",
     "x'4'", "b'0", " ", "\u2018", "\u2019", "\u201c", "\u201d", "\u2212", "\u00a0", "select", "1", "a", ",", "(", ")", "\\G",
     "\0", "insert into t values (1)", "explain", "drop table t", "as", "union all", ".5e1", "0x1F", "1_000"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=9).map("".join))
@settings(max_examples=1500, deadline=None)
@example("select 1 -- ;\n; select 2")
@example("select $a$ ; $a$; drop table t")
@example("select '\\\\'; drop table t; --'")
@example("select 1 /* /* */ ; */; select 2")
def test_where_the_engine_finds_several_statements_they_are_refused(engine: Any, sql: str) -> None:
    count = engine.classify_query(sql)["statement_count"]
    try:
        found = parse(sql.encode())
    except ClickHouseError:
        return
    assert count <= 1 or isinstance(found, Insert)  # whose data the engine does not see


@given(
    st.lists(
        st.sampled_from(["select 1", "select 'a;b'", "select `x;y` from t", "select 1 -- ;\n", "/* ; */ select $$;$$"])
    )
)
@settings(max_examples=200, deadline=None)
def test_one_statement_passes_and_two_do_not(engine: Any, statements: list[str]) -> None:
    sql = ";".join(statements).encode()
    if len(statements) <= 1:
        assert isinstance(parse(sql + b" ; ;"), Statement)
    else:
        with pytest.raises(ClickHouseError, match="Multi-statements are not allowed") as caught:
            parse(sql)
        assert (caught.value.code, caught.value.status) == (62, 400)


@pytest.mark.parametrize(
    ("sql", "text", "data_format", "data"),
    [
        ("insert into t values (1);x", "insert into t ", "Values", " (1);x"),
        ("INSERT INTO t (a, b) FORMAT JSONEachRow\n{}\n\n;drop", "INSERT INTO t (a, b) ", "JSONEachRow", "{}\n\n;drop"),
        ("insert into t format CSV \r\n1", "insert into t ", "CSV", "1"),
        ("insert into t format Native\n\n'", "insert into t ", "Native", "\n'"),
        ("insert into values values (1)", "insert into values ", "Values", " (1)"),
        ("insert into `format`.format (format) format CSV 1", "insert into `format`.format (format) ", "CSV", "1"),
        ("insert t settings a=1, x='format y' format CSV\n1", "insert t settings a=1, x='format y' ", "CSV", "1"),
        ("insert into table function f('values') values (1)", "insert into table function f('values') ", "Values", " (1)"),
        ("insert into {t:Identifier}.u (* except(a)) format TSV", "insert into {t:Identifier}.u (* except(a)) ", "TSV", ""),
        ("/* insert */ insert -- select\n into t values", "/* insert */ insert -- select\n into t ", "Values", ""),
    ],
)  # fmt: skip
def test_the_data_of_an_insert_is_cut_off(sql: str, text: str, data_format: str, data: str) -> None:
    found = parse(sql.encode())
    assert isinstance(found, Insert)
    assert (found.text.decode(), found.format, found.data.decode()) == (text, data_format, data)


@pytest.mark.parametrize(
    "sql",
    [
        "insert into t select * from values('x String', 'a')",
        "insert into t (a) (select 1)",
        "insert into t with 1 as format select format",
        "with x as (select 1) insert into t select * from x",
        "explain insert into t select 1",
        "select insert, values, format from t",
        "insert into t from s select *",
    ],
)
def test_an_insert_of_a_query_has_no_data(sql: str) -> None:
    found = parse(sql.encode())
    assert isinstance(found, Statement)
    assert found.text == sql.encode()


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("insert into t", 62),
        ("insert into t;", 62),
        ("insert into t format 'x'", 62),
        ("insert into t select * from input('a String') format CSV\n1\n\ndrop table t", 48),
        ("explain insert into t values (1)", 48),
        ("explain insert into t format CSV\n1\n\ndrop table t", 48),
    ],
)
def test_data_that_the_engine_would_misread_is_refused(sql: str, code: int) -> None:
    with pytest.raises(ClickHouseError) as caught:
        parse(sql.encode())
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1 format JSON", "JSON"),
        ("select 1 Format CSV settings x=1;", "CSV"),
        ("select 1 settings x=1 format TSV -- end", "TSV"),
        ("select format from t", None),
        ("select 1 as format", None),
        ("select 'x' format 'JSON'", None),
    ],
)
def test_the_output_format(sql: str, expected: str | None) -> None:
    assert parse(sql.encode()).format == expected


CLOSED = [
    "select file('/etc/passwd')", "select `file`('/x')", 'select "fil\\x65"(\'/x\')', "select \u201cfile\u201d('/x')",
    "select file /* */ -- x\n ('/x')", "select file\u00a0('/x')", "select * apply(file) from t", "select * apply file from t",
    "select arrayMap(file, ['/x'])", "select arrayMap((`file`), ['/x'])", "select arrayFilter({f:Identifier}, ['/x'])",
    "select mapApply(file, m) from t", "create function f as x -> file(x)", "create view v as select file('/x')",
    "select * from executable('x', 'TSV', 'x String')", "select * from Python(os)", "select * from eval('select 1')",
    "create table z (x String) engine = File(TSV, '/x')", "create table z (x String) engine `Fil\\x65`(TSV)",
    "create table z (x String) ENGINE/**/=/**/URL('http://127.0.0.1/')", "create database z engine = SQLite('/x')",
    "create table y (a Int8) engine = Memory parallel with create table z (x String) engine = S3('http://127.0.0.1/')",
    "attach table z from '/x' (x String) engine = MergeTree order by x",
    "create table z (x String) engine = MergeTree order by x settings disk = disk(type = local, path = '/x')",
]  # fmt: skip


@pytest.mark.parametrize("sql", CLOSED)
def test_closed(sql: str) -> None:
    found = parse(sql.encode())
    with pytest.raises(ClickHouseError, match="Not enough privileges") as caught:
        check(found.text, found.tokens)
    assert (caught.value.code, caught.value.status) == (497, 403)


@pytest.mark.parametrize(
    "sql",
    [
        "select file, t.file, file as f from t where file = 'file(x)' -- file(x)",
        "create table t (file String, engine String) engine = ReplacingMergeTree order by file",
        "create table t (x String) engine = AggregatingMergeTree() order by x",
        "select engine from system.tables where engine = 'File'",
        "select arrayJoin(file), arrayMap(x -> x, file) from t",
        "select {t:Identifier}, arrayMap(x -> x, {a:Array(String)})",
        "alter table t attach partition 1 from s",
        "insert into t (file) select 'x'",
        "create database d engine = Atomic",
    ],
)
def test_open(sql: str) -> None:
    found = parse(sql.encode())
    check(found.text, found.tokens)


def test_expressions_in_values_are_looked_at_and_texts_are_not() -> None:
    check_values(b"(1, 'file(x)'), (2, 'engine')")
    with pytest.raises(ClickHouseError):
        check_values(b"(1, 'x'), (2, file('/x'))")


@pytest.mark.parametrize(
    ("said", "code", "status", "text"),
    [
        ("Code: 60. DB::Exception: No t. (UNKNOWN_TABLE)", 60, 404, "Code: 60. DB::Exception: No t. (UNKNOWN_TABLE)"),
        (
            "Code: 27. DB::Exception: Code: 27. DB::Exception: Bad (x). (CANNOT_PARSE) (version 1.2.3). (CANNOT_PARSE)",
            27, 400, "Code: 27. DB::Exception: Bad (x). (CANNOT_PARSE)",
        ),
        (
            "Streaming insert append failed: Code: 241. DB::Exception: Memory. (MEMORY_LIMIT_EXCEEDED) (version 1.2.3)",
            241, 500, "Code: 241. DB::Exception: Memory. (MEMORY_LIMIT_EXCEEDED)",
        ),
        ("broken", 1001, 500, "Code: 1001. DB::Exception: broken (STD_EXCEPTION)"),
        ("", 1001, 500, "Code: 1001. DB::Exception: the engine gave no reason (STD_EXCEPTION)"),
    ],
)  # fmt: skip
def test_the_engine_s_words_become_an_error(said: str, code: int, status: int, text: str) -> None:
    error = from_engine(said)
    assert (error.code, error.status, str(error)) == (code, status, text)
