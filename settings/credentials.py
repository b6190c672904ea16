"""Which secrets there are, where their values come from, and which services may read them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

from settings.traffic import Service

Vendor = Literal["binance", "alpaca", "polygon"]
VENDORS: tuple[Vendor, ...] = get_args(Vendor)


class Source(StrEnum):
    """Where a value comes from."""

    GENERATED = "generated"
    """By the program, random."""
    OPERATOR = "operator"
    """Put by a person after the first deployment; the program declares the secret without a value."""


@dataclass(frozen=True)
class Credential:
    """One secret that all regions share."""

    name: str
    description: str
    source: Source
    readers: tuple[Service, ...]
    length: int = 0
    read_by: tuple[str, ...] = ()
    """AWS services that read it for themselves: `aps`."""


PAGER_KEY = "pagerduty-integration-key"
PAGER_KEY_FIELD = "routing_key"
"""Under which the secret's JSON has the key."""


def credentials(vendors: tuple[Vendor, ...], *, pager: bool) -> tuple[Credential, ...]:
    """The shared secrets of a stack that trades through these vendors, and calls whoever is on duty."""
    return (
        # 64 characters of 62 kinds carry 381 bits: more than the 256 that HMAC-SHA-256 asks for (RFC 7518, 3.2)
        Credential("jwt-signing-key", "Signs the tokens of traders", Source.GENERATED, (Service.API_GATEWAY,), length=64),
        Credential(
            "api-encryption-key",
            "Encrypts what the API hands out and takes back",
            Source.GENERATED,
            (Service.API_GATEWAY, Service.ORDER_EXECUTOR),
            length=64,
        ),
        *(
            Credential(f"{vendor}-api-key", f"API key and secret at {vendor.capitalize()}", Source.OPERATOR, _vendor_readers(vendor))
            for vendor in vendors
        ),
        *([Credential(PAGER_KEY, "Integration key of the PagerDuty service", Source.OPERATOR, (), read_by=("aps",))] if pager else []),
    )


def _vendor_readers(vendor: Vendor) -> tuple[Service, ...]:
    """Polygon sells data; the other two also take orders."""
    return (Service.MARKET_DATA,) if vendor == "polygon" else (Service.MARKET_DATA, Service.ORDER_EXECUTOR)


BROKER_READERS: tuple[Service, ...] = tuple(Service)
"""Services that use the queues."""
