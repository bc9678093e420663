"""Stops Elasticsearch from writing growing files next to its data: GC logs, heap dumps and log files."""

from pathlib import Path
from typing import Final

_JVM: Final = """-Xlog:disable
-Xlog:all=warning:stderr
-XX:-HeapDumpOnOutOfMemoryError
-XX:ErrorFile=hs_err.log
"""
"""Its default options keep 2 GiB of GC logs, and dump the heap, including documents, when it runs out of memory."""

_LOG: Final = """appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] [%node_name]%marker %m%consoleException%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
"""supervisord keeps its output; the default settings would store the same twice more, up to 2 GiB."""


def write(config: Path) -> None:
    """Replaces the default files in the server's configuration folder. Raises OSError."""
    options = config / "jvm.options.d" / "logsieve.options"
    options.parent.mkdir(exist_ok=True)
    options.write_text(_JVM)
    (config / "log4j2.properties").write_text(_LOG)
