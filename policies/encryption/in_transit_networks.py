"""Controls of private lines between networks, and of certificates."""

from policies.encryption.in_transit_family import moved
from policies.engine.control import Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["IN_TRANSIT_NETWORKS"]

# Of what AWS takes, these are broken or too short: https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html
# What a list leaves out is refused; without a list, everything is taken, groups of 1024 bits and SHA-1 too.
_WEAK_GROUPS = {"1", "2", "5", "22"}
_WEAK_HASHES = {"SHA1", "MD5"}


def _tunnels(resource: Resource) -> Findings:
    for tunnel in ("tunnel1", "tunnel2"):
        for phase in ("Phase1", "Phase2"):
            groups = f"{tunnel}{phase}DhGroupNumbers"
            hashes = f"{tunnel}{phase}IntegrityAlgorithms"
            stated = resource.texts(groups)
            if not stated or {each.removesuffix(".0") for each in stated} & _WEAK_GROUPS:
                yield Finding(
                    groups, "groups from 14 on, such as 19 and 20 (AWS takes group 2, of 1024 bits, unless the list leaves it out)"
                )
            stated = resource.texts(hashes)
            if not stated or {each.upper() for each in stated} & _WEAK_HASHES:
                yield Finding(hashes, "SHA2-256 and longer (AWS takes SHA1 unless the list leaves it out)")
        if "ikev1" in [each.lower() for each in resource.texts(f"{tunnel}IkeVersions")]:
            yield Finding(f"{tunnel}IkeVersions", "ikev2")


_WITH_MACSEC = ("10gbps", "100gbps", "400gbps")


def _line(resource: Resource) -> Findings:
    if resource.text("bandwidth").lower().replace(" ", "") not in _WITH_MACSEC:
        raise NotApplicableError("MACsec is for dedicated connections of 10 Gbps and more")
    if not resource.flag("requestMacsec"):
        yield Finding("requestMacsec", "true")
    elif resource.text("encryptionMode", "must_encrypt").lower() != "must_encrypt":
        yield Finding("encryptionMode", "must_encrypt")


def _certificate(resource: Resource) -> Findings:
    if resource.text("keyAlgorithm").upper() == "RSA_1024":
        yield Finding("keyAlgorithm", "RSA_2048 or longer, or an elliptic curve")
    if resource.text("options.certificateTransparencyLoggingPreference").upper() == "DISABLED":
        yield Finding("options.certificateTransparencyLoggingPreference", "ENABLED: browsers distrust certificates that are in no log")


def _issued(resource: Resource) -> Findings:
    """Certificates of cert-manager."""
    key = resource.block("spec.privateKey")
    if key.text("algorithm", "RSA").upper() == "RSA" and (key.number("size", _SHORTEST_RSA) or 0) < _SHORTEST_RSA:
        yield Finding("spec.privateKey.size", f"{_SHORTEST_RSA} or more")


_SHORTEST_RSA = 2048


def _certificates(resource: Resource) -> Findings:
    yield from (_certificate if resource.type.startswith("aws:") else _issued)(resource)


def _issuer(resource: Resource) -> Findings:
    for name in ("acme", "vault", "venafi.tpp"):
        path = f"spec.{name}.{'url' if name.startswith('venafi') else 'server'}"
        if resource.text(path).lower().startswith("http://"):
            yield Finding(path, "an address that begins with https://")
    if resource.flag("spec.acme.skipTLSVerify"):
        yield Finding("spec.acme.skipTLSVerify", "false")


IN_TRANSIT_NETWORKS = (
    moved(
        "enc-vpn-tunnels",
        "Tunnels take strong algorithms only",
        ("aws:ec2/vpnConnection:VpnConnection",),
        _tunnels,
        "vpn/latest/s2svpn/VPNTunnels.html",
        "List Diffie-Hellman groups from 14 on and SHA2 for both phases of both tunnels, and IKEv2.",
        severity=Severity.MEDIUM,
    ),
    moved(
        "enc-directconnect-macsec",
        "Private lines are encrypted by MACsec",
        ("aws:directconnect/connection:Connection",),
        _line,
        "directconnect/latest/UserGuide/MACsec.html",
        "Set requestMacsec and encryptionMode must_encrypt. Changing the former replaces the connection.",
        severity=Severity.MEDIUM,
    ),
    moved(
        "enc-certificates",
        "Certificates have keys of sufficient length and are logged",
        ("aws:acm/certificate:Certificate", "kubernetes:cert-manager.io:Certificate"),
        _certificates,
        "acm/latest/userguide/acm-certificate-characteristics.html",
        "Set the key's algorithm or size, and leave transparency logging on.",
        severity=Severity.MEDIUM,
    ),
    moved(
        "enc-k8s-issuer",
        "Certificates are asked for by HTTPS",
        ("kubernetes:cert-manager.io:Issuer", "kubernetes:cert-manager.io:ClusterIssuer"),
        _issuer,
        "https://cert-manager.io/docs/configuration/acme/",
        "Name the issuer's address with https:// and leave its verification on.",
        severity=Severity.MEDIUM,
    ),
)
