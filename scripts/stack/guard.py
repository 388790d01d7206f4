"""Runs one command and ends it when the parent goes away, however the parent ended.

`guard.py SIGNAL COMMAND…`: the parent keeps the write end of this process's stdin. When that closes (a normal stop, a crash or
kill -9 of the parent) the command gets SIGNAL, its whole process group SIGKILL after ten seconds. Standard library only, so
that it starts in milliseconds.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE_S = 10.0


def main() -> int:
    stop_signal = signal.Signals[sys.argv[1]]
    child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True)

    def end_with_parent() -> None:
        while os.read(0, 4096):
            pass
        child.send_signal(stop_signal)
        try:
            child.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)

    threading.Thread(target=end_with_parent, daemon=True).start()
    code = child.wait()
    with contextlib.suppress(ProcessLookupError):  # what the command left behind, workerd under Node for instance
        os.killpg(child.pid, signal.SIGKILL)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
