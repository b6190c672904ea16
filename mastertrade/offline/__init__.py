"""The preview that needs no Pulumi CLI: runs a project's program against an engine and a cloud in this process."""

import os

# A closed connection at the end of a run is no news. gRPC reads this when it is imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from mastertrade.offline.configuration import read_configuration, stacks_of
from mastertrade.offline.evaluation import Diagnostic, Evaluation, Mode, ProgramError, Resource, Source
from mastertrade.offline.host import evaluate
from mastertrade.values import UNKNOWN, Secret, Unknown, masked, revealed

__all__ = [
    "UNKNOWN",
    "Diagnostic",
    "Evaluation",
    "Mode",
    "ProgramError",
    "Resource",
    "Secret",
    "Source",
    "Unknown",
    "evaluate",
    "masked",
    "read_configuration",
    "revealed",
    "stacks_of",
]
