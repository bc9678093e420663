"""Fetches and unpacks the parts that are not Python: the jars of ivy.xml, the servers inside them, and libaio."""

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from include.settings import ROOT
from include.stack.errors import StackError
from include.stack.fetch import checksums, packages, pyspark_home
from include.stack.machine import proxies
from include.stack.private import write_private

IVY_XML = ROOT / "include" / "stack" / "fetch" / "ivy.xml"
YARN_XML = IVY_XML.with_name("yarn.xml")


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Yields a temporary folder and renames it to `target` on success, so that no incomplete folder is ever used."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        yield partial
        partial.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def fetch_jars(parts: Path, *only: str, check: Callable[[Path], None] = checksums.check) -> Path:
    """Folder with one sub-folder of jars per configuration of ivy.xml, or per name in `only`.

    `check`: raises if they are not the right ones. Raises StackError if a jar cannot be fetched.
    """
    return _make_current("jars", _fetch(parts, "jars", IVY_XML, only, check))


def fetch_yarn(parts: Path, check: Callable[[Path], None] = checksums.check) -> Path:
    """Folder with YARN's jars in its sub-folder `yarn`. Raises as `fetch_jars` does."""
    return _make_current("yarn", _fetch(parts, "yarn", YARN_XML, (), check))


def _fetch(parts: Path, name: str, ivy_xml: Path, only: Sequence[str], check: Callable[[Path], None]) -> Path:
    version = hashlib.sha256(ivy_xml.read_bytes()).hexdigest()[:12]
    jars = parts / "-".join([name, version, *only])
    if jars.exists():
        return jars
    ivy = next(pyspark_home.jars().glob("ivy-*.jar"))
    mirror = os.environ.get("LOGSIEVE_IVY_SETTINGS")
    with whole(jars) as folder:
        # Relative, because the folder's path may contain characters that Ivy interprets in a pattern.
        pattern = "[conf]/[artifact]-[revision].[ext]"
        proxy = folder / "options"
        write_private(proxy, "\n".join(_quoted(option) for option in proxies.java_options(os.environ)))
        command = ["java", f"@{proxy}", f"-Duser.home={parts}", "-jar", str(ivy), "-ivy", str(ivy_xml), "-warn"]
        command += ["-cache", str(parts / "ivy-cache"), "-confs", *(only or ["*"])]
        command += ["-settings", str(Path(mirror).absolute())] if mirror else []
        done = subprocess.run([*command, "-retrieve", pattern], capture_output=True, text=True, cwd=folder)
        proxy.unlink()
        if done.returncode != 0:
            raise StackError(
                "The JVM parts could not be fetched: " + _last_lines(done.stdout + done.stderr), _remedy(os.environ)
            )
        check(folder)
    return jars


def _quoted(option: str) -> str:
    """An option quoted for an argument file of `java`."""
    return '"' + option.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _remedy(variables: Mapping[str, str]) -> str:
    named = next((name for name in ("https_proxy", "all_proxy") if variables.get(name)), None)
    proxy = f"Java uses the proxy in {named}: check it" if named else "if you use a proxy, set https_proxy"
    return (
        f"Check the network; {proxy}. For a mirror of Maven Central set LOGSIEVE_IVY_SETTINGS to your ivysettings.xml."
    )


def _make_current(name: str, jars: Path) -> Path:
    """Points the link `name` at this version; the settings pass `jars` to Spark."""
    link = jars.with_name(name)
    if not link.exists() or link.resolve() != jars.resolve():
        partial = link.with_name(f"{name}.{os.getpid()}")
        partial.symlink_to(jars.name)
        partial.replace(link)
    return link


def unpack_mysql(parts: Path, jars: Path) -> Path:
    """Folder of the old MySQL server (`bin/mysqld`), unpacked once below `parts`."""
    return _unpack_inner(jars / "mysql", "mysql-Linux-amd64.tar.gz", parts)


def unpack_postgres(parts: Path, jars: Path) -> Path:
    """Folder of the PostgreSQL server (`bin/postgres`), unpacked once below `parts`."""
    return _unpack_inner(jars / "postgres", "postgres-linux-x86_64.txz", parts)


def _unpack_inner(jars: Path, name: str, target: Path) -> Path:
    (jar,) = jars.glob("*.jar")
    home = target / jar.stem
    if not home.exists():
        with (
            whole(home) as folder,
            zipfile.ZipFile(jar) as outer,
            outer.open(name) as inner,
            tarfile.open(fileobj=inner, mode="r:*") as archive,
        ):
            # Python before 3.11.4, as in Debian 12, has no filter; Ivy has verified the archive.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(folder)  # noqa: S202
    return home


def unpack_elasticsearch(jars: Path, target: Path) -> Path:
    """Folder of the Elasticsearch server, unpacked once below `target`."""
    (archive,) = (jars / "elasticsearch").glob("*.zip")
    home = target / archive.stem
    if not home.exists():
        with whole(home) as folder:
            with zipfile.ZipFile(archive) as content:
                content.extractall(folder)  # noqa: S202  verified by Ivy
            inner = next(folder.iterdir())
            for path in inner.iterdir():
                path.rename(folder / path.name)
            inner.rmdir()
            for program in (folder / "bin").iterdir():
                program.chmod(0o755)  # extraction drops the modes of the zip
    return home


def find_libaio(parts: Path) -> Path | None:
    """Folder with libaio.so.1, which mysqld needs: an empty path if the system has it, or ours, or None."""
    if "libaio.so.1 " in subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout:
        return Path()
    ours = parts / "libaio"
    return ours if (ours / "libaio.so.1").exists() else None


def fetch_libaio(parts: Path) -> Path:
    """Folder with libaio.so.1. If the system has none, downloads and unpacks the package of Debian or Ubuntu.

    Raises StackError if the download fails.
    """
    found = find_libaio(parts)
    if found is not None:
        return found
    with whole(parts / "libaio") as folder:
        unpacked, wrong = folder / "unpacked", ""
        unpacked.mkdir()
        try:
            packages.unpack(unpacked, "libaio1", "libaio1t64")
        except packages.PackageError as error:
            wrong = str(error)
        library = next(unpacked.rglob("libaio.so.1*.*"), None)
        if library is None:
            raise StackError(
                f"MySQL needs the library libaio.so.1, and it could not be fetched. {wrong}".rstrip(),
                "Install it: apt-get install libaio1 (Debian), libaio1t64 (Ubuntu), dnf install libaio (Fedora).",
            )
        shutil.copy(library, folder / "libaio.so.1")
        shutil.rmtree(unpacked)
    return parts / "libaio"


def _last_lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[-3:])
