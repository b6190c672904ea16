"""Reads what the Pulumi CLI wrote of a real run, and makes evidence of it."""

from mastertrade.evidence.pulumi.events import EventLog, PolicyEvent
from mastertrade.evidence.pulumi.judged import OwnPack, WaiverFor, audit_of_events
from mastertrade.evidence.pulumi.plan import Plan
from mastertrade.evidence.pulumi.reading import read_run

__all__ = ["EventLog", "OwnPack", "Plan", "PolicyEvent", "WaiverFor", "audit_of_events", "read_run"]
