"""What the operating system says of a running workerd."""

from contextlib import suppress
from dataclasses import dataclass

import psutil

NAME = "workerd"


@dataclass(frozen=True, slots=True)
class Runtime:
    process: psutil.Process

    def cpu_s(self) -> float:
        """Processor time so far. Other programs on the machine change it much less than they change how long things take."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory_mb(self) -> float:
        """Resident memory, in units of 10^6 bytes."""
        return float(self.process.memory_info().rss) / 1e6


def runtime_below(pid: int) -> Runtime:
    """The workerd among a process's descendants. Raises LookupError."""
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a connection's process of PostgreSQL may end while it is looked at
            if child.name() == NAME:
                return Runtime(child)
    raise LookupError("no workerd is running")
