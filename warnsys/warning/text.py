"""Texts have a budget on every topic: what is longer is cut at a word, visibly."""

CUT = " […]"


def shorten(text: str, limit: int) -> str:
    """The text within `limit` characters, cut at a blank where one is near, the cut marked."""
    if len(text) <= limit:
        return text
    room = limit - len(CUT)
    at = text.rfind(" ", room - 40 if room > 80 else room // 2, room)
    return text[: at if at > 0 else room].rstrip() + CUT
