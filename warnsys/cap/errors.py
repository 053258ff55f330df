"""What can be wrong with a message so badly that it is not taken.

CapError                what is wrong, where, and what to do about it
 ├─ NotCap              no well-formed XML, or not an alert: ask the sender for the file again
 ├─ Unsafe              DTD, entities, or more bytes than allowed: never opened, have the sender looked at
 ├─ Misleading          an alert whose meaning would have to be guessed
 └─ BadBundle           a ZIP that cannot be trusted as a whole: fetch it again
"""

MAX_SAID = 1_000
"""Characters of what an error says: it quotes what came from outside."""


class CapError(ValueError):
    """A message or bundle that is refused, with a stable code, the place and the reason."""

    def __init__(self, code: str, where: str, text: str) -> None:
        text = text if len(text) <= MAX_SAID else f"{text[:MAX_SAID]}…"
        super().__init__(f"{code} at {where}: {text}")
        self.code, self.where, self.text = code, where, text


class NotCap(CapError):
    pass


class Unsafe(CapError):
    pass


class Misleading(CapError):
    pass


class BadBundle(CapError):
    pass
