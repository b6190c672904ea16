"""Controls of data at rest, one module for each subject."""

from policies.encryption.at_rest_analytics import ANALYTICS
from policies.encryption.at_rest_builds import BUILDS
from policies.encryption.at_rest_databases import DATABASES
from policies.encryption.at_rest_messages import MESSAGES
from policies.encryption.at_rest_objects import OBJECTS
from policies.encryption.at_rest_operations import OPERATIONS
from policies.encryption.at_rest_volumes import VOLUMES

__all__ = ["AT_REST"]

AT_REST = (*DATABASES, *OBJECTS, *VOLUMES, *MESSAGES, *BUILDS, *ANALYTICS, *OPERATIONS)
