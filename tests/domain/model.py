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
OTHER, REVISED = "@", "'"
"""Behind a key: another sender's message of that identifier, and a later content of a message."""


def name(key: str) -> str:
    """As listings have it: the identifier."""
    return key[0]


def identity(key: str) -> str:
    """Identifier and sender."""
    return key.removesuffix(REVISED)


@dataclass
class Model:
    sources: tuple[str, ...]
    now: float = 0
    arrived: dict[str, Message] = field(default_factory=dict)
    listed: dict[tuple[str, str], set[float]] = field(default_factory=dict)
    """By source and identifier: the stamps under which it was listed."""
    brought: set[tuple[str, str]] = field(default_factory=set)
    """Source, and which message it brought."""
    contents: set[tuple[str, str]] = field(default_factory=set)
    """Source, and which content of a message it brought."""
    waits: dict[str, float] = field(default_factory=dict)
    """Until when what replaces a content is waited for, where each listing that had it had that, too."""
    first: dict[str, float] = field(default_factory=dict)
    """The stamp of the listing that had a content first."""
    snapshots: dict[tuple[str, float], set[str]] = field(default_factory=dict)
    checked: dict[tuple[str, float], float] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    """Contents that were once replaced for good, and did not come again since."""
    early: list[tuple[str, float, set[str], float | None]] = field(default_factory=list)
    """Of stamps ahead of the time, until a tick whose time is not in doubt: source, stamp, keys, and for a snapshot
    when it was checked."""

    def message(self, message: Message, source: str, stamp: float, key: str = "", *, marked: bool = False) -> None:
        """`marked`: its listing has what replaces it, too."""
        key = key or message.key
        self.over.discard(key)
        if not marked:
            self.waits.pop(key, None)
        elif key in self.waits or key not in self.arrived:
            self.waits[key] = min(self.now + DECIDING, self.waits.get(key, self.now + DECIDING))
        self.arrived[key] = message
        self.brought.add((source, identity(key)))
        self.contents.add((source, key))
        self.first[key] = min(stamp, self.first.get(key, stamp))
        if stamp > self.now + AHEAD:
            self.early.append((source, stamp, {name(key)}, None))
            stamp = self.now + AHEAD
        self.listed.setdefault((source, name(key)), set()).add(stamp)

    def lists(self, source: str, key: str) -> bool:
        return (source, name(key)) in self.listed and (source, identity(key)) in self.brought

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

    def tick(self, minute: float, *, doubtful: bool = False) -> None:
        """Of `doubtful` clocks the time goes on, and what is early waits."""
        self.now = max(self.now, minute)
        if doubtful:
            return
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
        return any(name(one) == key and not message.broken for one, message in self.arrived.items())

    def says(self, key: str, district: str) -> list[Warned]:
        message = self.arrived[key]
        if not self.real(message) or message.cancel:
            return []
        return [said for said in message.says if district in said.districts and not said.all_clear]

    def real(self, message: Message) -> bool:
        return message.status == "Actual" and not message.broken

    def successors(self, key: str, source: str) -> list[str]:
        """Real messages of this source that replace it; later contents of the same message only if it brought them."""
        return [
            other
            for other, message in self.arrived.items()
            if self.replaces(other, key) and self.real(message) and self.lists(source, other)
            if identity(other) != identity(key) or (source, other) in self.contents
        ]

    def replaces(self, other: str, key: str) -> bool:
        """Its sender's, which names it, and was not sent before a later content of it; or a later content itself."""
        one, later = self.arrived[key], self.arrived[other]
        if identity(other) == identity(key):
            return other.endswith(REVISED) and other != key
        same_sender = (OTHER in other) == (OTHER in key)
        sent_again = (later.cancel or key.endswith(REVISED)) and one.at > later.at
        return same_sender and name(key) in later.replaces and not sent_again

    # -- what each end needs --

    def complete(self, source: str) -> list[float]:
        """Stamps of snapshots of which everything has arrived and could be read."""
        return [stamp for (of, stamp), keys in self.snapshots.items() if of == source and all(map(self.readable, keys))]

    def decided(self, source: str) -> list[float]:
        names = set(map(name, self.arrived))
        return [s for (of, s), keys in self.snapshots.items() if of == source and keys <= names]

    def replaced(self, key: str, source: str, district: str | None) -> bool:
        """A successor that is not over warns here itself, or all that came with it is decided; or it came with it."""
        return any(
            (key in self.waits and self.came_together(key, other, source))
            or (district is not None and self.may_stand(other) and self.says(other, district))
            or any(stamp >= min(self.listed[source, name(other)]) for stamp in self.decided(source))
            for other in self.successors(key, source)
        )

    def came_together(self, key: str, other: str, source: str) -> bool:
        """Whether this source listed the successor as early as the content that it replaces."""
        mine, its = min(self.listed[source, name(key)]), min(self.listed[source, name(other)])
        return its <= max(self.first[key], mine)

    def may_stand(self, key: str) -> bool:
        return key not in self.over and not self.waiting(key)

    def settled(self) -> None:
        """What each of its sources has replaced everywhere, for good, is over: it stands no more when another source
        brings another content of it, whose successor that source does not list yet."""
        for key in self.arrived:
            sources = [source for source in self.sources if self.lists(source, key)]
            if sources and all(self.replaced(key, source, None) and self.came_whole(key, source) for source in sources):
                self.over.add(key)

    def came_whole(self, key: str, source: str) -> bool:
        """Whether all that came along with it is decided."""
        return any(stamp >= min(self.listed[source, name(key)]) for stamp in self.decided(source))

    def waiting(self, key: str) -> bool:
        """Whether what replaces it is on its way: its listing is not decided."""
        if self.now >= self.waits.get(key, 0):
            return False
        sources = [source for source in self.sources if self.lists(source, key)]
        return not any(stamp >= self.first[key] for source in sources for stamp in self.decided(source))

    def withdrawn(self, key: str, source: str, *, believe_empty: bool) -> bool:
        """Two complete snapshots stamped after the last that listed it, half a minute apart; after a drop three, and
        the newest an hour later."""
        last = max(self.listed[source, name(key)])
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
            for key in self.arrived
            if self.lists(source, key) and max(self.listed[source, name(key)]) < newest
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
            sources = [source for source in self.sources if self.lists(source, key)]
            if (
                key in self.over
                or self.waiting(key)
                or all(
                    self.replaced(key, source, district)
                    or self.withdrawn(key, source, believe_empty=believe and not self.severe(key))
                    for source in sources
                )
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
        stamps, listed, until = self.complete(source), self.listed[source, name(key)], said.until or 0
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
