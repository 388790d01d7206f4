"""The ports of `dotdo.ports` on the Workers runtime.

With `dotdo.entry` and the `entry.py` of each Worker this is the only code that imports `workers`, `js` or `pyodide`.
"""

from dotdo.runtime.bindings import WorkerBindings

__all__ = ["WorkerBindings"]
