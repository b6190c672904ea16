"""Pods are confined, recoverable and known by their images."""

from policies.engine.control import Pack
from policies.engine.waivers import waiver_control
from policies.workloads.availability import AVAILABILITY
from policies.workloads.confinement import CONFINEMENT
from policies.workloads.networks import NETWORKS
from policies.workloads.pods import PODS
from policies.workloads.rights import RIGHTS

PACK = Pack(
    name="workloads",
    version="1.0.0",
    description="Pods are confined, recoverable and known by their images",
    controls=(*CONFINEMENT, *PODS, *AVAILABILITY, *NETWORKS, *RIGHTS, waiver_control("wl")),
)
