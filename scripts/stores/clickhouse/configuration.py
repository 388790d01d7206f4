"""The engine's folder: where its data lies, and the configuration it starts with."""

import uuid
from pathlib import Path

# Everything on databases and tables; no sources (files, URLs, other servers), no dictionaries (they run programs), no
# named collections, no BACKUP, no SHUTDOWN.
GRANTS = (
    "GRANT SHOW, SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE TEMPORARY TABLE,"
    " CREATE FUNCTION, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, CHECK, KILL QUERY, dictGet, SYSTEM FLUSH, SYSTEM MERGES,"
    " SYSTEM TTL MERGES ON *.*",
    "GRANT TABLE ENGINE ON *",
)
# A quarter of the engine's own: results are streamed block by block, and a block of wide rows is held several times.
BLOCK_ROWS = 16384
# Settings nobody may change. Other dialects, and the settings that hold SQL, would pass the lexer by; the others name files of
# the host, to read or to write.
CONSTANT = (
    "dialect", "polyglot_dialect", "implicit_select", "select", "filter", "order", "sort",
    "additional_table_filters", "additional_result_filter", "parallel_replicas_custom_key",
    "format_schema", "format_template_row", "format_template_resultset", "output_format_schema",
    "input_format_record_errors_file_path", "rename_files_after_processing", "allow_experimental_eval_table_function",
)  # fmt: skip

# The embedded engine's own `default` database overlays the host's file system. An empty default_database leaves that out,
# and `database` names an ordinary one instead, as a server has it.
SERVER = """<clickhouse>
  <users_config>{users}</users_config>
  <default_database></default_database>
  <database>default</database>
</clickhouse>
"""
USERS = """<clickhouse>
  <profiles><default>
    <implicit_select>0</implicit_select>
    <max_block_size>{block}</max_block_size>
    <constraints>{constraints}</constraints>
  </default></profiles>
  <quotas><default/></quotas>
  <users><default>
    <password></password>
    <networks><ip>::/0</ip></networks>
    <profile>default</profile>
    <quota>default</quota>
    <grants>{grants}</grants>
  </default></users>
</clickhouse>
"""
DEFAULT_DATABASE = "ATTACH DATABASE _ UUID '{uuid}'\nENGINE = Atomic\n"


def prepare(folder: Path) -> str:
    """Writes the configuration below `folder`; returns what to connect the engine to."""
    folder = folder.resolve()
    data, users, server = folder / "data", folder / "users.xml", folder / "server.xml"
    metadata = data / "metadata"
    metadata.mkdir(parents=True, exist_ok=True)
    default = metadata / "default.sql"
    if not default.exists():
        default.write_text(DEFAULT_DATABASE.format(uuid=uuid.uuid4()))
    constraints = "".join(f"<{name}><const/></{name}>" for name in CONSTANT)
    grants = "".join(f"<query>{grant}</query>" for grant in GRANTS)
    users.write_text(USERS.format(block=BLOCK_ROWS, constraints=constraints, grants=grants))
    server.write_text(SERVER.format(users=users))
    return f"{data}?config-file={server}"
