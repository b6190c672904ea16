"""Files of other tools: read, opened and held to their form, with one clear error for each mistake."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from mastertrade.changes.model import DigestError
from mastertrade.offline.evaluation import PROVIDER_PREFIX, Resource
from mastertrade.values import ASSET_CONTENT, HIDDEN_SECRET, HIDDEN_UNKNOWN, Plain, Properties

__all__ = ["DEFAULTS", "Mistakes", "plain", "read_json", "resource_of_state", "split_urn"]

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a public constant of Pulumi's protocol
_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
_OUTPUT_VALUE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_MOST_MISTAKES = 10
DEFAULTS = "__defaults"
"""Where a provider keeps the names of the properties that it filled in by itself."""
_BYTE_ORDER_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_URN_PARTS = 4


class Mistakes:
    """What is wrong with a file; all of it is told at once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._found: list[str] = []

    def add(self, where: str, found: object, allowed: str) -> None:
        """One more."""
        text = json.dumps(found, ensure_ascii=True, default=str)
        self._found.append(f"{self._file}: {where}: found {text[:80]}{'…' if len(text) > 80 else ''}; allowed: {allowed}")  # noqa: PLR2004 - a line's worth

    def raise_if_any(self) -> None:
        """Raises `DigestError` with the first of them."""
        if self._found:
            more = len(self._found) - _MOST_MISTAKES
            raise DigestError("\n".join([*self._found[:_MOST_MISTAKES], *([f"and {more} more"] if more > 0 else [])]))


def read_json(file: Path, wanted: str, example: str) -> dict[str, Any]:
    """The mapping that a file holds. Raises `DigestError`. PowerShell writes UTF-16, others a mark in front of UTF-8: both are read."""
    hint = f"expected {wanted}. Example: {example}"
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DigestError(f"{file}: {error.strerror or error}") from None
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    try:
        document: Any = json.loads(data.decode(encoding), parse_constant=_refuse_constant)
    except UnicodeError:
        raise DigestError(f"{file}: not text: {hint}") from None
    except json.JSONDecodeError as error:
        text = error.doc.rstrip()
        is_cut = error.pos >= len(text) - 1 or (text.startswith(("{", "[")) and not text.endswith(("}", "]")))
        end = "it ends too early, or is" if is_cut else "it is"
        raise DigestError(f"{file}: line {error.lineno}: {end} not JSON ({error.msg}): {hint}") from None
    except (RecursionError, ValueError):
        raise DigestError(f"{file}: nested too deep, or with numbers too long: {hint}") from None
    if not isinstance(document, dict):
        raise DigestError(f"{file}: found a {'list' if isinstance(document, list) else 'single value'}: {hint}")
    return cast("dict[str, Any]", document)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def split_urn(urn: Any) -> tuple[str, str, str, str] | None:
    """Stack, project, type and name; None for what is no URN."""
    if not isinstance(urn, str) or not urn.startswith("urn:pulumi:"):
        return None
    parts = urn.removeprefix("urn:pulumi:").split("::", 3)
    if len(parts) != _URN_PARTS or not all(parts):
        return None
    stack, project, chain, name = parts
    return stack, project, chain.rsplit("$", 1)[-1], name


def plain(value: Plain) -> Plain:
    """A stored value without secrets: those read `[secret]`, unknown ones `[unknown]`, references what they refer to."""
    if isinstance(value, list):
        return [plain(each) for each in cast("list[Plain]", value)]
    if isinstance(value, dict):
        return _opened(cast("dict[str, Plain]", value))
    return HIDDEN_UNKNOWN if value == _UNKNOWN else value


def _opened(mapping: dict[str, Plain]) -> Plain:
    signature = mapping.get(_SIGNATURE)
    if signature is None:
        return {name: plain(each) for name, each in mapping.items() if not name.startswith("__") or name == DEFAULTS}
    if signature == _SECRET or mapping.get("secret"):
        return HIDDEN_SECRET
    if signature == _OUTPUT_VALUE:
        return plain(mapping["value"]) if "value" in mapping else HIDDEN_UNKNOWN
    if signature == _REFERENCE:
        return mapping.get("id") or mapping.get("urn") or HIDDEN_UNKNOWN
    # an asset or archive is what it holds; what holds nothing here is known by its digest
    content = {name: plain(each) for name, each in mapping.items() if name in ASSET_CONTENT}
    return content or {"hash": mapping.get("hash")}


def resource_of_state(state: Mapping[str, Any], where: str, mistakes: Mistakes) -> Resource | None:
    """A resource as Pulumi keeps it (`ResourceV3`). None, and a mistake, for what is none."""
    parts = split_urn(state.get("urn"))
    if parts is None:
        mistakes.add(f"{where}.urn", state.get("urn"), "urn:pulumi:STACK::PROJECT::TYPE::NAME")
        return None
    for name, kind in _KINDS.items():
        if name in state and not isinstance(state[name], kind):
            mistakes.add(f"{where}.{name}", state[name], _NAMES[kind])
            return None
    type_ = state.get("type") or parts[2]
    inputs, outputs = _mapping(state.get("inputs")), _mapping(state.get("outputs"))
    if type_.startswith(PROVIDER_PREFIX):
        inputs = {name: each for name, each in inputs.items() if name not in ("version", "pluginDownloadURL")}
    return Resource(
        urn=state["urn"],
        type=type_,
        name=parts[3],
        custom=bool(state.get("custom")),
        inputs=inputs,
        outputs=outputs,
        id=state.get("id", ""),
        parent=state.get("parent", ""),
        provider=state.get("provider", "").rpartition("::")[0],
        region=_region(outputs, inputs),
        dependencies=tuple(_texts(state.get("dependencies"))),
        property_dependencies={name: tuple(_texts(each)) for name, each in _mapping(state.get("propertyDependencies")).items()},
        protect=bool(state.get("protect")),
        ignore_changes=tuple(_texts(state.get("ignoreChanges"))),
        replace_on_changes=tuple(_texts(state.get("replaceOnChanges"))),
        deleted_with=state.get("deletedWith", ""),
        aliases=tuple(_texts(state.get("aliases"))),
        retain_on_delete=bool(state.get("retainOnDelete")),
        external=bool(state.get("external")),
    )


_KINDS: dict[str, type | tuple[type, ...]] = {
    "type": str,
    "parent": str,
    "provider": str,
    "deletedWith": str,
    "id": str,
    "custom": bool,
    "inputs": dict,
    "outputs": dict,
    "propertyDependencies": dict,
}
_NAMES: dict[type | tuple[type, ...], str] = {str: "text", bool: "true or false", dict: "a mapping"}


def _mapping(value: Any) -> Properties:
    return plain(value) if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    return [each for each in cast("list[Any]", value) if isinstance(each, str)] if isinstance(value, list) else []


def _region(outputs: Properties, inputs: Properties) -> str:
    for properties in (inputs, outputs):
        region = properties.get("region")
        if isinstance(region, str):
            return region
    arn = outputs.get("arn")
    parts = arn.split(":") if isinstance(arn, str) else []
    return parts[3] if len(parts) > 3 else ""  # noqa: PLR2004 - arn:partition:service:region
