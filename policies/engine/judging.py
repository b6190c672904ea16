"""Asks controls about resources and keeps what they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mastertrade.values import secret_texts
from policies.engine.blocks import UnreadableError, shown
from policies.engine.control import Control, Enforcement, Finding, NotApplicableError, State
from policies.engine.resources import AloneError, Resource
from policies.engine.waivers import Waiver

__all__ = ["Settings", "Verdict", "judge"]

_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Settings:
    """What a pack's configuration says of one control."""

    enforcement: Enforcement
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one control says of one resource."""

    control: Control
    resource: Resource
    state: State
    findings: tuple[Finding, ...] = ()
    """Of a fail, each with what was found."""
    reason: str = ""
    """Why a verdict is unknown or a control is not applicable."""
    waits_for_stack: bool = False
    """Unknown only because the resource was judged alone."""
    waiver: Waiver | None = None
    """Who has accepted what was found, or that it cannot be told."""

    def message(self) -> str:
        """Each finding: property, found, wanted; then the fix, and who waived it. Never a secret value."""
        accepted = f" Waived: {self.waiver}" if self.waiver else ""
        if self.findings:
            lines = [_line(finding) for finding in self.findings]
            return f"{self.control.title}. {' '.join(lines)} Fix: {self.control.remediation}{accepted}"
        if self.state in (State.UNKNOWN, State.WAIVED):
            return f"{self.control.title}: cannot be told, {self.reason}.{accepted}"
        return self.reason


def judge(control: Control, resource: Resource, options: Mapping[str, Any]) -> Verdict:
    """A verdict. Never raises: a control that breaks is unknown, and says so."""
    findings: list[Finding] = []
    reason = ""
    try:
        for finding in (control.judge(resource, options) if control.options else control.judge(resource)) or ():
            findings.append(_completed(finding, resource))
    except NotApplicableError as error:
        if not findings:
            return Verdict(control, resource, State.NOT_APPLICABLE, reason=_without_secrets(str(error), resource))
    except AloneError as error:
        if not findings:
            return Verdict(control, resource, State.UNKNOWN, reason=str(error), waits_for_stack=True)
    except UnreadableError as error:
        reason = _without_secrets(str(error), resource)
    except Exception as error:
        # not the error's text: it may carry a secret
        reason = f"the control broke ({type(error).__name__})"
    if findings:
        return Verdict(control, resource, State.FAIL, tuple(findings))
    if reason:
        return Verdict(control, resource, State.UNKNOWN, reason=reason[:_LONGEST_REASON])
    return Verdict(control, resource, State.PASS)


def _completed(finding: Finding, resource: Resource) -> Finding:
    if finding.found is not None:
        return replace(finding, found=_without_secrets(finding.found, resource))
    return Finding(finding.property, finding.wanted, shown(resource, finding.property) if finding.property else "that")


def _without_secrets(text: str, resource: Resource) -> str:
    """What a control says in its own words, unless it quotes what Pulumi keeps secret."""
    return "a secret value" if any(secret in text for secret in secret_texts(dict(resource.raw()))) else text


def _line(finding: Finding) -> str:
    where = f"{finding.property}: " if finding.property else ""
    return f"{where}found {finding.found}; wanted {finding.wanted}."
