"""What holds now, told as plainly as the rules are: recomputed from everything that ever arrived, in no clever order.

Slow, without memory or forgetting, and knowing nothing of Fact, Listing or Situation: the state machine holds the real
thing against it.
"""

from dataclasses import dataclass, field

from tests.domain.messages import Message, Warned

STALE, DECIDING, APART, DROPPED_FOR = 15.0, 1.0, 0.5, 60.0
AHEAD, HURRY, STILL_LISTED = 5.0, 1.0, 10.0
LEVELS = ("Minor", "Moderate", "Severe", "Extreme")
Stands = tuple[str, str, str, str]
"""Key, phase, severity and group."""


@dataclass
class Model:
    sources: tuple[str, ...]
    now: float = 0
    arrived: dict[str, Message] = field(default_factory=dict)
    listed: dict[tuple[str, str], set[float]] = field(default_factory=dict)
    """By source and key: the stamps under which it was listed."""
    snapshots: dict[tuple[str, float], set[str]] = field(default_factory=dict)
    checked: dict[tuple[str, float], float] = field(default_factory=dict)
    early: list[tuple[str, float, set[str], float | None]] = field(default_factory=list)
    """Of stamps ahead of the time, until the next tick: source, stamp, keys, and for a snapshot when it was checked."""

    def message(self, message: Message, source: str, stamp: float) -> None:
        self.arrived[message.key] = message
        if stamp > self.now + AHEAD:
            self.early.append((source, stamp, {message.key}, None))
            stamp = self.now + AHEAD
        self.listed.setdefault((source, message.key), set()).add(stamp)

    def snapshot(self, source: str, stamp: float, keys: set[str]) -> None:
        checked = min(stamp, self.now + HURRY)
        if stamp > self.now + AHEAD:
            self.early.append((source, stamp, keys, checked))
        else:
            self.believed(source, stamp, keys, checked)

    def believed(self, source: str, stamp: float, keys: set[str], checked: float) -> None:
        self.snapshots[source, stamp] = keys
        self.checked[source, stamp] = min(checked, self.checked.get((source, stamp), checked))
        for key in keys:
            self.listed.setdefault((source, key), set()).add(stamp)

    def tick(self, minute: float) -> None:
        self.now = max(self.now, minute)
        for source, stamp, keys, checked in self.early:
            if stamp > self.now + AHEAD:
                continue
            if checked is not None:
                self.believed(source, stamp, keys, checked)
            for key in keys:
                self.listed.setdefault((source, key), set()).add(stamp)
        self.early = []

    # -- what each message is --

    def readable(self, key: str) -> bool:
        return key in self.arrived and not self.arrived[key].broken

    def says(self, key: str, district: str) -> list[Warned]:
        message = self.arrived[key]
        if not self.real(message) or message.cancel:
            return []
        return [said for said in message.says if district in said.districts and not said.all_clear]

    def real(self, message: Message) -> bool:
        return message.status == "Actual" and not message.broken

    def successors(self, key: str, source: str) -> list[Message]:
        """Real messages of this source that replace it."""
        return [
            other
            for other in self.arrived.values()
            if key in other.replaces and self.real(other) and (source, other.key) in self.listed
        ]

    # -- what each end needs --

    def complete(self, source: str) -> list[float]:
        """Stamps of snapshots of which everything has arrived and could be read."""
        return [stamp for (of, stamp), keys in self.snapshots.items() if of == source and all(map(self.readable, keys))]

    def decided(self, source: str) -> list[float]:
        return [s for (of, s), keys in self.snapshots.items() if of == source and keys <= self.arrived.keys()]

    def replaced(self, key: str, source: str, district: str | None) -> bool:
        """A successor warns here itself, or all that came with it is decided."""
        return any(
            (district is not None and self.says(other.key, district))
            or any(stamp >= min(self.listed[source, other.key]) for stamp in self.decided(source))
            for other in self.successors(key, source)
        )

    def withdrawn(self, key: str, source: str, *, believe_empty: bool) -> bool:
        """Two complete snapshots stamped after the last that listed it, half a minute apart; after a drop three, and
        the newest an hour later."""
        last = max(self.listed[source, key])
        newer = [s for s in self.complete(source) if s > last and (self.snapshots[source, s] or believe_empty)]
        looks: list[float] = []
        for stamp in sorted(newer, reverse=True):
            if not looks or looks[-1] - stamp >= APART:
                looks.append(stamp)
        if self.dropped(source, last):
            return len(looks) >= 3 and looks[0] - last >= DROPPED_FOR
        return len(looks) >= 2

    def dropped(self, source: str, stamp: float) -> bool:
        """Of ten that were listed then, at most one was ever listed later."""
        spans = [(min(stamps), max(stamps)) for (of, _), stamps in self.listed.items() if of == source]
        listed = [last for first, last in spans if first <= stamp <= last]
        return len([last for last in listed if last > stamp]) * 10 < len(listed)

    def severe(self, key: str) -> bool:
        here = [said for district in ("d1", "d2") for said in self.says(key, district)]
        return any(said.severity in ("Severe", "Extreme") for said in here)

    def all_vanished(self) -> bool:
        """A source's newest snapshot is empty, and something Severe of it neither expired nor ended before."""
        return any(self.vanished_severe(source, max(stamps)) for source in self.sources if (stamps := self.of(source)))

    def of(self, source: str) -> list[float]:
        return [stamp for of, stamp in self.snapshots if of == source]

    def vanished_severe(self, source: str, newest: float) -> bool:
        return not self.snapshots[source, newest] and any(
            said.severity in ("Severe", "Extreme")
            and self.live(said)
            and not self.replaced(key, source, district)
            and not self.withdrawn(key, source, believe_empty=False)
            for of, key in self.listed
            if of == source and key in self.arrived and max(self.listed[of, key]) < newest
            for district in ("d1", "d2")
            for said in self.says(key, district)
        )

    def live(self, said: Warned) -> bool:
        return said.until is None or self.now < said.until

    # -- what holds --

    def standing(self, district: str) -> list[Stands]:
        believe = not self.all_vanished()
        found = []
        for key in self.arrived:
            sources = [source for source, listed in self.listed if listed == key]
            if all(
                self.replaced(key, source, district)
                or self.withdrawn(key, source, believe_empty=believe and not self.severe(key))
                for source in sources
            ):
                continue
            for said in self.says(key, district):
                if self.live(said):
                    found.append((key, "advance" if said.advance else "warning", said.severity, said.group))
                elif not all(self.confirms_end(source, key, said) for source in sources):
                    found.append((key, "expired", said.severity, said.group))
        return sorted(found)

    def confirms_end(self, source: str, key: str, said: Warned) -> bool:
        """One that no longer lists it, or from ten minutes after its end and after it came first."""
        stamps, listed, until = self.complete(source), self.listed[source, key], said.until or 0
        if not stamps or max(stamps) <= until:
            return False
        return max(stamps) > max(listed) or max(stamps) >= max(until, min(listed)) + STILL_LISTED

    def status(self, district: str) -> str:
        phases = {phase for _, phase, _, _ in self.standing(district)}
        if phases - {"expired"}:
            return "warned"
        if phases:
            return "unconfirmed"
        return "clear" if all(map(self.fresh, self.sources)) else "no_data"

    def fresh(self, source: str) -> bool:
        """The newest snapshot is complete and young; one just taken may take a minute to be decided."""
        stamps = sorted(self.of(source), reverse=True)
        while (
            len(stamps) > 1
            and stamps[0] not in self.decided(source)
            and self.now - self.checked[source, stamps[0]] < DECIDING
        ):
            stamps = stamps[1:]
        return bool(stamps) and stamps[0] in self.complete(source) and self.now - stamps[0] <= STALE
