"""Servers as users run their own: with a login and TLS, and certificates of a private CA."""

import contextlib
import http.client
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from include.stack.environment import Environment
from include.stack.servers import server_users
from include.stack.servers.programs import Server

HOST = "localhost"


def certificates(folder: Path, *names: str) -> Path:
    """Writes NAME.crt, NAME.key and NAME.pem (both) for localhost, signed by a new CA; returns the CA's file."""
    folder.mkdir(parents=True, exist_ok=True)
    ca_key = rsa.generate_private_key(65537, 2048)
    ca = _sign(_name("a CA of its own"), ca_key.public_key(), _name("a CA of its own"), ca_key, is_ca=True)
    for name in names:
        key = rsa.generate_private_key(65537, 2048)
        made = _sign(_name(HOST), key.public_key(), ca.subject, ca_key, is_ca=False).public_bytes(Encoding.PEM)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.crt").write_bytes(made)
        (folder / f"{name}.key").write_bytes(secret)
        (folder / f"{name}.pem").write_bytes(secret + made)
    path = folder / "ca.pem"
    path.write_bytes(ca.public_bytes(Encoding.PEM))
    return path


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _sign(subject: x509.Name, key: Any, issuer: x509.Name, signer: Any, *, is_ca: bool) -> x509.Certificate:
    now = datetime.now(UTC)
    names = [x509.DNSName(HOST), x509.IPAddress(ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(signer, hashes.SHA256())
    )


def ask_kafka_for_more(env: Environment, folder: Path, passwords: dict[str, str]) -> None:
    """Configures Kafka: every client logs in over TLS, with PLAIN or SCRAM; `passwords` by user."""
    port, controller = env.ports.kafka, env.ports.kafka_controller
    users = " ".join(f'user_{user}="{password}"' for user, password in passwords.items())
    module = "org.apache.kafka.common.security"
    with (env.state / "kafka" / "server.properties").open("a") as file:
        file.write(
            f"""listeners=SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://{HOST}:{port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
inter.broker.listener.name=SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config={module}.plain.PlainLoginModule required \\
  username="broker" password="{passwords["broker"]}" {users};
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={module}.scram.ScramLoginModule required;
authorizer.class.name=
ssl.keystore.type=PEM
ssl.keystore.location={folder / "kafka.pem"}
ssl.truststore.type=PEM
ssl.truststore.location={folder / "ca.pem"}
"""
        )


def ask_mysql_for_more(env: Environment, folder: Path) -> None:
    """Configures MySQL: it has a certificate, and its users must connect over TLS."""
    with (env.state / "mysql" / "my.cnf").open("a") as file:
        file.write(f"ssl_ca={folder / 'ca.pem'}\nssl_cert={folder / 'mysql.crt'}\nssl_key={folder / 'mysql.key'}\n")
    with (env.state / "mysql" / "users.sql").open("a") as file:
        for user in ("airflow", "stream", "reader"):
            file.write(f"ALTER USER 'logsieve_{user}'@'127.0.0.1' REQUIRE SSL;\n")


@contextlib.contextmanager
def running(env: Environment, server: Server, log: Path) -> Iterator[None]:
    """Runs the program as supervisord would."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            server.command,
            cwd=server.directory,
            env=server.environment(env),
            **server_users.as_user_of(server.name),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def encrypted(port: int, folder: Path) -> Iterator[int]:
    """A proxy with TLS for the HTTP server at `port`, like Elasticsearch's own; yields the proxy's port."""

    class Door(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            behind = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            names = ("Authorization", "Content-Type", "Accept", "Accept-Encoding", "Content-Encoding")
            headers = {name: self.headers[name] for name in names if name in self.headers}
            with contextlib.closing(behind):
                behind.request(self.command, self.path, body, headers)
                answer = behind.getresponse()
                content = answer.read()
            self._answer(answer.status, answer.getheaders(), content)

        def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on

        def log_message(self, *_: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "elasticsearch.crt", folder / "elasticsearch.key")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
