"""Translates the proxy variables of the environment, which Java ignores, to its options."""

from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit


def java_options(variables: Mapping[str, str]) -> list[str]:
    """Options for `java`, including secrets, from the variables that include/stack/machine/shell.py sets."""
    named = {scheme: variables.get(f"{scheme}_proxy") or variables.get("all_proxy") for scheme in ("http", "https")}
    proxies = {scheme: _split(url) for scheme, url in named.items() if url}
    options = []
    for scheme, proxy in proxies.items():
        if proxy.hostname is None:
            continue
        if proxy.scheme.startswith("socks"):
            options += [f"-DsocksProxyHost={proxy.hostname}", f"-DsocksProxyPort={proxy.port or 1080}"]
            continue
        options += [f"-D{scheme}.proxyHost={proxy.hostname}"]
        options += [f"-D{scheme}.proxyPort={proxy.port or (443 if proxy.scheme == 'https' else 80)}"]
        if proxy.username:
            # Ivy supports a single login for both schemes.
            options += [f"-Dhttp.proxyUser={unquote(proxy.username)}"]
            options += [f"-Dhttp.proxyPassword={unquote(proxy.password or '')}"]
    if options:
        options += [f"-Dhttp.nonProxyHosts={_exceptions(variables.get('no_proxy', ''))}"]
        # By default, Java does not send a password to a proxy for https.
        options += ["-Djdk.http.auth.tunneling.disabledSchemes=", "-Djdk.http.auth.proxying.disabledSchemes="]
    return list(dict.fromkeys(options))


def _split(url: str) -> SplitResult:
    return urlsplit(url if "://" in url else f"http://{url}")


def _exceptions(no_proxy: str) -> str:
    """no_proxy in Java's syntax: separated by `|`, with subdomains of a host as `*.example.org`."""
    found = []
    for word in filter(None, (each.strip() for each in no_proxy.split(","))):
        host = word.split("/")[0].lstrip(".").removeprefix("*.") if word != "*" else "*"
        is_name = host.strip("*") != "" and not host.replace(".", "").isdigit() and ":" not in host
        found += [host, f"*.{host}"] if is_name else [f"[{host}]" if ":" in host else host]
    return "|".join(dict.fromkeys(found))
