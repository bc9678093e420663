"""Prepares the embedded Elasticsearch."""

import json
from pathlib import Path
from typing import Final

from include.stack.environment import HOST, Environment
from include.stack.machine import programs
from include.stack.servers import certificates, search_users, server_users, tools

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
logger.roles.name = org.elasticsearch.xpack.security.support.QueryableBuiltInRolesSynchronizer
logger.roles.level = off
"""
"""supervisord keeps its output; the default settings would store the same twice more, up to 2 GiB. The silent logger
would repeat that this distribution has no index of built-in roles, which only Kibana shows."""


def variables(home: Path) -> dict[str, str]:
    """The environment variables of Elasticsearch's programs. `home`: the program's folder."""
    own = home.parent
    return {
        "ES_JAVA_HOME": str(programs.java_home()),
        "ES_TMPDIR": str(own / "tmp"),
        # Relative, because the scripts split this at spaces, which the path may contain.
        "CLI_JAVA_OPTS": "-Djava.io.tmpdir=../tmp",
        "TMPDIR": str(own / "tmp"),
        "HOME": str(own),
    }


def prepare(env: Environment, home: Path) -> None:
    """Writes the configuration, and at first the keystore, which the server cannot create itself there.

    `home`: the program's folder. Raises StackError.
    """
    folder, config = home.parent, home / "config"
    _write(
        config / "elasticsearch.yml",
        f"""cluster.name: logsieve
discovery.type: single-node
network.host: {HOST}
http.port: {env.ports.elasticsearch}
transport.port: {env.ports.elasticsearch_transport}
path.data: {json.dumps(str(folder / "data"), ensure_ascii=False)}
path.logs: {json.dumps(str(folder / "logs"), ensure_ascii=False)}
xpack.security.enabled: true
xpack.security.http.ssl.enabled: false
xpack.security.transport.ssl.enabled: true
xpack.security.transport.ssl.verification_mode: certificate
xpack.security.transport.ssl.client_authentication: required
xpack.security.transport.ssl.key: node.key
xpack.security.transport.ssl.certificate: node.crt
xpack.security.transport.ssl.certificate_authorities: [node.crt]
xpack.security.authc.api_key.enabled: false
xpack.security.authc.reserved_realm.enabled: false
xpack.security.authc.realms.native.native.enabled: false
xpack.security.authc.realms.file.file.order: 0
action.auto_create_index: false
cluster.routing.allocation.disk.watermark.low: 2gb
cluster.routing.allocation.disk.watermark.high: 1gb
cluster.routing.allocation.disk.watermark.flood_stage: 500mb
""",
    )
    _write(config / "jvm.options.d" / "logsieve.options", _JVM)
    _write(config / "log4j2.properties", _LOG)
    for name, text in search_users.files(env.passwords).items():
        _write(config / name, text)
    if not (config / "node.crt").exists():
        # Other nodes need this key to join. Whoever could connect without one could claim to be any user.
        key, certificate = certificates.own()
        _write(config / "node.key", key)
        _write(config / "node.crt", certificate)
    if not (config / "elasticsearch.keystore").exists():
        command = [*tools.YIELDING, str(home / "bin" / "elasticsearch-keystore"), "create"]
        tools.run(
            env,
            "elasticsearch",
            command,
            "Elasticsearch's keystore could not be created",
            variables=variables(home),
            configures=True,
        )
    server_users.share(config, "elasticsearch")


def _write(path: Path, text: str) -> None:
    server_users.write_readable(path, text, "elasticsearch")
