"""Builds the environment of the command from an allow-list of the shell's variables.

Other exports (SPARK_HOME, JAVA_TOOL_OPTIONS, PGSSLMODE, PYTHON…, AIRFLOW__…) are meant for other programs, and have
prevented stacks from starting. Standard library only, because this runs before anything is installed.
"""

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from include import folders

SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LANGUAGE: Final = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONUTF8": "1"}
"""Every program uses UTF-8 for file names and text, and UTC for times."""

TERMINAL: Final = ("TERM", "COLUMNS", "LINES", "NO_COLOR")
PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy")
"""Proxies for fetching parts and sending alerts; the names in capitals also work."""
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
"""Never through a proxy: all servers of the stack are on these hosts."""
CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Trusted certificates, such as a company CA."""
ALERTS: Final = ("AIRFLOW_CONN_ALERTS_SLACK", "AIRFLOW_CONN_ALERTS_EMAIL")
"""Airflow connections that the user provides (docs/operations.md#alerts)."""
_OF_AIRFLOW: Final = re.compile(r"AIRFLOW__(OPENLINEAGE|METRICS)__[A-Z0-9_]+")
"""The only settings of Airflow that the user provides (docs/lineage.md, docs/metrics-of-servers.md)."""
OTLP: Final = re.compile(r"OTEL_EXPORTER_OTLP_[A-Z_]+|OTEL_METRIC_EXPORT_INTERVAL")
"""Where and how the metrics are sent by OpenTelemetry (docs/metrics.md); for the program that sends them alone."""
FETCHING: Final = (
    *(f"PIP_{name}" for name in (
        "INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX", "TRUSTED_HOST", "CERT", "CLIENT_CERT", "PROXY",
        "CONFIG_FILE", "CACHE_DIR", "DEFAULT_TIMEOUT", "TIMEOUT", "RETRIES", "KEYRING_PROVIDER",
    )),
    *(f"UV_{name}" for name in (
        "INDEX", "INDEX_URL", "DEFAULT_INDEX", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX", "INDEX_STRATEGY",
        "INSECURE_HOST", "NATIVE_TLS", "SYSTEM_CERTS", "CONFIG_FILE", "CACHE_DIR", "HTTP_TIMEOUT", "OFFLINE",
        "KEYRING_PROVIDER",
    )),
    "SSL_CLIENT_CERT", "NETRC", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
)  # fmt: skip
"""Package sources. Not passed to the programs of the stack."""
_OURS: Final = re.compile(r"LOGSIEVE_[A-Z0-9_]+|UV_INDEX_[A-Z0-9_]+_(USERNAME|PASSWORD)")
STACK_VARIABLE: Final = "LOGSIEVE_STACK"
"""Set to the state folder in every process of the stack, so that `down` can identify them."""


def for_command(shell: Mapping[str, str], root: Path, home: str) -> dict[str, str]:
    """The environment of the command and of its package installers. `home`: the user's home folder."""
    named = {name: value for name, value in shell.items() if name in FETCHING or _OURS.fullmatch(name)}
    named |= {name: value for name, value in shell.items() if OTLP.fullmatch(name)}
    for name in ("LOGSIEVE_STATE", "LOGSIEVE_PARTS", "LOGSIEVE_CONTRACT"):
        if named.get(name):
            named[name] = str(folders.real(named[name]))
    named.pop(STACK_VARIABLE, None)
    places = [place for place in shell.get("PATH", "").split(":") if place.startswith("/")]
    return {
        **named,
        **_passing(shell),
        **_proxies(shell),
        **LANGUAGE,
        "PATH": ":".join(places) or SYSTEM_PATH,
        "HOME": home,
        **modules(root),
    }


def modules(root: Path) -> dict[str, str]:
    """Where Python finds our modules: never in the folder in which a command was typed, nor in a script's."""
    return {"PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"}


def for_programs(shell: Mapping[str, str]) -> dict[str, str]:
    """The part of it that is passed on to our programs and Airflow's."""
    ours = {name: value for name, value in shell.items() if name.startswith("LOGSIEVE_") and _OURS.fullmatch(name)}
    # An HTTP library of Airflow fails on a proxy scheme that it does not support.
    http = {name: value for name, value in _proxies(shell).items() if "://" not in value or value.startswith("http")}
    return {**ours, **_passing(shell), **http}


def _passing(shell: Mapping[str, str]) -> dict[str, str]:
    settings = filter(_OF_AIRFLOW.fullmatch, shell)
    named = {name: shell[name] for name in (*TERMINAL, *ALERTS, *settings) if shell.get(name)}
    trusted = {name: shell[name] for name in CERTIFICATES if shell.get(name) and _has_certificates(Path(shell[name]))}
    return named | trusted


def _has_certificates(path: Path) -> bool:
    """Whether Python can load them: otherwise every HTTP request would fail, even on loopback."""
    try:
        if path.is_dir():
            return True
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:  # ssl.SSLError is one
        return False
    return True


def _proxies(shell: Mapping[str, str]) -> dict[str, str]:
    """The proxies in lower and upper case, as programs read either, plus no_proxy with loopback."""
    found = {name: shell.get(name) or shell.get(name.upper()) or "" for name in (*PROXIES, "no_proxy")}
    set_ones = {name: found[name] for name in PROXIES if found[name]}
    if not set_ones:
        return {}
    set_ones["no_proxy"] = ",".join(dict.fromkeys([*filter(None, found["no_proxy"].split(",")), *LOOPBACK]))
    return set_ones | {name.upper(): value for name, value in set_ones.items()}
