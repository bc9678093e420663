"""What the node changes of this machine, and puts back: a bridge, rules of its firewall, settings of the kernel."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.kubernetes.layout import ADDRESS, BRIDGE, PODS, SERVICES

CHANGED = (
    "net.ipv4.ip_forward", "vm.overcommit_memory", "vm.panic_on_oom", "kernel.panic", "kernel.panic_on_oops",
    "net.ipv4.conf.all.route_localnet",
)  # fmt: skip
"""The first by us, the others by the kubelet and the proxy."""
FORWARDED = (
    ["-s", PODS, "!", "-o", BRIDGE, "-j", "REJECT"],  # nothing of the bridge leaves this machine
    ["-i", BRIDGE, "-o", BRIDGE, "-j", "ACCEPT"],
)


@contextmanager
def bridge() -> Iterator[None]:
    """The bridge of the pods. Raises subprocess.CalledProcessError, with what was refused."""
    before = {name: kernel(name).read_text() for name in CHANGED}
    remove()  # of a test that was killed
    try:
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "addr", "add", f"{ADDRESS}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        run("ip", "route", "replace", SERVICES, "dev", BRIDGE)
        for number, rule in enumerate(FORWARDED, 1):
            run("iptables", "-I", "FORWARD", str(number), *rule)
        kernel("net.ipv4.ip_forward").write_text("1")
        yield
    finally:
        remove()
        for name, value in before.items():
            kernel(name).write_text(value)


def kernel(name: str) -> Path:
    return Path("/proc/sys", *name.split("."))


def remove() -> None:
    """Removes the bridge, its rules, and those that the kubelet and the proxy have made."""
    for rule in FORWARDED:
        with suppress(subprocess.CalledProcessError):
            run("iptables", "-D", "FORWARD", *rule)
    for program in ("iptables", "ip6tables"):
        for table in ("filter", "nat", "mangle"):
            with suppress(subprocess.CalledProcessError):  # this kernel has no such table
                _remove_chains(program, table)
    with suppress(subprocess.CalledProcessError):
        run("ip", "link", "del", BRIDGE)


def _remove_chains(program: str, table: str) -> None:
    lines = run(f"{program}-save", "-t", table).splitlines()
    chains = [found[1] for line in lines if (found := re.match(r":(KUBE-\S+)", line))]
    if not chains:
        return
    # Jumps to them, from chains that stay; then all of them at once.
    kept = [line.replace("-A", "-D", 1) for line in lines if re.match(r"-A (?!KUBE-)\S+ .*-j KUBE-", line)]
    emptied, deleted = ([f"{option} {chain}" for chain in chains] for option in ("-F", "-X"))
    text = "\n".join([f"*{table}", *kept, *emptied, *deleted, "COMMIT", ""])
    run(f"{program}-restore", "--noflush", input=text)


def run(*words: str, **options: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout  # type: ignore[call-overload, no-any-return]
