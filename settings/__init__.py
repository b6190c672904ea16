"""What may differ between environments: typed, validated, pure."""

from settings.model import PlatformSettings
from settings.problems import SettingsError
from settings.reading import load

__all__ = ["PlatformSettings", "SettingsError", "load"]
