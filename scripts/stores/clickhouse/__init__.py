"""ClickHouse for local runs: its real engine (chdb-core, in-process) behind its HTTP protocol.

The Workers speak this protocol to ClickHouse in production; locally `python -m scripts.stores.clickhouse` answers it.
Reference: https://clickhouse.com/docs/interfaces/http and ClickHouse's src/Server/HTTPHandler.cpp.
"""

from scripts.stores.clickhouse.process import ClickHouse

__all__ = ["ClickHouse"]
