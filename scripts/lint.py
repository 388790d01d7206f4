"""Format, lint and type checks over the whole project, all of them even when one fails."""

import subprocess
import sys
import time
from collections.abc import Sequence

# Each Worker's entry.py is the module `entry`: mypy takes one of them at a time.
CHECKS: dict[str, Sequence[str]] = {
    "ruff format": ("ruff", "format", "--check", "--quiet", "."),
    "ruff check": ("ruff", "check", "--no-cache", "--quiet", "."),
    "mypy gateway": ("mypy", "gateway/src"),
    "mypy db": ("mypy", "db/src"),
    "mypy auth": ("mypy", "auth/src"),
    "mypy schedule": ("mypy", "schedule/src"),
    "mypy shared, scripts, tests": ("mypy", "shared/src", "scripts", "tests"),
}


def main() -> int:
    failed = 0
    for name, command in CHECKS.items():
        started = time.perf_counter()
        result = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
        mark = "✗" if result.returncode else "✓"
        print(f"  {mark} {name} {time.perf_counter() - started:.1f} s", flush=True)
        if result.returncode:
            failed = 1
            print(result.stdout + result.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
