"""Names in AWS: project, stack, system and region, cut to the service's limit with a digest that keeps them apart."""

import hashlib
import re
from dataclasses import dataclass
from enum import Enum

_DIGEST_LENGTH = 6


class NameRule(Enum):
    """Longest name and allowed separator of a kind of resource, as the service's API reference states them."""

    ALARM = (255, "-")
    BACKUP_PLAN = (50, "-")
    BACKUP_VAULT = (50, "-")
    BROKER = (50, "-")
    BUCKET = (63, "-")
    CACHE_GROUP = (40, "-")
    CANARY = (255, "-")
    CHAT_CONFIGURATION = (128, "-")
    CLUSTER = (100, "-")
    DATABASE = (63, "-")
    DATABASE_PROXY = (60, "-")
    FUNCTION = (64, "-")
    IAM_ROLE = (64, "-")
    LAUNCH_TEMPLATE = (128, "-")
    LOAD_BALANCER = (32, "-")
    LOG_GROUP = (512, "-")
    PROMETHEUS_ALIAS = (100, "-")
    QUEUE = (80, "-")
    REGION_SWITCH_PLAN = (32, "-")
    RESTORE_TESTING = (50, "_")
    ROUTING_CONTROL = (64, "-")
    SEARCH_DOMAIN = (28, "-")
    TARGET_GROUP = (32, "-")
    TOPIC = (256, "-")
    USER_POOL = (128, "-")
    USER_POOL_DOMAIN = (63, "-")
    WEB_ACL = (128, "-")

    @property
    def longest(self) -> int:
        """Longest name in characters."""
        return self.value[0]

    @property
    def separator(self) -> str:
        """What joins the words of a name."""
        return self.value[1]


@dataclass(frozen=True)
class Names:
    """Builds the names of one stack. The same parts give the same name, whatever else the stack declares."""

    project: str
    stack: str

    def of(self, rule: NameRule, *parts: str) -> str:
        """`project-stack-part-part`, lower case; where it would exceed the rule's limit, cut and closed by a digest."""
        words = [self.project, self.stack, *parts]
        full = re.sub(r"[^a-z0-9]+", rule.separator, rule.separator.join(words).lower()).strip(rule.separator)
        if len(full) <= rule.longest:
            return full
        digest = hashlib.sha256(full.encode()).hexdigest()[:_DIGEST_LENGTH]
        kept = full[: rule.longest - _DIGEST_LENGTH - 1].rstrip(rule.separator)
        return f"{kept}{rule.separator}{digest}"

    def path(self, *parts: str) -> str:
        """`/project/stack/part/part`: log groups and KMS aliases."""
        return "/" + "/".join([self.project, self.stack, *parts])
