"""db.domain.analytics_sql: no settings of the caller's own, and nothing read elsewhere than in the database."""

import contextlib

import pytest

from db.domain.analytics_sql import require_own_tables
from dotdo.errors import ServiceError


@pytest.mark.parametrize(
    "sql",
    [
        "select settings from t where settings = 1", "select a settings, b = 1", "select 'x settings a=1', 'it\\'s', 'it''s'",
        "select 1 /* settings a = 1 */ -- url(x)\n", "select domain(url), cutURLParameter(url, 'a'), URLHierarchy(url) from t",
        "select fileSize, s3 from input, remote", "select '$x$ url(' as \"a$b\"", "select {x:String} as offset", "",
        "with t as (select 1) select * from t", "select 'unended", "select \"a b\", `c` from t", "select reset (1)",
        "select 'größe', \u2018東京\u2019 as \"größe = 1\", `url (x)` from t -- ünd //\n where a / b > 1 // ü 'x",
        "select a from t order by settings desc, b", "select settings from (select 1 as settings)", "select \"settings\" a, b",
        "select 1 as \"settings a = 1\", evaluate, bigquery from t where settings in (1)", "select .5 as settings from t",
    ],
)  # fmt: skip
def test_a_read_of_the_database_is_let_through(sql: str) -> None:
    require_own_tables(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 settings max_result_rows = 0", "select 1\nSETTINGS/**/max_execution_time=0", "select 1 settings `a`=1",
        'select 1 settings"a"= 1', "select * from (select 1 settings a=1)", "set a = 1", " ; (SET a=1", "/* */ set a=1",
        "select 1 -- '\n settings a=1 -- '", "select 'a\\' ' settings a=1 -- '",
        "select \u2018 ' \u2019 settings a=1, \u2018 ' \u2019",
        "select $a$ ' $a$ settings a=1 -- '", "select 1 # '\n settings a=1",
        "select * from url('http://x', CSV)", "select * from URL ('x')", 'select * from "url"(\'x\')', "select `s3Cluster`()",
        'select * from "\\x75rl"(\'x\')', "select * from icebergS3('x')", "select file('/etc/passwd')",
        "select * from remoteSecure('h', system.one)", "select * from t, postgresql('h', 'd', 't', 'u', 'p')",
        "select 1 // '\n settings a=1 -- '", "select 1 /* /* */ ' */ settings a=1 -- '",
        "select 1 /* /*/ ' */ */ settings a=1 -- '",
        "select 1 as t$$ settings a=1", "select 1 as $a$ settings a=1", "select $a$ ' $a$ settings a=1 -- '",
        "select $'$ ' $'$ settings a=1 -- '", "select count() as x$$ from url('x')", "select count() // '\n from url('x')",
        *[f"select 1 settings{space}a{space}={space}1" for space in "\u0085\u00a0\u180e\u200b\u200d\u2028\u2060\u3000\ufeff"],
        "select count() from url\u200b('x')", "\ufeffset\u2060a=1", "select 1 settings\u201ca\u201d=1",
        "select 1 settings a, b=1", "select 1 settings final, b=1", "select 1 settings a", "(select 1 settings a)",
        "select 1 settings a;",
        "select 1 settings a format JSON", "select 1 settings a union all select 2", "select 1 settings a.b, c=1",
        "select .5settings a=1", "select .5e3SETTINGS a=1",
        "select * from eval('select 1 settings a=1')", "select * from bigquery('x')",
    ],
)  # fmt: skip
def test_settings_and_what_reads_elsewhere_are_refused(sql: str) -> None:
    with pytest.raises(ServiceError) as refused:
        require_own_tables(sql)
    assert (refused.value.code, refused.value.status) == ("INVALID_SQL", 400)


@pytest.mark.parametrize(
    "part", ["$a ", "/*", "/* ", "'", "settings a ", "settings ", "(", "x", ".5", "\\", '"', "-", "\u2018"]
)
def test_however_long_it_is_read_once(part: str) -> None:
    """A statement of a megabyte that made the expressions try again and again would take hours."""
    with contextlib.suppress(ServiceError):
        require_own_tables("select " + part * (1_000_000 // len(part)))
