"""The node's certificates, by one authority that lives as long as the node, and a kubeconfig for each component."""

import json
import subprocess
from pathlib import Path

from tests.kubernetes.layout import ADDRESS, API, NODE, Layout

SERVERS = {
    "apiserver": (
        "/CN=kube-apiserver",
        "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,"
        f"IP:{ADDRESS},IP:10.96.0.1",
    ),
    "kubelet-server": (f"/CN={NODE}", f"DNS:{NODE},IP:{ADDRESS}"),
}
CLIENTS = {
    "apiserver-kubelet": "/O=system:masters/CN=kube-apiserver-kubelet-client",
    "admin": "/O=system:masters/CN=admin",
    "manager": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "kubelet": f"/O=system:nodes/CN=system:node:{NODE}",
    "proxy": "/CN=system:kube-proxy",
    "dns": "/O=system:masters/CN=dns",
}


def make(layout: Layout) -> None:
    folder = layout.run / "pki"
    folder.mkdir(mode=0o700)
    layout.kubeconfig("").mkdir(mode=0o700)
    new = ["req", "-newkey", "rsa:2048", "-nodes"]
    openssl(folder, *new, "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt")
    openssl(folder, "genrsa", "-out", "accounts.key", "2048")
    openssl(folder, "rsa", "-in", "accounts.key", "-pubout", "-out", "accounts.pub")
    wanted = {name: (subject, "serverAuth", names) for name, (subject, names) in SERVERS.items()}
    wanted |= {name: (subject, "clientAuth", "") for name, subject in CLIENTS.items()}
    for name, (subject, usage, names) in wanted.items():
        extensions = f"extendedKeyUsage={usage}\nkeyUsage=digitalSignature,keyEncipherment\n"
        (folder / "extensions").write_text(extensions + (f"subjectAltName={names}\n" if names else ""))
        openssl(folder, *new, "-subj", subject, "-keyout", f"{name}.key", "-out", "request")
        openssl(
            folder, "x509", "-req", "-in", "request", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "extensions", "-out", f"{name}.crt",
        )  # fmt: skip
    for name in CLIENTS:
        user = {"client-certificate": str(folder / f"{name}.crt"), "client-key": str(folder / f"{name}.key")}
        write_kubeconfig(layout, name, user)


def write_kubeconfig(layout: Layout, name: str, user: dict[str, str], namespace: str = "default") -> Path:
    """Writes how a user reaches the API server; returns the file."""
    cluster = {"server": API, "certificate-authority": str(layout.run / "pki" / "ca.crt")}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
        "contexts": [
            {"name": "context", "context": {"cluster": "cluster", "user": "user", "namespace": namespace}},
        ],
        "current-context": "context",
    }
    file = layout.kubeconfig(name)
    file.touch(mode=0o600)
    file.write_text(json.dumps(content))
    return file


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
