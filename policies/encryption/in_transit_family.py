"""What controls of data in transit have in common: their family, and what names of TLS policies and versions admit."""

import re
from collections.abc import Callable, Iterable, Mapping

from policies.engine.control import Family, Finding, Findings, Severity
from policies.engine.resources import Resource

__all__ = ["Rows", "chosen", "moved", "old_versions", "refuses_old_tls"]

moved = Family(Severity.HIGH, "What travels in plain is read and changed by whoever stands between, and credentials with it.").control

# Policies whose name looks modern and that still take TLS 1.0 or 1.1 do not match: ELBSecurityPolicy-TLS13-1-0 and 1-1, also as FIPS
# and PQ, and ELBSecurityPolicy-FS-2018-06 and FS-1-1.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
_TLS_1_2 = re.compile(r"ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2)-", re.IGNORECASE)
_OLD = re.compile(r"ssl.*|tls[ v_]*1([._][01])?", re.IGNORECASE)


def refuses_old_tls(policy: str) -> bool:
    """Whether a predefined policy of load balancers takes nothing older than TLS 1.2."""
    return bool(_TLS_1_2.match(policy))


def old_versions(versions: Iterable[str]) -> list[str]:
    """Which of some protocol versions are older than TLS 1.2: `TLSv1`, `TLSv1.1`, `SSLv3`."""
    return [each for each in versions if _OLD.fullmatch(each.strip())]


Rows = Mapping[str, tuple[tuple[str, tuple[str, ...], str], ...]]
"""Of each type: path of a property, values that pass in lower case (the first is the one to recommend), and AWS's or the provider's default."""


def chosen(rows: Rows, *, upper: bool = False) -> Callable[[Resource], Findings]:
    """Judges settings that have a few values, each with its default."""

    def judge(resource: Resource) -> Findings:
        for path, passing, default in rows[resource.type]:
            if resource.text(path, default).lower() not in passing:
                yield Finding(path, passing[0].upper() if upper else passing[0])

    return judge
