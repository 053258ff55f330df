"""Texts have a budget on every topic: what is longer is cut at a word, visibly."""

from typing import Literal

CUT = " […]"
RIGHT_TO_LEFT = frozenset("ar ckb dv fa he ps sd ug ur yi".split())
"""Primary language subtags (BCP 47) whose usual script is Arabic, Hebrew or Thaana."""


def direction(language: str) -> Literal["ltr", "rtl"]:
    """Of a language, e.g. "ar" or "ar-SY": how HTML's `dir` has it."""
    return "rtl" if language.lower().split("-")[0] in RIGHT_TO_LEFT else "ltr"


def shorten(text: str, limit: int) -> str:
    """The text within `limit` characters, cut at a blank where one is near, the cut marked."""
    if len(text) <= limit:
        return text
    room = limit - len(CUT)
    at = text.rfind(" ", room - 40 if room > 80 else room // 2, room)
    return text[: at if at > 0 else room].rstrip() + CUT
