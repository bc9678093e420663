"""The node's programs in the order of their start, with their arguments."""

from tests.kubernetes.layout import ADDRESS, API, NODE, SERVICES, Layout


def commands(knode: str, kdns: str, layout: Layout) -> dict[str, list[str]]:
    """By name. `knode`, `kdns`: the programs that build.py has built."""
    run, pki, ports = layout.run, layout.run / "pki", layout.ports
    etcd, peers = (f"http://127.0.0.1:{ports[name]}" for name in ("etcd", "etcd_peers"))
    return {
        "etcd": [
            knode, "etcd", "--name", NODE, "--data-dir", f"{run}/etcd", "--listen-client-urls", etcd,
            "--advertise-client-urls", etcd, "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
            "--initial-cluster", f"{NODE}={peers}", "--unsafe-no-fsync", "--log-level", "warn",
        ],
        "containerd": ["containerd", "--config", f"{run}/etc/containerd.toml"],
        "apiserver": [
            knode, "kube-apiserver", f"--advertise-address={ADDRESS}", f"--bind-address={ADDRESS}",
            f"--secure-port={API.rpartition(':')[2]}", f"--etcd-servers={etcd}",
            f"--service-cluster-ip-range={SERVICES}", f"--client-ca-file={pki}/ca.crt",
            f"--tls-cert-file={pki}/apiserver.crt", f"--tls-private-key-file={pki}/apiserver.key",
            f"--service-account-key-file={pki}/accounts.pub", f"--service-account-signing-key-file={pki}/accounts.key",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local", "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction", f"--kubelet-certificate-authority={pki}/ca.crt",
            f"--kubelet-client-certificate={pki}/apiserver-kubelet.crt",
            f"--kubelet-client-key={pki}/apiserver-kubelet.key", "--kubelet-preferred-address-types=InternalIP",
        ],
        "manager": [
            knode, "kube-controller-manager", f"--kubeconfig={layout.kubeconfig('manager')}",
            f"--service-account-private-key-file={pki}/accounts.key", f"--root-ca-file={pki}/ca.crt",
            "--use-service-account-credentials", "--leader-elect=false", "--bind-address=127.0.0.1",
            f"--secure-port={ports['manager']}",
        ],
        "scheduler": [
            knode, "kube-scheduler", f"--kubeconfig={layout.kubeconfig('scheduler')}", "--leader-elect=false",
            "--bind-address=127.0.0.1", f"--secure-port={ports['scheduler']}",
        ],
        "kubelet": [
            knode, "kubelet", f"--config={run}/etc/kubelet.yaml", f"--kubeconfig={layout.kubeconfig('kubelet')}",
            f"--root-dir={run}/kubelet", f"--cert-dir={run}/kubelet-pki", f"--hostname-override={NODE}",
            f"--node-ip={ADDRESS}",
        ],
        "proxy": [knode, "kube-proxy", f"--config={run}/etc/proxy.yaml"],
        "dns": [kdns, "-conf", f"{run}/etc/Corefile"],
    }  # fmt: skip
