"""Linux's Landlock around the server: whatever a statement finds, the kernel opens no file beyond these folders.

The second wall behind access.py and the engine's grants. Where the kernel has no Landlock (before 5.13, other systems,
some containers) the server runs without it. Numbers: linux/landlock.h; the same on every architecture.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
RULESET_VERSION = 1  # flag: answer the version of the interface
RULE_PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
READ = READ_FILE | READ_DIR
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE  # all that a rule on a file, not a folder, may name
ALL = (1 << 13) - 1  # version 1; later versions add:
REFER, TRUNCATE = 1 << 13, 1 << 14
CONNECT_TCP = 1 << 1

# What the interpreter and the engine load or look up while they run.
SYSTEM = ("/usr", "/lib", "/lib64", "/proc", "/sys", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", "/dev/null")


def confine(writable: Path, readable: Iterable[Path], listable: Path) -> bool:
    """From now on this thread, and those it starts, can open files below these folders only, and connect nowhere.

    `listable` may be listed but not read. Returns false, with nothing changed, where the kernel does not offer it.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, 0, RULESET_VERSION)
    if version < 1:
        return False
    files = ALL | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    attributes = struct.pack("=QQ", files, CONNECT_TCP if version >= 4 else 0)
    ruleset = libc.syscall(CREATE_RULESET, attributes, len(attributes) if version >= 4 else 8, 0)
    if ruleset < 0:
        return False
    try:
        _allow(libc, ruleset, writable, files)
        _allow(libc, ruleset, listable, READ_DIR)
        interpreter = [Path(folder) for folder in {sys.prefix, sys.base_prefix}]
        for path in [*readable, *interpreter, *map(Path, SYSTEM)]:
            _allow(libc, ruleset, path, READ)
        confined: bool = (
            libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 and libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
        )
        return confined
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, access: int) -> None:
    if not path.exists():
        return
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = access if path.is_dir() else access & OF_FILES
        if libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, struct.pack("=Qi", rights, handle), 0) != 0:
            raise OSError(ctypes.get_errno(), f"Landlock refuses a rule for {path}")
    finally:
        os.close(handle)
