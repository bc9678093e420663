"""Keeps Elasticsearch from writing what grows beside its data: notes of its collector, its heap, its log files."""

from pathlib import Path
from typing import Final

_JVM: Final = """-Xlog:disable
-Xlog:all=warning:stderr
-XX:-HeapDumpOnOutOfMemoryError
-XX:ErrorFile=hs_err.log
"""
"""Its own options would keep 2 GiB of notes of its collector, and write its heap, with documents, when memory ends."""

_LOG: Final = """appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] [%node_name]%marker %m%consoleException%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
"""What it prints is kept by supervisord; its own settings would keep the same again, twice, and up to 2 GiB."""


def write(config: Path) -> None:
    """Into the server's folder of configuration, in the place of what came with it. Raises OSError."""
    options = config / "jvm.options.d" / "logsieve.options"
    options.parent.mkdir(exist_ok=True)
    options.write_text(_JVM)
    (config / "log4j2.properties").write_text(_LOG)
