"""Kubernetes objects: the API server gives back what it was given, with a name and an identity."""

from typing import cast

from mastertrade.offline.cloud.declaration import Declaration
from mastertrade.offline.values import UNKNOWN, Properties, Secret

__all__ = ["create"]


def create(declaration: Declaration) -> tuple[str, Properties]:
    """The object's ID, `namespace/name`, and its metadata completed."""
    stated = declaration.inputs.get("metadata")
    secret = isinstance(stated, Secret)
    metadata = dict(cast("Properties", stated.value if isinstance(stated, Secret) else stated or {})) if stated is not UNKNOWN else {}
    name = metadata.get("name") or f"{declaration.name}-{declaration.hexadecimal(8)}"
    metadata |= {
        "name": name,
        "uid": declaration.uuid(),
        "resourceVersion": declaration.digits(6),
        "generation": 1,
        "creationTimestamp": "2025-01-01T00:00:00Z",
    }
    namespace = metadata.get("namespace")
    namespaced = isinstance(namespace, str) and namespace
    return f"{namespace}/{name}" if namespaced else str(name), {"metadata": Secret(metadata) if secret else metadata}
