"""What the reader forgives in form: letter case of codes, names of languages, markup in texts, bytes before the XML.

Each function gives what is meant, and gives that back unchanged: a message that is read, written and read again is the
same. Whether something was mended is seen by comparing.
"""

import html
import re
from collections.abc import Collection
from typing import Final

# -- bytes ------------------------------------------------------------------------------------------------------------

_MARK8, _BAD_MARK = b"\xef\xbb\xbf", "ï»¿".encode()
_BLANK8 = rb"[ \t\r\n\v\f]|\xc2\xa0|\xe2\x80\x8b"
_HEADS: Final = (
    (_MARK8, re.compile(rb"\A(?:%b|%b|%b)*(?=<)" % (_MARK8, _BAD_MARK, _BLANK8))),
    (b"\xff\xfe", re.compile(rb"\A(?:\xff\xfe|[ \t\r\n\v\f]\0)*(?=<\0)")),
    (b"\xfe\xff", re.compile(rb"\A(?:\xfe\xff|\0[ \t\r\n\v\f])*(?=\0<)")),
)
_DECLARED: Final = (b"<?xml", "<?xml".encode("utf-16-le"), "<?xml".encode("utf-16-be"))


def without_head(body: bytes) -> tuple[bytes, str]:
    """A document without what stands before its XML and must not, and what that was; "" where nothing was.

    Blank lines are legal before an element, but not before an XML declaration; one byte order mark is at the start.
    """
    for mark, head in _HEADS:
        found = head.match(body)
        before = found[0] if found else b""
        if not before or before == mark:
            continue
        rest = body[len(before) :]
        if mark not in before and _BAD_MARK not in before and not rest.startswith(_DECLARED):
            continue
        kept = mark if mark in before else b""
        return kept + rest, f"{len(before)} bytes of blanks or byte order marks before the XML, left out"
    return body, ""


# -- codes ------------------------------------------------------------------------------------------------------------


def code(text: str, known: Collection[str]) -> str:
    """One of the codes, however its letters are written and whatever blanks or marks stand around or within it; any
    other text as it is."""
    if text in known:
        return text
    wanted = _bare(text)
    return next((one for one in known if _bare(one) == wanted), text) if wanted else text


def _bare(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum()).casefold()


_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*")
_LANGUAGE_CHARS = 200
_DASH = re.compile(r"[-_\u2010-\u2014]")
_AFTER_LANGUAGE = re.compile(r"[\s.,;:@(/].*", re.DOTALL)
"""A locale's encoding, other languages, or words."""

_IN_TWO_LETTERS: Final = dict(
    pair.split("=")
    for pair in """ara=ar ben=bn bul=bg cat=ca ces=cs cze=cs dan=da deu=de ger=de dut=nl ell=el eng=en est=et eus=eu
    baq=eu fas=fa per=fa fin=fi fra=fr fre=fr gle=ga gre=el heb=he hin=hi hrv=hr hun=hu ice=is ind=id isl=is ita=it
    jpn=ja kor=ko kur=ku lav=lv lit=lt ltz=lb mac=mk mkd=mk mlt=mt nld=nl nob=nb nor=no pol=pl por=pt ron=ro rum=ro
    rus=ru slk=sk slo=sk slv=sl spa=es sqi=sq alb=sq srp=sr swe=sv tha=th tur=tr ukr=uk urd=ur vie=vi zho=zh chi=zh
    deutsch=de german=de englisch=en english=en francais=fr french=fr polski=pl polish=pl turkish=tr russian=ru
    arabic=ar spanish=es italian=it dutch=nl""".split()
)
"""ISO 639-2 in both its forms, and names that stand there instead of codes."""


def language(text: str) -> str:
    """As BCP 47 writes it: `de_DE` and `deu-DE` are de-DE, `DE` is de. What looks like no language stays as it is."""
    joined = "-".join(part.strip() for part in _DASH.split(text[:_LANGUAGE_CHARS].strip(UNSEEN)))
    found = _AFTER_LANGUAGE.sub("", joined)
    if len(text) > _LANGUAGE_CHARS or not _LANGUAGE.fullmatch(found):
        return text
    first, *rest = found.split("-")
    first = first.lower()
    return "-".join((_IN_TWO_LETTERS.get(first, first), *map(_subtag, rest)))


