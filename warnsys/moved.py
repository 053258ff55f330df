"""Finds modules under the names that they had before release 0.2.0, for one release, with a warning.

Scripts of adopters may import `warnsys.feeds.dwd` or `streams.topics`; both packages were given rooms in 0.2.0.
"""

import importlib
import sys
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_KAFKA = ("topics", "admin", "acl", "sender", "publisher", "records", "embedded")
_WORKER = ("app", "state", "transport", "match", "hand", "trial", "failures", "watchdog")
_PROCESSES = ("audit", "canary", "demo", "live", "replay", "web", "runtime")
NOW_AT = {
    "streams.agents": "streams.worker.settle",
    "streams.worker.agents": "streams.worker.settle",
    "warnsys.cells": "warnsys.cap.cells",
    "warnsys.feeds.archive": "warnsys.archive.store",
    "warnsys.feeds.dwd": "warnsys.feeds.poller",
    "warnsys.feeds.scenario": "warnsys.simulation.scenario",
    "warnsys.feeds.standin": "warnsys.simulation.standin",
    "warnsys.warning.change": "warnsys.warning.notify",
    "warnsys.warning.claim": "warnsys.warning.notification_log",
    "warnsys.warning.impact": "warnsys.warning.matching",
    **{f"streams.{name}": f"streams.kafka.{name}" for name in _KAFKA},
    **{f"streams.{name}": f"streams.worker.{name}" for name in _WORKER},
    **{f"streams.{name}": f"streams.processes.{name}" for name in _PROCESSES},
}


class _Moved(MetaPathFinder, Loader):
    _own: ModuleSpec | None = None

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in NOW_AT else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        now = NOW_AT[spec.name]
        warnings.warn(f"{spec.name} is now {now}; the old name goes in 0.3.0", DeprecationWarning, stacklevel=2)
        found = importlib.import_module(now)
        self._own = found.__spec__
        return found

    def exec_module(self, module: ModuleType) -> None:
        """Gives the module its own spec back: it has been run under its present name."""
        module.__spec__ = self._own


sys.meta_path.append(_Moved())
