"""What every component is told about where it stands."""

from dataclasses import dataclass

import pulumi_aws as aws

from settings.catalog import Region
from settings.names import NameRule, Names


@dataclass(frozen=True)
class RegionContext:
    """One region of one stack. Components take names, account and protection from here, never from the environment."""

    names: Names
    region: Region
    account_id: str
    protect: bool
    provider: aws.Provider

    def name(self, rule: NameRule, *parts: str) -> str:
        """A name that no other region of the stack gives."""
        return self.names.of(rule, *parts, self.region)

    def logical(self, *parts: str) -> str:
        """The Pulumi name of a resource: `us-east-1-database-proxy`."""
        return "-".join([self.region, *parts])

    def arn(self, service: str, resource: str) -> str:
        """`arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def log_group_name(self, *parts: str) -> str:
        """`/mastertrade/prod/...`: log groups are regional, so the region is no part of the name."""
        return self.names.path(*parts)
