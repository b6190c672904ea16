"""Providers that stand beside AWS: the providers themselves, and random values."""

import string

from mastertrade.offline.cloud.declaration import Declaration, Simulation, made_of
from mastertrade.values import Properties, Secret

__all__ = ["SIMULATIONS"]

_SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
"""What `random_password` takes from unless told otherwise."""


def _password(declaration: Declaration) -> tuple[str, Properties]:
    return "none", {"result": Secret(_random_text(declaration)), "bcryptHash": Secret(f"$2a$10${declaration.letters(53, 'bcrypt')}")}


def _string(declaration: Declaration) -> tuple[str, Properties]:
    text = _random_text(declaration)
    return text, {"result": text}


def _random_text(declaration: Declaration) -> str:
    """Text of the stated length, with the fewest characters of each class that are asked for, and of no class switched off."""
    special = declaration.text("overrideSpecial") or _SPECIAL
    classes = (
        ("lower", "minLower", string.ascii_lowercase),
        ("upper", "minUpper", string.ascii_uppercase),
        ("numeric", "minNumeric", string.digits),
        ("special", "minSpecial", special),
    )
    number = int("".join(made_of(declaration.urn, f"random {part}") for part in range(8)), 16)
    alphabet, text = "", ""
    for switch, least, characters in classes:
        if declaration.stated(switch, True):
            alphabet += characters
            for _ in range(int(declaration.stated(least, 0))):
                number, index = divmod(number, len(characters))
                text += characters[index]
    seed = number
    while len(text) < int(declaration.stated("length", 0)) and alphabet:
        number = number or seed + len(text)
        number, index = divmod(number, len(alphabet))
        text += alphabet[index]
    return text


def _id(declaration: Declaration) -> tuple[str, Properties]:
    length = int(declaration.stated("byteLength", 8))
    digits = "".join(made_of(declaration.urn, f"id {part}") for part in range(length // 32 + 1))[: length * 2]
    prefix = declaration.text("prefix")
    return digits, {
        "hex": prefix + digits,
        "dec": f"{prefix}{int(digits or '0', 16)}",
        "b64Std": prefix + digits,
        "b64Url": prefix + digits,
    }


def _uuid(declaration: Declaration) -> tuple[str, Properties]:
    return declaration.uuid(), {"result": declaration.uuid()}


def _provider(declaration: Declaration) -> tuple[str, Properties]:
    return declaration.uuid("provider"), {}


SIMULATIONS: dict[str, Simulation] = {
    "random:index/randomPassword:RandomPassword": _password,
    "random:index/randomString:RandomString": _string,
    "random:index/randomId:RandomId": _id,
    "random:index/randomUuid:RandomUuid": _uuid,
    "pulumi:providers:aws": _provider,
    "pulumi:providers:kubernetes": _provider,
    "pulumi:providers:random": _provider,
}
