"""The simulated cloud: a resource's type and inputs in, well-formed identifiers and endpoints out, always the same.

It decides nothing and refuses nothing; it only answers what a deployment would have answered.
"""

from typing import cast

from mastertrade.offline.cloud import access, containers, data, delivery, kubernetes, network, operations, providers
from mastertrade.offline.cloud.declaration import Declaration, Simulation
from mastertrade.offline.cloud.generic import generic_id, generic_value
from mastertrade.offline.schema import TypeSchema
from mastertrade.values import UNKNOWN, Properties, Secret, revealed

__all__ = ["Declaration", "create", "preview"]

SIMULATIONS: dict[str, Simulation] = {
    **network.SIMULATIONS,
    **access.SIMULATIONS,
    **containers.SIMULATIONS,
    **data.SIMULATIONS,
    **delivery.SIMULATIONS,
    **operations.SIMULATIONS,
    **providers.SIMULATIONS,
}


def create(declaration: Declaration, schema: TypeSchema | None) -> tuple[str, Properties]:
    """The ID of a resource, and the outputs that it has beside its inputs.

    Without a schema the outputs are what the type's own simulation knows, if it has one.
    """
    if declaration.type.startswith("kubernetes:"):
        return kubernetes.create(declaration)
    simulation = SIMULATIONS.get(declaration.type)
    id_, outputs = simulation(declaration) if simulation else (generic_id(declaration), {})
    if schema is None:
        return id_, _beside(declaration.inputs, outputs)
    for output in schema.computed:
        if output.name not in outputs and output.name not in declaration.inputs:
            outputs[output.name] = _tags(declaration) if output.name == "tagsAll" else generic_value(declaration, output, id_)
    return id_, _beside(declaration.inputs, outputs)


def preview(declaration: Declaration, schema: TypeSchema | None) -> Properties:
    """Before a deployment: every output that the program does not state is unknown, but for names that a provider gives early."""
    if declaration.type.startswith("kubernetes:"):
        return kubernetes.preview(declaration)
    return {output.name: UNKNOWN for output in schema.computed if output.name not in declaration.inputs} if schema else {}


def _beside(inputs: Properties, outputs: Properties) -> Properties:
    return {name: value for name, value in outputs.items() if name not in inputs}


def _tags(declaration: Declaration) -> Properties | Secret:
    stated = declaration.inputs.get("tags")
    tags = {**declaration.default_tags, **cast("Properties", revealed(stated) or {})}
    return Secret(tags) if isinstance(stated, Secret) else tags
