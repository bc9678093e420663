"""Java's options for a proxy, and a fetch by Ivy through a proxy with a login."""

import base64
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.stack.errors import StackError
from include.stack.fetch import parts
from include.stack.machine import shell
from include.stack.machine.proxies import java_options


def options(**variables: str) -> dict[str, str]:
    return dict(option.removeprefix("-D").split("=", 1) for option in java_options(variables))


def test_without_a_proxy_java_gets_no_options():
    assert java_options({"no_proxy": "example.org"}) == []


def test_both_schemes_the_login_and_the_exceptions():
    found = options(
        http_proxy="proxy.example.org:3128",
        https_proxy="http://us%40er:p%3Aw%25@10.1.2.3",
        no_proxy="127.0.0.1,localhost,.example.org,*.example.net,::1,10.0.0.1",
    )
    assert (found["http.proxyHost"], found["http.proxyPort"]) == ("proxy.example.org", "3128")
    assert (found["https.proxyHost"], found["https.proxyPort"]) == ("10.1.2.3", "80")
    assert (found["http.proxyUser"], found["http.proxyPassword"]) == ("us@er", "p:w%")
    assert found["jdk.http.auth.tunneling.disabledSchemes"] == "", "otherwise Java sends no password for https"
    exceptions = found["http.nonProxyHosts"].split("|")
    assert {"127.0.0.1", "localhost", "example.org", "*.example.org", "*.example.net", "[::1]"} <= set(exceptions)


def test_a_socks_proxy_for_all():
    found = options(all_proxy="socks5h://proxy.example.org:1081")
    assert (found["socksProxyHost"], found["socksProxyPort"]) == ("proxy.example.org", "1081")


@pytest.fixture
def proxy() -> Iterator[tuple[int, list[str]]]:
    """A proxy that requires a login and connects to nothing. Yields its port and the requests with the right login."""
    right = "Basic " + base64.b64encode(b'us@er:p"w\\').decode()
    seen: list[str] = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            if self.headers.get("Proxy-Authorization") != right:
                self.send_response(407)
                self.send_header("Proxy-Authenticate", 'Basic realm="here"')
            else:
                seen.append(self.path)
                self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], seen
        server.shutdown()


def test_ivy_uses_the_proxy_with_its_login_and_the_remedy_names_it(
    proxy: tuple[int, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    port, seen = proxy
    made = shell.for_command({"HTTPS_PROXY": f"http://us%40er:p%22w%5C@127.0.0.1:{port}"}, tmp_path, "/")
    for name in ("https_proxy", "no_proxy"):
        monkeypatch.setenv(name, made[name])
    mirror = tmp_path / "ivysettings.xml"
    mirror.write_text(
        '<ivysettings><settings defaultResolver="it"/><resolvers>'
        '<ibiblio name="it" m2compatible="true" root="https://maven.invalid/"/></resolvers></ivysettings>'
    )
    monkeypatch.setenv("LOGSIEVE_IVY_SETTINGS", str(mirror))
    with pytest.raises(StackError) as raised:
        parts.fetch_jars(tmp_path / "my parts (1)", "compiler")
    assert set(seen) == {"maven.invalid:443"}
    assert "https_proxy" in raised.value.remedy
    assert 'p"w' not in raised.value.message + raised.value.remedy
    assert not list((tmp_path / "my parts (1)").glob("jars*")), "no incomplete folder and no password are left"
