"""Chooses the MySQL server: the settings', the machine's, the distribution's newest, or an old one in a jar."""

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from include.settings import Settings
from include.stack.errors import StackError
from include.stack.fetch import packages, parts

Version = tuple[int, int, int]

IN_JAR: Final = (8, 0, 15)
"""The newest server that Maven's repositories have, from 2019. It still accepts TLS 1.0."""
OLDEST: Final = (8, 0, 30)
"""The oldest other server: it introduced the setting of _SETTINGS that sizes the redo log."""
REMEDY: Final = "Set LOGSIEVE_MYSQLD to the mysqld of MySQL 8.0.30 or newer."
_SETTINGS: Final = {"innodb_redo_log_capacity": "512M", "tls_version": "TLSv1.2,TLSv1.3"}
_SETTINGS_IN_JAR: Final = {"innodb_log_file_size": "256M"}
_PACKAGES: Final = [[f"mysql-server-core{series}", f"mysql-client-core{series}"] for series in ("", "-8.4", "-8.0")]
"""The server and the client, by the names that Debian and Ubuntu give them, newest first."""
_FOLDERS: Final = "/usr/sbin:/usr/local/sbin:/usr/local/mysql/bin"
"""Where a mysqld lies that is not on a person's PATH."""
_CONFINED: Final = Path("/etc/apparmor.d")


@dataclass(frozen=True)
class Mysqld:
    """A MySQL server that this machine can run."""

    version: Version = (0, 0, 0)
    command: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    """Settings that not every version has, and where this one lies."""
    variables: dict[str, str] = field(default_factory=dict)
    """Environment variables that it needs."""
    home: Path | None = None
    """Its unpacked folder, unless it is the machine's own."""
    warning: str = ""
    """What a person should know about it; empty for a current one."""

    @property
    def name(self) -> str:
        """Its version in words."""
        return text(self.version)

    def opens(self, made_by: Version | None) -> bool:
        """Whether it can open data made by that version: the same or an older one, but none skips 8.4.

        https://dev.mysql.com/doc/refman/9.7/en/upgrade-paths.html
        """
        if made_by is None:
            return True
        return made_by <= self.version and (self.version < (9,) or made_by >= (8, 4))


def choose(settings: Settings, jars: Path, made_by: Version | None, readable: Callable[[Path], Path]) -> Mysqld:
    """The server to start, fetched and unpacked if necessary.

    `made_by`: version that made the data, None without data. `readable`: returns where the server's user can read a
    folder. Raises StackError if no server can open the data.
    """
    if (found := find(settings, made_by, readable)) is not None:
        return found
    why = "the data was made by it"
    if made_by != IN_JAR:
        try:
            home = _fetch(settings.parts)
        except packages.PackageError as error:
            why = f"no newer one could be fetched ({error})"
        else:
            if (fetched := _of_packages(home)).opens(made_by):
                return _of_packages(readable(home))
            why = f"the newest to be had is {fetched.name}"
    if made_by is not None and made_by != IN_JAR:
        raise StackError(f"No MySQL here can open data of {text(made_by)}: {why}.", f"{REMEDY} Or try again later.")
    return _in_jar(settings.parts, jars, readable, why)


def find(settings: Settings, made_by: Version | None, readable: Callable[[Path], Path] = Path) -> Mysqld | None:
    """The server that can be started without fetching one, if it can open the data and is not the old one.

    Raises StackError if the one of the settings cannot be used.
    """
    if settings.mysqld is not None:
        return _named(settings.mysqld, made_by)
    own = shutil.which("mysqld") or shutil.which("mysqld", path=_FOLDERS)
    if own is not None and not _is_confined(own) and (found := _of_machine(own)) is not None and found.opens(made_by):
        return found
    for home in sorted(settings.parts.glob("mysqld-[0-9]*.*.*[0-9]"), key=_age):
        if _of_packages(home).opens(made_by):
            return _of_packages(readable(home))
    return None


def client(settings: Settings) -> list[str]:
    """The command of MySQL's own client: the machine's, or the one fetched with the server; empty if there is none."""
    if own := shutil.which("mysql"):
        return [own]
    homes = sorted(settings.parts.glob("mysqld-[0-9]*.*.*[0-9]"), key=_age)
    return _loaded(homes[0], "mysql") if homes else []


