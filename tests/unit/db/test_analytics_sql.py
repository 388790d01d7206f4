"""db.domain.analytics_sql: no settings of the caller's own, and nothing read elsewhere than in the database."""

import pytest

from db.domain.analytics_sql import require_own_tables
from dotdo.errors import ServiceError


@pytest.mark.parametrize(
    "sql",
    [
        "select settings from t where settings = 1", "select a settings, b = 1", "select 'x settings a=1', 'it\\'s', 'it''s'",
        "select 1 /* settings a = 1 */ -- url(x)\n", "select domain(url), cutURLParameter(url, 'a'), URLHierarchy(url) from t",
        "select fileSize, s3 from input, remote", "select $x$ url(' $x$ as a", "select {x:String} as offset", "",
        "with t as (select 1) select * from t", "select 'unended", "select \"a b\", `c` from t", "select reset (1)",
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
    ],
)  # fmt: skip
def test_settings_and_what_reads_elsewhere_are_refused(sql: str) -> None:
    with pytest.raises(ServiceError) as refused:
        require_own_tables(sql)
    assert (refused.value.code, refused.value.status) == ("INVALID_SQL", 400)
