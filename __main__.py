"""Reads the settings of the stack, builds the platform, exports its outputs."""

import pulumi
from pulumi.runtime import config

import settings
from components.platform import TradingPlatform
from settings.names import Names


def main() -> None:
    """The whole program."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    try:
        # the command line hands configuration over in the environment, a host in this process sets it directly
        stated = settings.load(config.get_config_env() | config.CONFIG.get(), project=project, stack=stack)
    except settings.SettingsError as error:
        raise pulumi.RunError(str(error)) from error
    platform = TradingPlatform(stated, Names(project, stack))
    for name, value in platform.outputs().items():
        pulumi.export(name, value)


main()
