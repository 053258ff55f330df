"""The gate of a target: how many calls it may get now. It keeps window, rate, `Retry-After` and circuit breaker."""

from collections.abc import Callable
from dataclasses import dataclass

from warnsys.delivery.target import Accepted, CallResult, Declined, Unanswered
from warnsys.records import TargetState

FIRST_S, LONGEST_S = 1.0, 60.0
"""How long a failed call waits before it is made again: the first time, and at most."""
LONGEST_ASKED_S = 300.0
"""A receiver may ask to be left alone for so long and no longer: it may have to warn within the hour."""
BREAKS_AT = 5
"""After so many failed calls in a row the target counts as down."""
PROBE_S = 15.0
"""How often a target that is down is tried, at least."""
Chance = Callable[[], float]
"""A number from 0 to 1 by chance."""


def back_off(failures: int, chance: Chance, longest_s: float = LONGEST_S) -> float:
    """Gives after how many seconds to try again: twice as many after each failure, with jitter."""
    return min(longest_s, FIRST_S * 2.0 ** min(failures - 1, 30)) * (0.5 + chance() / 2)


@dataclass
class Gate:
    """Counts calls. All times are in seconds on one clock."""

    at_once: int
    rate_per_s: float
    chance: Chance
    in_flight: int = 0
    failures: int = 0
    """In a row."""
    closed_until: float = 0.0
    code: str = ""
    """Of the last failure; empty once a call was answered otherwise."""
    _tokens: float = 1.0
    _filled: float = 0.0

    @property
    def down(self) -> bool:
        return self.failures >= BREAKS_AT

    def state(self, now: float) -> TargetState:
        return "down" if self.down else "paused" if now < self.closed_until else "up"

    def room(self, now: float) -> int:
        """Gives how many calls may begin now. A target that is down gets one at a time."""
        if now < self.closed_until:
            return 0
        window = (1 if self.down else self.at_once) - self.in_flight
        if self.rate_per_s:
            self._fill(now)
            window = min(window, int(self._tokens))
        return max(0, window)

    def opens(self, now: float) -> float:
        """Gives when a call may begin; infinity where an answer has to come first."""
        if now < self.closed_until:
            return self.closed_until
        if self.in_flight >= (1 if self.down else self.at_once):
            return float("inf")
        if not self.rate_per_s:
            return now
        self._fill(now)
        return now + max(0.0, 1.0 - self._tokens) / self.rate_per_s

    def began(self, now: float) -> None:
        self._fill(now)
        self.in_flight += 1
        self._tokens -= 1

    def put_back(self) -> None:
        """Takes back that a call began."""
        self.in_flight -= 1
        self._tokens += 1

    def answered(self, answer: CallResult, now: float) -> bool:
        """Takes an answer. Gives whether the target has come back after it was down."""
        self.in_flight -= 1
        was_down = self.down
        self.code = "" if isinstance(answer, Accepted) else answer.code
        if not failed(answer):
            self.failures, self.closed_until = 0, 0.0
            return was_down
        self.failures += 1
        if isinstance(answer, Declined) and answer.after_s is not None:
            self.closed_until = now + min(max(answer.after_s, 0.0), LONGEST_ASKED_S)
        elif self.down:
            self.closed_until = now + back_off(self.failures - BREAKS_AT + 1, self.chance, PROBE_S)
        return False

    def _fill(self, now: float) -> None:
        """Adds the calls that the time since has allowed: at most one second's worth, or one."""
        if self.rate_per_s:
            gained = max(0.0, now - self._filled) * self.rate_per_s
            self._tokens = min(max(1.0, self.rate_per_s), self._tokens + gained)
        self._filled = now


def failed(answer: CallResult) -> bool:
    """Says whether the call has to be made again: it was refused for now, or nobody answered."""
    return isinstance(answer, Unanswered) or (isinstance(answer, Declined) and not answer.permanent)
