"""The platform: all regions, and what they share."""

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.context import RegionContext
from components.database import DATABASE_NAME, ENGINE, MASTER_USER, MasterCredentials
from components.dns import DomainNames, DomainNamesArgs, RegionalEntry
from components.keys import EncryptionKeys, EncryptionKeysArgs, KeyPurpose
from components.notifications import TOPICS
from components.observability.chat import ChatChannel, ChatChannelArgs
from components.region import GlobalParts, Region, RegionArgs
from components.region_switch import HandOver, HandOverArgs, RegionSwitches, RegionSwitchesArgs, Switch
from components.secrets import Readers, ReplicaTarget, SecretsStore, SecretsStoreArgs
from settings import catalog
from settings.credentials import credentials
from settings.model import PlatformSettings
from settings.names import NameRule, Names
from settings.traffic import POSTGRESQL, SINGLE_ACTIVE, Service

_GLOBAL_SERVICES_REGION = catalog.Region.US_EAST_1
"""Where services without regions keep their control planes: fixed, so that no failover moves them to another provider."""


class TradingPlatform(pulumi.ComponentResource):
    """masterTrade's production, or a smaller environment of the same shape."""

    def __init__(self, settings: PlatformSettings, names: Names) -> None:
        super().__init__("mastertrade:platform:TradingPlatform", names.project)
        self._settings = settings
        self._names = names
        # in the order of dependency: standby regions replicate what the primary creates
        self._order = (settings.primary_region, *settings.standby_regions)
        self._global_provider = self._create_provider("aws-global", _GLOBAL_SERVICES_REGION)
        self._contexts = {region: self._create_context(region) for region in self._order}

        keys = self._create_keys()
        readers = Readers(names, settings.account_id, self._order, settings.operators.administrators)
        secrets = self._create_secrets(keys, readers)
        switches = self._create_switches()
        shared = self._create_global_parts(readers, secrets, switches)
        regions = self._create_regions(shared, keys)
        self._create_single_active(regions)
        self._create_backup_plans(regions)
        self._watch_one_another(regions)
        self._create_chat_channel(regions)
        self._create_names(regions, switches)
        hand_overs = self._create_hand_overs(regions, switches, shared.global_cluster)

        self._outputs = self._collect_outputs(regions, secrets, switches, hand_overs)
        self.register_outputs(self._outputs)

    def outputs(self) -> dict[str, pulumi.Input[object]]:
        """The stack's outputs by name."""
        return self._outputs

    @property
    def _several_regions(self) -> bool:
        return len(self._order) > 1

    def _create_provider(self, name: str, region: catalog.Region) -> aws.Provider:
        return aws.Provider(
            name,
            region=region,
            allowed_account_ids=[self._settings.account_id],
            default_tags={
                "tags": {
                    "Project": self._names.project,
                    "Stack": self._names.stack,
                    "Environment": self._settings.environment,
                    "ManagedBy": "pulumi",
                }
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_context(self, region: catalog.Region) -> RegionContext:
        return RegionContext(
            names=self._names,
            region=region,
            account_id=self._settings.account_id,
            protect=self._settings.protect,
            provider=self._create_provider(f"aws-{region}", region),
        )

    def _in_region(self, region: catalog.Region) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, providers=[self._contexts[region].provider])

    def _everywhere(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, providers=[self._global_provider])

    def _create_keys(self) -> dict[catalog.Region, EncryptionKeys]:
        keys: dict[catalog.Region, EncryptionKeys] = {}
        for region in self._order:
            primary = keys.get(self._settings.primary_region)
            args = EncryptionKeysArgs(self._contexts[region], primary)
            keys[region] = EncryptionKeys(f"{region}-keys", args, self._in_region(region))
        return keys

    def _create_secrets(self, keys: dict[catalog.Region, EncryptionKeys], readers: Readers) -> SecretsStore:
        home, *others = self._order
        return SecretsStore(
            "secrets",
            SecretsStoreArgs(
                context=self._contexts[home],
                settings=self._settings.secrets,
                credentials=credentials(self._settings.secrets.external_api_keys, pager=self._settings.observability.alerts.pagerduty),
                key_arn=keys[home].arn(KeyPurpose.SECRETS),
                replicas=[ReplicaTarget(region, keys[region].arn(KeyPurpose.SECRETS)) for region in others],
                readers=readers,
            ),
            self._in_region(home),
        )

    def _create_global_parts(self, readers: Readers, secrets: SecretsStore, switches: RegionSwitches | None) -> GlobalParts:
        global_cluster = self._create_global_cluster() if self._several_regions else None
        return GlobalParts(
            settings=self._settings,
            readers=readers,
            secrets=secrets,
            provider=self._global_provider,
            switches=switches,
            global_cluster=global_cluster,
            master=self._create_master_credentials(secrets) if self._several_regions else None,
        )

    def _create_global_cluster(self) -> aws.rds.GlobalCluster:
        home = self._contexts[self._settings.primary_region]
        return aws.rds.GlobalCluster(
            "global-database",
            global_cluster_identifier=self._names.of(NameRule.DATABASE, "database"),
            engine=ENGINE,
            engine_version=self._settings.database.engine_version,
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            database_name=DATABASE_NAME,
            storage_encrypted=True,
            deletion_protection=self._settings.protect,
            opts=pulumi.ResourceOptions(parent=self, provider=home.provider, protect=self._settings.protect),
        )

    def _create_master_credentials(self, secrets: SecretsStore) -> MasterCredentials:
        # 8 to 41 printable characters without / " @ or space (RDS API reference, CreateDBCluster)
        password = random.RandomPassword(
            "database-password", length=40, override_special="!#$%&*()-_=+[]{}<>:?", opts=pulumi.ResourceOptions(parent=self)
        )
        value = pulumi.Output.json_dumps(
            {"engine": "postgres", "username": MASTER_USER, "password": password.result, "dbname": DATABASE_NAME, "port": POSTGRESQL}
        )
        secrets.arns["database-password"] = secrets.add(
            "database-password", "Owner of the database schema; services sign in with IAM instead", value, readers=(), parent=secrets
        )
        return MasterCredentials(password.result)

    def _create_regions(self, shared: GlobalParts, keys: dict[catalog.Region, EncryptionKeys]) -> dict[catalog.Region, Region]:
        regions: dict[catalog.Region, Region] = {}
        for region in self._order:
            args = RegionArgs(self._contexts[region], shared, keys[region], primary=regions.get(self._settings.primary_region))
            regions[region] = Region(region, args, self._in_region(region))
        return regions

    def _create_single_active(self, regions: dict[catalog.Region, Region]) -> None:
        """First where orders are not executed, then where they are: whichever of the two is new, it comes last."""
        active = self._settings.active_region
        for service in sorted(SINGLE_ACTIVE & self._settings.services.keys()):
            everywhere = {region: regions[region].create_single_active(service, []) for region in self._order if region != active}
            resting = [each.workload for each in everywhere.values()]
            everywhere[active] = regions[active].create_single_active(service, resting)
            _refuse_two(service, [region for region, each in everywhere.items() if each.executes])

    def _partner(self, region: catalog.Region) -> catalog.Region:
        """The primary region has the first standby region, every other the primary: a new region changes no pair."""
        home, *others = self._order
        return others[0] if region == home and others else home

    def _create_backup_plans(self, regions: dict[catalog.Region, Region]) -> None:
        for region in self._order:
            partner = self._partner(region)
            regions[region].create_backup_plan(regions[partner] if partner != region else None)
            if partner != region:
                regions[region].vault_snapshots.copy_to(regions[partner].vault_snapshots)

    def _watch_one_another(self, regions: dict[catalog.Region, Region]) -> None:
        """Each region is listened to and visited by its partner: what is lost cannot say so itself."""
        for region in self._order:
            regions[region].be_heard_by(regions[self._partner(region)])
            regions[region].watch([regions[each] for each in self._order if each != region and self._partner(each) == region])

    def _create_chat_channel(self, regions: dict[catalog.Region, Region]) -> None:
        slack = self._settings.observability.alerts.slack
        if slack is None:
            return
        topics = [each.notifications.topic_arns[topic] for each in regions.values() for topic, spec in TOPICS.items() if spec.in_chat]
        ChatChannel("chat", ChatChannelArgs(self._names, self._settings.account_id, slack, topics), self._everywhere())

    def _create_switches(self) -> RegionSwitches | None:
        if not self._several_regions:
            return None
        return RegionSwitches("switches", RegionSwitchesArgs(self._names, self._order), self._everywhere())

    def _create_names(self, regions: dict[catalog.Region, Region], switches: RegionSwitches | None) -> DomainNames:
        entries = [
            RegionalEntry(
                region=region,
                dns_name=regions[region].load_balancer.dns_name,
                zone_id=regions[region].load_balancer.zone_id,
                switch_health_check_id=switches.health_check_id(region) if switches else None,
            )
            for region in self._order
        ]
        args = DomainNamesArgs(self._settings.domain, self._settings.hosted_zone_id, self._settings.failover, entries)
        return DomainNames("names", args, self._everywhere())

    def _create_hand_overs(
        self, regions: dict[catalog.Region, Region], switches: RegionSwitches | None, global_cluster: aws.rds.GlobalCluster | None
    ) -> dict[catalog.Region, HandOver]:
        """A plan per standby region: Region switch knows pairs only."""
        if switches is None or global_cluster is None:
            return {}
        home, *others = self._order
        return {
            region: HandOver(
                f"hand-over-{region}",
                HandOverArgs(
                    names=self._names,
                    account_id=self._settings.account_id,
                    settings=self._settings.failover,
                    administrators=self._settings.operators.administrators,
                    switches=switches,
                    global_cluster_id=global_cluster.id,
                    clusters={each: regions[each].database.cluster_arn for each in (home, region)},
                ),
                self._everywhere(),
            )
            for region in others
        }

    def _collect_outputs(
        self,
        regions: dict[catalog.Region, Region],
        secrets: SecretsStore,
        switches: RegionSwitches | None,
        hand_overs: dict[catalog.Region, HandOver],
    ) -> dict[str, pulumi.Input[object]]:
        return {
            "api": f"https://api.{self._settings.domain}",
            "monitoring": f"https://monitoring.{self._settings.domain}",
            "logs": f"https://logs.{self._settings.domain}",
            "activeRegion": self._settings.active_region,
            "regions": {region: each.outputs() for region, each in regions.items()},
            "secrets": secrets.arns,
            "switches": {switch: {region: switches.arn(switch, region) for region in regions} for switch in Switch} if switches else {},
            "handOverPlans": {region: plan.plan_arn for region, plan in hand_overs.items()},
        }


def _refuse_two(service: Service, executing: list[catalog.Region]) -> None:
    """Stops the program, whatever has led to it, where a service would run in two regions, or in none."""
    if len(executing) != 1:
        raise pulumi.RunError(f"{service} would run in {' and '.join(executing) or 'no region'}; it runs in exactly one")
