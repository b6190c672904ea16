"""A pack's configuration: enforcement and options of its controls, checked."""

from collections.abc import Mapping
from typing import Any

from policies.engine.control import Control, Enforcement, Pack
from policies.engine.judging import Settings

__all__ = ["ConfigurationError", "configured"]

_LEVEL = "enforcementLevel"


class ConfigurationError(Exception):
    """All mistakes of a pack's configuration, one line each."""


def configured(pack: Pack, stated: Mapping[str, Any]) -> dict[str, Settings]:
    """Settings of every control. `stated` is what Pulumi's configuration file of a pack holds: control to level, or to a
    mapping with `enforcementLevel` and options. Raises `ConfigurationError`.
    """
    problems: list[str] = []
    known = {control.id: control for control in pack.controls}
    for name in stated:
        if name not in known:
            problems.append(f"{name}: no control of the pack '{pack.name}'; allowed: {', '.join(sorted(known))}")
    settings = {control.id: _of(control, stated.get(control.id), problems) for control in pack.controls}
    if problems:
        raise ConfigurationError("\n".join([f"Configuration of the policy pack '{pack.name}':", *(f"  {each}" for each in problems)]))
    return settings


def _of(control: Control, stated: Any, problems: list[str]) -> Settings:
    options = {name: option.default for name, option in control.options.items()}
    if stated is None:
        return Settings(control.enforcement, options)
    wanted: dict[str, Any] = dict(stated) if isinstance(stated, Mapping) else {_LEVEL: stated}  # pyright: ignore[reportUnknownArgumentType]
    level: Any = wanted.pop(_LEVEL, control.enforcement.value)
    if level not in [each.value for each in Enforcement]:
        allowed = ", ".join(Enforcement)
        problems.append(f"{control.id}: {_LEVEL}: found {level!r}; allowed: {allowed}. Example: {_LEVEL}: advisory")
        level = control.enforcement.value
    for name, value in wanted.items():
        option = control.options.get(name)
        if option is None:
            problems.append(f"{control.id}: {name}: no option of this control; allowed: {', '.join(control.options) or 'none'}")
        elif not option.accepts(value):
            problems.append(f"{control.id}: {name}: found {value!r}; allowed: {option.allowed}. Example: {name}: {option.default}")
        else:
            options[name] = value
    return Settings(Enforcement(level), options)