def _named(path: Path, made_by: Version | None) -> Mysqld:
    found = _of_machine(str(path))
    if found is None:
        raise StackError(f"LOGSIEVE_MYSQLD={path} is not MySQL {text(OLDEST)} or newer.", REMEDY)
    if made_by is not None and not found.opens(made_by):
        raise StackError(
            f"LOGSIEVE_MYSQLD={path} is {found.name}, which cannot open data of {text(made_by)}.",
            "Use a version between the two first, or start from scratch: ./logsieve up --fresh.",
        )
    return found


def _of_machine(program: str) -> Mysqld | None:
    version = _version([program])
    return Mysqld(version, (program,), _SETTINGS) if version and version >= OLDEST else None


def _of_packages(home: Path) -> Mysqld:
    """The server in a folder that _fetch named after its version."""
    major, minor, patch = home.name.removeprefix("mysqld-").split(".")
    folders = {"basedir": home, "plugin_dir": home / "plugin"}
    folders |= {"lc_messages_dir": home / "share", "character_sets_dir": home / "share" / "charsets"}
    settings = _SETTINGS | {name: str(path) for name, path in folders.items()}
    return Mysqld((int(major), int(minor), int(patch)), tuple(_loaded(home, "mysqld")), settings, home=home)


def _in_jar(folder: Path, jars: Path, readable: Callable[[Path], Path], why: str) -> Mysqld:
    libaio = parts.fetch_libaio(folder)
    home = readable(parts.unpack_mysql(folder, jars))
    variables = {"LD_LIBRARY_PATH": str(readable(libaio) if libaio != Path() else libaio)}
    settings = _SETTINGS_IN_JAR | {"basedir": str(home)}
    warning = f"MySQL 8.0.15 of 2019 runs, because {why}. {REMEDY}"
    return Mysqld(IN_JAR, (str(home / "bin" / "mysqld"),), settings, variables, home, warning)


def _fetch(folder: Path) -> Path:
    """Fetches the distribution's newest server with its libraries; returns its folder. Raises PackageError."""
    with parts.whole(folder / "mysqld-new") as home:
        unpacked = home / "unpacked"
        unpacked.mkdir()
        packages.unpack_newest(unpacked, *_PACKAGES)
        (home / "lib").mkdir()
        for library in unpacked.rglob("x86_64-linux-gnu/*.so*"):
            library.rename(home / "lib" / library.name)
        usr = unpacked / "usr"
        for source, target in (
            ("sbin/mysqld", "mysqld"), ("bin/mysql", "mysql"), ("share/mysql", "share"), ("lib/mysql/plugin", "plugin")
        ):  # fmt: skip
            (usr / source).rename(home / target)
        shutil.rmtree(unpacked)
        version = _version(_loaded(home, "mysqld"))
        if version is None:
            raise packages.PackageError("the downloaded mysqld does not start")
    fetched = folder / f"mysqld-{text(version)}"
    if fetched.exists():  # another stack may run it
        shutil.rmtree(folder / "mysqld-new")
        return fetched
    return (folder / "mysqld-new").rename(fetched)


def _loaded(home: Path, program: str) -> list[str]:
    """The command of an unpacked program, started by the C library that came with it: the machine's may be older."""
    loader = home / "lib" / "ld-linux-x86-64.so.2"
    return [str(loader), "--library-path", str(home / "lib"), str(home / program)]


def _version(command: Sequence[str]) -> Version | None:
    """The version of a server; None if it is another program, or does not start."""
    try:
        done = subprocess.run([*command, "--no-defaults", "--version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"Ver (\d+)\.(\d+)\.(\d+)", done.stdout)
    return None if found is None or "MariaDB" in done.stdout else (int(found[1]), int(found[2]), int(found[3]))


def text(version: Version) -> str:
    """A version in words."""
    return ".".join(map(str, version))


def _age(home: Path) -> float:
    return -home.stat().st_mtime


def _is_confined(program: str) -> bool:
    """Whether AppArmor lets this program open only the system's own folders, as Ubuntu's package configures it."""
    profile = _CONFINED / program.strip("/").replace("/", ".")
    enabled = Path("/sys/module/apparmor/parameters/enabled")
    return profile.exists() and enabled.exists() and enabled.read_text().startswith("Y")