def _subtag(text: str) -> str:
    if len(text) == 2:
        return text.upper()
    return text.title() if len(text) == 4 and text.isalpha() else text.lower()


# -- times -----------------------------------------------------------------------------------------------------------

UNSEEN = "\u200b\u2060\ufeff"
"""Letters without a width, which nobody sees around a code."""

_LOOSE_TIME = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:\s*T\s*|\s+)(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?\s*"
    r"(?:(Z|UTC|GMT)|([+-]\d\d)(?::?(\d\d))?)?",
    re.IGNORECASE | re.ASCII,
)


def written_time(text: str) -> str:
    """As CAP writes it: `2027-07-14t16:00z`, with blanks in it, or without any signs between; a leap second as the one
    before it. What looks like no time of a day stays as it is."""
    if not (found := _LOOSE_TIME.fullmatch(text.strip(UNSEEN))):
        return text
    year, month, day, hour, minute, second, parts, utc, hours, minutes = found.groups()
    second = "59" if second == "60" else second or "00"
    whole = f"{year}-{month}-{day}T{hour}:{minute}:{second}" + (f".{parts[:6]}" if parts else "")
    return whole + ("+00:00" if utc else f"{hours}:{minutes or '00'}" if hours else "")


# -- texts ------------------------------------------------------------------------------------------------------------

_APART = frozenset("br p div li ul ol dl dt dd tr table h1 h2 h3 h4 h5 h6 hr blockquote section article".split())
_ELEMENTS = sorted(
    _APART
    | frozenset(
        """a abbr acronym address b bdi bdo big body caption center cite code del dfn em font footer head
        header html i iframe img input ins kbd label link main mark meta nav o:p picture pre q s samp script
        small span strike strong style sub sup svg tbody td tfoot th thead time title tt u var wbr""".split()
    ),
    key=len,
    reverse=True,
)
_NO_TEXT = tuple(
    (re.compile(begin, re.IGNORECASE), re.compile(end, re.IGNORECASE))
    for begin, end in (
        ("<!--", "-->"),
        (r"<style(?=[\s>])", r"</style\s*+>"),
        (r"<script(?=[\s>])", r"</script\s*+>"),
    )
)
"""What is written in a page and shown to nobody, by its begin and its end."""
_TAG = re.compile(rf"<(?:!--[^<>]*--|(/?)({'|'.join(_ELEMENTS)})(?:[\s/][^<>]*)?)>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}[0-9]{0,2}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_MOST_ROUNDS = 4
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n\s*")


def sets_apart(element: str) -> bool:
    """Whether words on either side of this element of HTML are two: `br` and `p` are, `b` is not."""
    return element.lower() in _APART


def plain(text: str) -> str:
    """A text for people without tags and entities of HTML, which its author escaped; any other text as it is.

    A word in brackets that names no element of HTML stays: "<Ortsname>".
    """
    if "<" not in text and "&" not in text:
        return text
    before = text
    for _ in range(_MOST_ROUNDS):
        found = _ENTITY.sub(_character, _TAG.sub(_gap, _shown(text)))
        if found == text:
            break
        text = found
    else:  # brackets within brackets, over and over: a part of none is a tag
        text = text.replace("<", " ").replace("&", " ")
    return text if text == before else tidy(text)


def _shown(text: str) -> str:
    for begin, end in _NO_TEXT:
        kept, at = list[str](), 0
        while (first := begin.search(text, at)) and (last := end.search(text, first.end())):
            kept.append(text[at : first.start()])
            at = last.end()
        text = "".join((*kept, text[at:]))
    return text


def tidy(text: str) -> str:
    """Without the blanks and empty lines that are left where markup was."""
    return _LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


def _gap(tag: re.Match[str]) -> str:
    return " " if tag[2] and sets_apart(tag[2]) else ""


def _character(entity: re.Match[str]) -> str:
    """What XML cannot hold stays as it is written."""
    found = html.unescape(entity[0])
    return found if all(letter.isprintable() or letter.isspace() for letter in found) else ""
