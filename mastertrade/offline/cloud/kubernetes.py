"""Kubernetes objects: the API server gives back what it was given, with a name and an identity."""

from typing import cast

from mastertrade.offline.cloud.declaration import Declaration
from mastertrade.values import UNKNOWN, Properties, Secret

__all__ = ["create", "preview"]


def create(declaration: Declaration) -> tuple[str, Properties]:
    """The object's ID, `namespace/name`, and its metadata completed."""
    metadata = _named(declaration) | {
        "uid": declaration.uuid(),
        "resourceVersion": declaration.digits(6),
        "generation": 1,
        "creationTimestamp": "2025-01-01T00:00:00Z",
    }
    name, namespace = str(metadata["name"]), metadata.get("namespace")
    is_namespaced = isinstance(namespace, str) and namespace != ""
    return f"{namespace}/{name}" if is_namespaced else name, {"metadata": _like_stated(declaration, metadata)}


def preview(declaration: Declaration) -> Properties:
    """Before a deployment: the provider has named the object already, unless its metadata is unknown."""
    return {} if declaration.inputs.get("metadata") is UNKNOWN else {"metadata": _like_stated(declaration, _named(declaration))}


def _named(declaration: Declaration) -> Properties:
    stated = declaration.inputs.get("metadata")
    metadata = dict(cast("Properties", stated.value if isinstance(stated, Secret) else {} if stated is UNKNOWN else stated or {}))
    metadata.setdefault("name", f"{declaration.name}-{declaration.hexadecimal(8)}")
    return metadata


def _like_stated(declaration: Declaration, metadata: Properties) -> Properties | Secret:
    return Secret(metadata) if isinstance(declaration.inputs.get("metadata"), Secret) else metadata
