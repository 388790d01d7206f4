"""Nothing beyond the database can be reached through the server, whatever the statement: tried on the running engine."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from scripts.stack.process import free_port
from scripts.stores.clickhouse import ClickHouse

PASSWORD = "secret"
CONTENT = "what only the host knows"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Target:
    http: httpx.AsyncClient
    folder: Path

    async def post(self, sql: str, **params: Any) -> httpx.Response:
        filled = sql.replace("SECRET", str(self.folder / "secret.txt")).replace("OUT", str(self.folder / "out"))
        return await self.http.post("/", content=filled, params=params)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    folder = tmp_path_factory.mktemp("clickhouse_access")
    (folder / "secret.txt").write_text(f"{CONTENT}\n")
    server = ClickHouse(folder / "data", free_port(), folder / "clickhouse.log", PASSWORD)
    await server.start()
    async with httpx.AsyncClient(
        base_url=server.url, auth=(server.username, PASSWORD), timeout=20, trust_env=False
    ) as http:
        target = Target(http, folder)
        for sql in ("create table t (x String) engine = MergeTree order by x", "create function own as x -> upper(x)"):
            assert (await target.post(sql)).status_code == 200
        yield target
    await server.stop()


TABLE_FUNCTIONS = """
SQLStandardValues arrowstream azureBlobStorage azureBlobStorageCluster bigquery cluster clusterAllReplicas cosn
deltaLake deltaLakeAzure deltaLakeAzureCluster deltaLakeCluster deltaLakeLocal deltaLakeS3 deltaLakeS3Cluster
dictionary eval executable file fileCluster filesystem format fuzzJSON fuzzQuery gcs generateRandom generateSeries
generate_series hdfs hdfsCluster hudi hudiCluster iceberg icebergAzure icebergAzureCluster icebergCluster
icebergHDFS icebergHDFSCluster icebergLocal icebergLocalCluster icebergS3 icebergS3Cluster input jdbc loop merge
mergeTreeAnalyzeIndexes mergeTreeAnalyzeIndexesUUID mergeTreeCodecBlockCounts mergeTreeIndex mergeTreeProjection
mergeTreeTextIndex mongodb mysql null numbers numbers_mt odbc oss paimon paimonAzure paimonAzureCluster
paimonCluster paimonHDFS paimonHDFSCluster paimonLocal paimonS3 paimonS3Cluster postgresql primes prometheusQuery
prometheusQueryRange python redis remote remoteSecure s3 s3Cluster sqlite timeSeriesData timeSeriesMetricFamilies
timeSeriesMetrics timeSeriesSamples timeSeriesSelector timeSeriesTags url urlCluster values view viewExplain
viewIfPermitted ytsaurus zeros zeros_mt
"""
CLOSED = [
    "select * from file('SECRET', 'TSV', 'x String')",
    "describe file('SECRET')",
    "select file('SECRET')",
    "select `file`('SECRET')",
    "select \"fil\\x65\"('SECRET')",
    "select * apply(file) from (select 'SECRET' as x)",
    "select arrayMap(file, ['SECRET'])",
    "select arrayMap(\u201cfile\u201d, ['SECRET'])",
    "create function f as x -> file(x)",
    "insert into t values (file('SECRET'))",
    "insert into t format Values (file('SECRET'))",
    "select * from `SECRET`",
    "select * from default.`SECRET`",
    "describe default.`SECRET`",
    "select * from dotdo.`SECRET`",
    "select * from fileCluster('c', 'SECRET', 'TSV', 'x String')",
    "select * from filesystem('SECRET')",
    "select 'x' into outfile 'OUT'",
    "select 'x' into /**/ outfile 'OUT' truncate",
    "insert into t from infile 'SECRET' format TSV",
    "insert into function file('OUT', 'TSV', 'x String') select 'x'",
    "backup table t to File('OUT')",
    "backup table t to Disk('default', 'OUT')",
    "select 1 as x format Template settings format_template_row = 'SECRET'",
    "select 1 as x settings format_template_resultset = 'SECRET' format Template",
    "select 1 settings format_schema = 'SECRET'",
    "create table z (x String) engine = File(TSV, 'SECRET')",
    "create table z as file('SECRET')",
    "create table z engine = Executable('x', TSV) as select 1",
    "create table z (x String) engine = MergeTree order by x settings disk = disk(type = local, path = 'OUT')",
    "attach table z from 'OUT' (x String) engine = MergeTree order by x",
    "create database z engine = Filesystem('OUT')",
    "create database z engine = SQLite('OUT')",
    "create dictionary z (k UInt64) primary key k source(executable(command 'id' format 'TSV')) layout(flat()) lifetime(0)",
    "create dictionary z (k UInt64) primary key k source(file(path 'SECRET' format 'TSV')) layout(flat()) lifetime(0)",
    "select * from executable('x', 'TSV', 'x String')",
    "select * from Python(x)",
    "select * from sqlite('SECRET', 't')",
    "select * from url('file://SECRET', 'TSV', 'x String')",
    "select * from url('http://127.0.0.1:1/', 'TSV', 'x String')",
    "select * from urlCluster('c', 'http://127.0.0.1:1/', 'TSV', 'x String')",
    "select * from s3('http://127.0.0.1:1/bucket/key', 'TSV', 'x String')",
    "select * from gcs('http://127.0.0.1:1/bucket/key', 'TSV', 'x String')",
    "select * from remote('127.0.0.1:1', system.one)",
    "select * from remoteSecure('127.0.0.1:1', system.one)",
    "select * from mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "select * from postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "select * from mongodb('127.0.0.1:1', 'a', 'b', 'c', 'd', 'x String')",
    "select * from redis('127.0.0.1:1', 'k', 'k String, v String')",
    "select * from hdfs('hdfs://127.0.0.1:1/x', 'TSV', 'x String')",
    "select * from azureBlobStorage('http://127.0.0.1:1/x', 'c', 'p')",
    "select * from icebergLocal('OUT')",
    "select * from deltaLakeLocal('OUT')",
    "select * from iceberg('http://127.0.0.1:1/bucket/key/')",
    "create table z (x String) engine = URL('http://127.0.0.1:1/', 'TSV')",
    "create table z (x String) engine = S3('http://127.0.0.1:1/b/k')",
    "create database z engine = MySQL('127.0.0.1:1', 'a', 'b', 'c')",
    "create named collection z as url = 'x'",
    "create user z",
    "grant all on *.* to default",
    "alter user default identified by 'x'",
    "select * from system.users",
    "set dialect = 'kusto'",
    "set implicit_select = 1",
    "set allow_experimental_eval_table_function = 1",
    "select * from eval('select 1')",
    "system shutdown",
    "system kill",
    "system reload config",
    "select addressToSymbol(1)",
]


@pytest.mark.parametrize("sql", CLOSED)
async def test_closed(target: Target, sql: str) -> None:
    answer = await target.post(sql)
    assert answer.status_code >= 400, answer.text
    assert CONTENT not in answer.text
    assert not (target.folder / "out").exists()
    assert "refused" not in answer.text.lower()  # that would mean a connection was tried
    assert (await target.post("select 1")).text == "1\n"


READING = "file('SECRET') != ''"
SETTINGS = {
    "select": READING,
    "filter": READING,
    "order": READING,
    "additional_result_filter": READING,
    "additional_table_filters": "{'system.one':'file(\\'SECRET\\') != \\'\\''}",
    "parallel_replicas_custom_key": READING,
    "format_schema": "SECRET",
    "output_format_schema": "OUT",
    "input_format_record_errors_file_path": "OUT",
    "rename_files_after_processing": "OUT",
    "polyglot_dialect": "sqlite",
}


@pytest.mark.parametrize("name", SETTINGS)
async def test_settings_that_hold_sql_or_name_files(target: Target, name: str) -> None:
    value = (
        SETTINGS[name].replace("SECRET", str(target.folder / "secret.txt")).replace("OUT", str(target.folder / "out"))
    )
    literal = value.replace("\\", "\\\\").replace("'", "\\'")
    for answer in (
        await target.post("select * from system.one", **{name: value}),
        await target.post(f"select * from system.one settings {name} = '{literal}'"),
        await target.post(f"set {name} = '{literal}'"),
    ):
        assert answer.headers["x-clickhouse-exception-code"] == "452", answer.text


async def test_names_given_as_parameters(target: Target) -> None:
    for sql in (
        "select arrayMap({f:Identifier}, ['SECRET'])",
        "select {f:Identifier}('SECRET')",
        "select * from {f:Identifier}('SECRET')",
    ):
        answer = await target.post(sql, param_f="file")
        assert (answer.status_code >= 400, CONTENT in answer.text) == (True, False), answer.text


async def test_what_exists_on_the_host_does_not_show(target: Target) -> None:
    assert (await target.post("exists default.`SECRET`")).text == "0\n"
    assert (
        await target.post("select name, engine from system.databases where name in ('default', 'dotdo') order by 1")
    ).text == ("default\tAtomic\ndotdo\tAtomic\n")


async def test_table_functions_are_all_known(target: Target) -> None:
    """A new engine may bring new ones: each has to be looked at, and be closed or harmless."""
    found = (await target.post("select name from system.table_functions order by name")).text.split()
    assert found == TABLE_FUNCTIONS.split()


async def test_ordinary_work_is_open(target: Target) -> None:
    for sql in (
        "create table c (file String, engine String) engine = ReplacingMergeTree order by file",
        "insert into c (file, engine) values ('file(x)', 'engine = File')",
        "select file, engine from c where file = 'file(x)' and engine != 'x'",
        "select own('x'), arrayMap(upper, ['x'])",
        "create view v as select file from c",
        "create materialized view mv engine = SummingMergeTree order by file as select file from c",
        "create table m (x String) engine = Memory",
        "optimize table c final",
        "alter table c add column d DateTime default now()",
        "create database e",
        "drop database e",
    ):
        answer = await target.post(sql)
        assert answer.status_code == 200, f"{sql}: {answer.text}"
