"""What is wrong with a geofence file: each finding names the feature, the place, what was expected and the remedy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or may be.

    `code` is stable, for machines. An "error" could warn the wrong people or nobody, a "warning" wants a look.
    `position` is lon/lat in degrees; `feature` counts from 0 in the file; both None where it concerns the whole file.
    """

    code: str
    says: str
    remedy: str
    severity: Literal["error", "warning"] = "error"
    position: tuple[float, float] | None = None
    feature: int | None = None
    id: str | None = None

    def at(self, feature: int, id: str | None) -> "Finding":  # noqa: A002 - the field's own name
        """The same finding with its feature named."""
        return replace(self, feature=feature, id=id)

    def __str__(self) -> str:
        place = "" if self.feature is None else f"feature {self.feature} ({self.id or 'without id'}): "
        return f"{place}{self.says}: {self.remedy}"


class GeofenceError(ValueError):
    """A geofence file cannot be used: the message names the file, the feature, what was expected and the remedy.

    `findings` has all errors of the file; it is empty where there is none.
    """

    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, path: Path, findings: Sequence[Finding]) -> "GeofenceError":
        """The first finding, with the number of the others."""
        more = f" (and {len(findings) - 1} more: warnsys geofences check {path})" if len(findings) > 1 else ""
        error = cls(f"{path}: {findings[0]}{more}")
        error.findings = tuple(findings)
        return error
