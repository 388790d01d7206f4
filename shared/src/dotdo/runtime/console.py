"""Where log lines go."""

import js


def console(line: str) -> None:
    """The Worker's log. `print` ends there, too, by way of a file and 30 µs later."""
    js.console.log(line)
