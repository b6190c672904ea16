"""Names: where api., monitoring. and logs. lead, and how they move to another region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.load_balancer import regional_host
from settings.catalog import Region
from settings.model import FailoverSettings
from settings.routes import API_HOST, HEALTH_PATH, LOGS_HOST, MONITORING_HOST
from settings.traffic import HTTPS

HOSTS = (API_HOST, MONITORING_HOST, LOGS_HOST)
_ENTRY = "entry"


@dataclass(frozen=True)
class RegionalEntry:
    """The load balancer of one region, and the switch that operators turn to take it out of DNS."""

    region: Region
    dns_name: pulumi.Input[str]
    zone_id: pulumi.Input[str]
    switch_health_check_id: pulumi.Input[str] | None


@dataclass(frozen=True)
class DomainNamesArgs:
    """What names are given. `entries`: the primary region first, then the standby regions in order of preference."""

    domain: str
    hosted_zone_id: str
    settings: FailoverSettings
    entries: Sequence[RegionalEntry]


class DomainNames(pulumi.ComponentResource):
    """Records for every host, in one region and across regions.

        api. monitoring. logs.  ->  entry.  ->  entry-REGION.  ->  the load balancer of the region
                                       |             weighted, alone, with the region's health check
                                       failover: the first region that is switched on and healthy

    A region leaves DNS when it is unhealthy (three failures ten seconds apart, then a minute of caching) or when its switch
    is turned off. With every switch off, as on the first day, the primary region answers. Beyond two regions the records
    chain: the second choice of `entry.` is `entry-2.`, and so on.
    """

    def __init__(self, name: str, args: DomainNamesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:entry:DomainNames", name, None, opts)
        self._args = args
        for entry in args.entries:
            self._create_regional_hosts(entry)
        if len(args.entries) == 1:
            self._create_hosts(dict.fromkeys(HOSTS, args.entries[0]))
        else:
            targets = [self._create_checked_entry(entry) for entry in args.entries]
            first = self._create_failover(targets)
            self._create_host_aliases(first)
        self.register_outputs({"hosts": [f"{host}.{args.domain}" for host in HOSTS]})

    def _fqdn(self, label: str) -> str:
        return f"{label}.{self._args.domain}"

    def _create_regional_hosts(self, entry: RegionalEntry) -> None:
        """Hosts that always mean this region: for health checks, and for operators who look at one region."""
        for host in HOSTS:
            self._alias_to_balancer(f"{host}-{entry.region}", regional_host(host, entry.region, self._args.domain), entry)

    def _create_hosts(self, entries: Mapping[str, RegionalEntry]) -> None:
        for host, entry in entries.items():
            self._alias_to_balancer(host, self._fqdn(host), entry)

    def _alias_to_balancer(self, logical: str, fqdn: str, entry: RegionalEntry) -> None:
        aws.route53.Record(
            logical,
            zone_id=self._args.hosted_zone_id,
            name=fqdn,
            type="A",
            aliases=[{"name": entry.dns_name, "zone_id": entry.zone_id, "evaluate_target_health": False}],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_checked_entry(self, entry: RegionalEntry) -> tuple[RegionalEntry, aws.route53.Record]:
        settings = self._args.settings
        logical = f"{_ENTRY}-{entry.region}"
        check = aws.route53.HealthCheck(
            logical,
            type="HTTPS",
            fqdn=regional_host(API_HOST, entry.region, self._args.domain),
            port=HTTPS,
            resource_path=HEALTH_PATH,
            enable_sni=True,
            request_interval=settings.health_check_interval_seconds,
            failure_threshold=settings.health_check_failures,
            tags={"Name": logical},
            opts=pulumi.ResourceOptions(parent=self),
        )
        record = aws.route53.Record(
            logical,
            zone_id=self._args.hosted_zone_id,
            name=self._fqdn(logical),
            type="A",
            set_identifier=entry.region,
            weighted_routing_policies=[{"weight": 1}],
            health_check_id=check.id,
            aliases=[{"name": entry.dns_name, "zone_id": entry.zone_id, "evaluate_target_health": False}],
            opts=pulumi.ResourceOptions(parent=self),
        )
        return entry, record

    def _create_failover(self, targets: Sequence[tuple[RegionalEntry, aws.route53.Record]], level: int = 1) -> aws.route53.Record:
        """The records of one level: its first region, or else the rest. Returns the record that leads here."""
        (entry, record), *rest = targets
        label = _ENTRY if level == 1 else f"{_ENTRY}-{level}"
        if len(rest) == 1:
            second_entry, second = rest[0]
            second_check = second_entry.switch_health_check_id
        else:
            second, second_check = self._create_failover(rest, level + 1), None
        self._failover_record(label, "SECONDARY", second, second_check)
        return self._failover_record(label, "PRIMARY", record, entry.switch_health_check_id)

    def _failover_record(
        self, label: str, order: str, target: aws.route53.Record, health_check_id: pulumi.Input[str] | None
    ) -> aws.route53.Record:
        return aws.route53.Record(
            f"{label}-{order.lower()}",
            zone_id=self._args.hosted_zone_id,
            name=self._fqdn(label),
            type="A",
            set_identifier=order.lower(),
            failover_routing_policies=[{"type": order}],
            health_check_id=health_check_id,
            aliases=[{"name": target.fqdn, "zone_id": self._args.hosted_zone_id, "evaluate_target_health": True}],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_host_aliases(self, first: aws.route53.Record) -> None:
        for host in HOSTS:
            aws.route53.Record(
                host,
                zone_id=self._args.hosted_zone_id,
                name=self._fqdn(host),
                type="A",
                aliases=[{"name": first.fqdn, "zone_id": self._args.hosted_zone_id, "evaluate_target_health": False}],
                opts=pulumi.ResourceOptions(parent=self),
            )
