"""What the simulated cloud is told of one resource, and the identifiers it makes of it."""

import functools
import hashlib
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from mastertrade.values import UNKNOWN, Plain, Properties, revealed

__all__ = ["Declaration", "Simulation", "made_of"]

_ALPHANUMERIC = string.ascii_lowercase + string.digits
_UPPER = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class Declaration:
    """One resource to simulate. Everything made of it depends on nothing else, so that two runs agree."""

    urn: str
    type: str
    name: str
    inputs: Properties
    region: str
    account: str
    project: str
    stack: str
    default_tags: Properties

    def text(self, name: str, default: str = "") -> str:
        """A property that the program states as text, or the default."""
        value = revealed(self.inputs.get(name))
        return value if isinstance(value, str) else default

    def stated(self, name: str, default: Plain = None) -> Plain:
        """A property that the program states, or the default. Secrets are revealed: mark what is made of them."""
        value = revealed(self.inputs.get(name))
        return default if value is None or value is UNKNOWN else value

    def texts(self, name: str) -> list[str]:
        """A property that the program states as a list, text by text."""
        return [each for each in cast("list[Any]", self.stated(name, [])) if isinstance(each, str)]

    @functools.cached_property
    def service(self) -> str:
        """The AWS service in the type: `rds` of `aws:rds/cluster:Cluster`."""
        return self.type.split(":", 2)[1].split("/", 1)[0]

    def hexadecimal(self, length: int, purpose: str = "") -> str:
        """Hexadecimal digits that belong to this resource and purpose."""
        return made_of(self.urn, purpose)[:length]

    def digits(self, length: int, purpose: str = "") -> str:
        """Decimal digits, the first of them not zero."""
        return str(int(made_of(self.urn, f"digits {purpose}"), 16) % (9 * 10 ** (length - 1)) + 10 ** (length - 1))

    def letters(self, length: int, purpose: str = "", *, upper: bool = False) -> str:
        """Letters and digits, the first of them a letter."""
        number, alphabet = int(made_of(self.urn, f"letters {purpose}") * 2, 16), _UPPER if upper else _ALPHANUMERIC
        text = alphabet[number % 26]
        while len(text) < length:
            number //= 26
            text += alphabet[number % 36]
        return text

    def uuid(self, purpose: str = "") -> str:
        """A version 4 UUID."""
        digits = self.hexadecimal(32, f"uuid {purpose}")
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"

    def arn(self, resource: str, service: str = "", *, is_global: bool = False) -> str:
        """An ARN in the resource's region and account. Of a global service the region is empty."""
        region = "" if is_global else self.region
        return f"arn:aws:{service or self.service}:{region}:{self.account}:{resource}"

    @property
    def short_region(self) -> str:
        """`use1` of `us-east-1`, `apse1` of `ap-southeast-1`: as zone IDs begin and host names have it."""
        area, direction, number = [*self.region.split("-"), "", ""][:3]
        halves = [word for word in ("north", "south", "east", "west", "central") if word in direction]
        return f"{area}{''.join(word[0] for word in halves) or direction[:1]}{number}"

    def physical_name(self, name: str = "name", prefix: str = "namePrefix", *, separator: str = "-") -> str:
        """The name in the cloud: as stated, else made unique as the real provider does it."""
        stated = self.text(name)
        if stated:
            return stated
        start = self.text(prefix)
        return f"{start}{self.digits(26, name)}" if start else f"{self.name}{separator}{self.hexadecimal(7, name)}"


Simulation = Callable[[Declaration], tuple[str, Properties]]
"""From a declaration to the resource's ID and the outputs that it has beside its inputs."""


@functools.lru_cache(maxsize=4096)
def made_of(text: str, purpose: str = "") -> str:
    """64 hexadecimal digits that follow from a text: the same resource seen from two sides gets the same identifier."""
    return hashlib.sha256(f"{purpose}\0{text}".encode()).hexdigest()
