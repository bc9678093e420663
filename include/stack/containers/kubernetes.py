"""The objects that a namespace of Kubernetes needs for the stream: service accounts, their rights, and the Secret."""

import base64
import json
from pathlib import Path
from string import Template

from include.driver import pods
from include.settings import Settings

_OBJECTS = Path(__file__).with_suffix(".yaml")


def objects(settings: Settings, namespace: str) -> str:
    """All of them as YAML, for `kubectl apply`; with the passwords of the stream."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": pods.SECRET, "namespace": namespace},
        "data": {name: base64.b64encode(text).decode() for name, text in pods.secret(settings).items()},
    }
    return f"{Template(_OBJECTS.read_text()).substitute(namespace=namespace)}---\n{json.dumps(secret)}\n"
