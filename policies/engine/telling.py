"""Names of credentials, and texts that name a secret instead of holding one."""

import re

__all__ = ["is_reference", "is_telling"]

_SHORTEST = 4
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TELLING_END = re.compile(
    r"(password|passwords|passwd|passphrase|pwd|secret|token|credential|credentials|apikey|apikeys|accesskey|secretkey|privatekey|authkey)$"
)
_KEYS = ("api", "access", "private", "secret", "encryption", "signing", "auth", "shared", "account", "master", "storage", "ssh", "hec")
_TELLING_PAIRS = frozenset(
    (
        *((each, "key") for each in _KEYS),
        ("key", "base"),
    )
)
_TELLING_WORDS = frozenset({"pass", "psk"})
# What is handed around in the open
_OPEN_TOKENS = frozenset(
    {"client", "request", "next", "page", "continuation", "idempotency", "task", "creation", "id", "csrf", "max", "lock"}
)
# Secrets of a cluster by their names
_NAMED_SECRETS = frozenset({"existing", "password", "tls", "pull", "k8s", "kubernetes", "external", "image"})
_SUFFIXES = frozenset(
    {"prod", "production", "dev", "staging", "test", "live", "primary", "secondary", "current", "new", "old", "value", "plaintext"}
)


def is_telling(name: str) -> bool:
    """Whether a name is that of a credential, and not of a setting about one."""
    words = [each.lower() for each in _WORDS.findall(name[-200:])]
    while len(words) > 1 and (words[-1] in _SUFFIXES or words[-1].isdigit()):
        words.pop()
    if not words:
        return False
    last = words[-1]
    before = words[-2] if len(words) > 1 else ""
    if (last == "token" and before in _OPEN_TOKENS) or (last == "secret" and before in _NAMED_SECRETS):
        return False
    return last in _TELLING_WORDS or _TELLING_END.search(last) is not None or (before, last) in _TELLING_PAIRS


_REFERENCE = re.compile(
    r"arn:|\$|%|\{|<|\(|\[|`|@|!|/|\.{1,2}/|~|[A-Za-z]:\\|file:|https?://|s3:|ssm:|vault:|secretsmanager:|sm:|op:|env:|alias/|ENC[(\[]|AQICAH|"
    r"projects/|data:|\*+$|x+$|-+$",
    re.IGNORECASE,
)
# A path of words, as secrets and parameters are named, with a field after colons: orders/db:password
_SECRET_NAME = re.compile(
    r"[a-z][a-z0-9_.-]*(/[a-zA-Z][a-zA-Z0-9_.-]*)+(:[\w.-]*)*$|[\w./-]+(:[a-z_]*){2,}$|[a-z][a-z-]*:(password|token|secret|key)$"
)
_VARIABLE_NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$")
_HARMLESS = frozenset(
    [
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "none",
        "null",
        "nil",
        "undefined",
        "enabled",
        "disabled",
        "required",
        "optional",
        "auto",
        "managed",
        "default",
        "bearer",
        "basic",
        "jwt",
        "iam",
        "vault",
        "secretsmanager",
        "ssm",
        "env",
        "file",
        "header",
        "cookie",
        "query",
        "body",
        "plain",
        "string",
        "text",
        "hidden",
        "secret",
        "token",
        "redacted",
        "placeholder",
        "replace_me",
        "replaceme",
        "todo",
        "tbd",
        "unset",
        "empty",
        "external",
        "internal",
        "aws",
        "aws_iam",
        "oauth",
        "oauth2",
        "securestring",
        "plaintext",
        "kubernetes",
    ]
)
_SHORT_NUMBER = re.compile(r"\d{1,4}(\.\d+)?(ms|s|m|h|d)?$")


def is_reference(text: str) -> bool:
    """Whether a value names a secret, stands for one, or says something about one."""
    plain = text.strip().strip("'\"")
    return (
        len(plain) < _SHORTEST
        or plain.lower() in _HARMLESS
        or _SHORT_NUMBER.match(plain) is not None
        or _REFERENCE.match(plain) is not None
        or _SECRET_NAME.match(plain) is not None
        or (_VARIABLE_NAME.match(plain) is not None and is_telling(plain))
    )
