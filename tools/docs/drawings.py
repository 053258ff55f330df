"""Draws the pictures of docs/explanation as SVG: `python -m tools.docs.drawings docs/explanation`.

Each drawing has a title for those who cannot see it, a white ground for dark pages, and fonts of the reader's own.
"""

import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.sax.saxutils import escape

INK, GREY, BLUE, RED, GREEN, PALE = "#1b1b1b", "#6b6b6b", "#0b5fa5", "#b3261e", "#1b6e3c", "#eef3f8"
Point = tuple[float, float]


class Drawing:
    """An SVG that grows shape by shape; positions are pixels from the upper left corner."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" font-family="system-ui, sans-serif" font-size="14"><title>{escape(title)}</title>'
            f'<rect width="{width}" height="{height}" fill="#fff"/>'
        )
        self._shapes = list[str]()

    def polygon(self, points: Iterable[Point], *, stroke: str = INK, fill: str = "none", dash: str = "") -> None:
        where = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._shapes.append(
            f'<polygon points="{where}" fill="{fill}" stroke="{stroke}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )

    def line(self, points: Iterable[Point], *, stroke: str = INK, width: float = 2, dash: str = "") -> None:
        where = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._shapes.append(
            f'<polyline points="{where}" fill="none" stroke="{stroke}" stroke-width="{width:g}" '
            f'stroke-dasharray="{dash}"/>'
        )

    def arrow(self, start: Point, end: Point, *, stroke: str = INK, width: float = 2, dash: str = "") -> None:
        self.line([start, end], stroke=stroke, width=width, dash=dash)
        angle = math.atan2(end[1] - start[1], end[0] - start[0])
        wings = [(end[0] - 11 * math.cos(angle + turn), end[1] - 11 * math.sin(angle + turn)) for turn in (-0.4, 0.4)]
        self._shapes.append(
            '<polygon points="{}" fill="{}"/>'.format(" ".join(f"{x:.1f},{y:.1f}" for x, y in (end, *wings)), stroke)
        )

    def text(self, at: Point, words: str, *, color: str = INK, anchor: str = "start", bold: bool = False) -> None:
        weight = ' font-weight="bold"' if bold else ""
        for number, row in enumerate(words.split("\n")):
            self._shapes.append(
                f'<text x="{at[0]:g}" y="{at[1] + 18 * number:g}" fill="{color}" text-anchor="{anchor}"{weight}>'
                f"{escape(row)}</text>"
            )

    def box(self, at: Point, size: Point, words: str, *, fill: str = PALE, stroke: str = INK, round_: int = 6) -> None:
        (x, y), (width, height) = at, size
        self._shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round_}" fill="{fill}" '
            f'stroke="{stroke}" stroke-width="1.5"/>'
        )
        first = y + height / 2 + 5 - 9 * words.count("\n")
        self.text((x + width / 2, first), words, anchor="middle")

    def dot(self, at: Point, words: str = "", *, color: str = RED, offset: Point = (10, -8)) -> None:
        self._shapes.append(f'<circle cx="{at[0]:g}" cy="{at[1]:g}" r="5" fill="{color}"/>')
        self.text((at[0] + offset[0], at[1] + offset[1]), words, color=color, bold=True)

    def svg(self) -> str:
        return "\n".join([self._head, *self._shapes, "</svg>\n"])


def shares_sweep() -> Drawing:
    drawing = Drawing(640, 270, "Edges of a ring sweep signed areas down to a parallel; their sum is the ring's area")
    ring = [(110, 60), (230, 50), (250, 150), (130, 165)]
    for x0, sign, color, edge in ((0, "+", BLUE, (1, 0)), (300, "−", RED, (3, 2))):
        a, b = ring[edge[0]], ring[edge[1]]
        moved = [(x + x0, y) for x, y in (a, b, (b[0], 215), (a[0], 215))]
        drawing.polygon(moved, stroke=color, fill=f"{color}22", dash="4 3")
        drawing.polygon([(x + x0, y) for x, y in ring])
        drawing.line([(60 + x0, 215), (290 + x0, 215)], stroke=GREY)
        drawing.text((64 + x0, 234), "datum: any one parallel", color=GREY)
        drawing.arrow((a[0] + x0, a[1]), (b[0] + x0, b[1]), stroke=color, width=3)
        drawing.text((180 + x0, 205), f"{sign} swept", color=color, anchor="middle", bold=True)
    drawing.text((20, 28), "An edge sweeps the area between itself and the datum: to the west +, to the east −.")
    drawing.text((20, 260), "Round the whole ring everything below cancels: what remains is the area inside.")
    return drawing


def shares_walk() -> Drawing:
    drawing = Drawing(
        640,
        330,
        "The shared area's boundary: the fence from 1 to 2, the outline from 2 to 1",
    )
    drawing.polygon([(170, 160), (350, 160), (350, 260), (170, 260)], fill="#f4d9d7", stroke="none")
    drawing.polygon([(70, 60), (350, 60), (350, 260), (70, 260)], stroke=BLUE)
    drawing.polygon([(170, 160), (520, 160), (520, 310), (170, 310)], stroke=RED)
    drawing.arrow((170, 260), (300, 260), stroke=BLUE, width=5)
    drawing.line([(300, 260), (350, 260), (350, 230)], stroke=BLUE, width=5)
    drawing.arrow((350, 230), (350, 165), stroke=BLUE, width=5)
    drawing.line([(350, 160), (230, 160)], stroke=RED, width=5)
    drawing.arrow((350, 160), (215, 160), stroke=RED, width=5)
    drawing.arrow((170, 160), (170, 252), stroke=RED, width=5)
    drawing.line([(230, 160), (170, 160), (170, 200)], stroke=RED, width=5)
    drawing.dot((170, 260), "1: the fence enters", offset=(-118, 22))
    drawing.dot((350, 160), "2: the fence leaves", offset=(8, -10))
    drawing.text((80, 85), "fence", color=BLUE, bold=True)
    drawing.text((475, 185), "outline", color=RED, bold=True, anchor="middle")
    drawing.text((262, 205), "shared", anchor="middle", bold=True)
    drawing.text((380, 222), "fence from 1 to 2:\nsum at 2 − sum at 1", color=BLUE)
    drawing.text((20, 28), "Two crossings, two look-ups each. The vertices between them are never visited.")
    return drawing


def shares_touch() -> Drawing:
    drawing = Drawing(
        640,
        240,
        "A vertex on an edge: moved by nearly nothing it lies on one side",
    )
    for x0, shift, words in ((0, 0, "as drawn: on the line"), (330, 16, "as taken: moved by ε")):
        drawing.line([(60 + x0, 190), (230 + x0, 60)], stroke=BLUE, width=3)
        tip = (145 + x0 + shift, 125 - shift / 6)
        drawing.line([(215 + x0 + shift, 190), tip, (250 + x0 + shift, 120)], stroke=RED, width=3)
        drawing.dot(tip, color=RED)
        drawing.text((60 + x0, 222), words, color=GREY)
    drawing.text((20, 28), "Shared borders and common vertices are the rule. One tiny step decides them all.")
    return drawing


def loss_jump() -> Drawing:
    drawing = Drawing(760, 300, "Stock Faust commits across lost records; the strict transport reads them again")
    for y, title, handled, color, words in (
        (70, "stock Faust", 0, RED, "takes the jump for a compacted hole, and commits 48"),
        (200, "strict transport", 1, GREEN, "the next one is 44: it seeks back, and commits 44 until that is done"),
    ):
        drawing.text((20, y - 18), title, bold=True)
        for number in range(8):
            offset, x = 41 + number, 150 + 70 * number
            lost = 44 <= offset <= 46
            fill = "#fff" if lost else PALE
            drawing.box((x, y - 34), (60, 40), str(offset), fill=fill, stroke=RED if lost and not handled else INK)
            if lost and not handled:
                drawing.line([(x + 8, y - 28), (x + 52, y)], stroke=RED)
        drawing.text((150, y + 28), "handled", color=GREY)
        drawing.text((360, y + 28), "fetched, then thrown away by a rebalance", color=GREY)
        drawing.text((150, y + 52), words, color=color, bold=True)
    drawing.arrow((600, 210), (392, 210), stroke=GREEN)
    drawing.text((572, 30), "arrives next: 47", color=GREY)
    return drawing


def loss_order() -> Drawing:
    drawing = Drawing(
        860,
        230,
        "The order of effects, and what a crash between two of them repeats",
    )
    steps = (
        "take the\nnext record",
        "decide\n(pure function)",
        "publish, wait\nfor the broker",
        "write the state,\nwait again",
        "commit\nthe offset",
    )
    for number, words in enumerate(steps):
        x = 20 + 168 * number
        drawing.box((x, 60), (140, 56), words)
        if number:
            drawing.arrow((x - 28, 88), (x - 3, 88))
    for number, words in enumerate(
        (
            "nothing went out:\nit comes again",
            "nothing went out:\nit comes again",
            "same notices,\nsame ids again",
            "state covers it:\npassed over",
        )
    ):
        x = 174 + 168 * number
        drawing.dot((x, 140), color=RED)
        drawing.text((x, 166), words, color=RED, anchor="middle")
    drawing.text(
        (20, 34), "Killed between two steps, the next owner of the partition begins at the committed offset:", bold=True
    )
    return drawing


def flow() -> Drawing:
    drawing = Drawing(
        880,
        400,
        "Data flow from the sources to the channels, through feed, match and settle",
    )
    drawing.box((20, 60), (130, 52), "DWD\n(ZIP of CAP)", fill="#fff")
    drawing.box((20, 130), (130, 52), "the city's own\nCAP files", fill="#fff")
    drawing.box((190, 95), (90, 52), "feed")
    drawing.box((320, 95), (110, 52), "cap.alerts\ncap.extreme", fill="#fff7e0", round_=0)
    drawing.box((470, 95), (90, 52), "match")
    drawing.box((600, 95), (110, 52), "warn.impacts", fill="#fff7e0", round_=0)
    drawing.box((750, 95), (100, 52), "settle")
    for number, name in enumerate(("warn.stele", "warn.push", "warn.sms", "warn.state")):
        drawing.box((720, 190 + 46 * number), (130, 36), name, fill="#fff7e0", round_=0)
    drawing.box((470, 190), (150, 36), "warn.rejected", fill="#fff7e0", round_=0)
    drawing.box((190, 190), (110, 36), "feed.status", fill="#fff7e0", round_=0)
    drawing.box((470, 282), (150, 52), "web: pages,\nAPI, orders")
    drawing.box((320, 282), (110, 52), "ops.actions", fill="#fff7e0", round_=0)
    for start, end in (
        ((150, 86), (188, 110)), ((150, 156), (188, 132)), ((280, 121), (318, 121)), ((430, 121), (468, 121)),
        ((560, 121), (598, 121)), ((710, 121), (748, 121)), ((800, 147), (800, 188)), ((515, 147), (530, 188)),
        ((235, 147), (240, 188)), ((718, 230), (622, 296)), ((470, 308), (432, 308)),
    ):  # fmt: skip
        drawing.arrow(start, end)
    drawing.arrow((860, 343), (860, 150), dash="4 3")
    drawing.text((20, 30), "Rounded: processes and agents. Yellow: topics.", bold=True)
    drawing.text(
        (20, 380),
        "Orders of operators reach settle through ops.actions. It reads warn.state when it takes over a partition.",
        color=GREY,
    )
    return drawing


def state() -> Drawing:
    drawing = Drawing(
        880,
        330,
        "State of a city: facts, the situation derived from them, and what was last told",
    )
    drawing.box(
        (20, 70),
        (230, 150),
        "facts: they only join\n\nmessages by base id\nwhen each id was listed\nnewest snapshots\nnewest time",
    )
    drawing.box(
        (330, 70),
        (220, 150),
        "situation: derived anew\n\nwhat holds in each district\nhow fresh the data is\nwhat is disputed",
        fill="#fff",
    )
    drawing.box(
        (630, 70),
        (230, 150),
        "notification log\n\nwhat each audience was\nlast told on each channel\nwhich channel is stopped",
    )
    drawing.arrow((250, 145), (327, 145))
    drawing.text((288, 132), "derive", anchor="middle", color=GREY)
    drawing.arrow((550, 130), (627, 130))
    drawing.text((588, 120), "compare", anchor="middle", color=GREY)
    drawing.arrow((745, 220), (745, 270))
    drawing.text((860, 292), "notices: what changed, and why", anchor="end", bold=True)
    drawing.arrow((135, 290), (135, 223))
    drawing.text((150, 285), "outcomes, snapshots, ticks: in any order, any number of times", color=GREY)
    drawing.text(
        (20, 36), "Blue: kept on warn.state. White: never kept, always computed from the facts and the time.", bold=True
    )
    return drawing


def failures() -> Drawing:
    drawing = Drawing(
        880,
        330,
        "Three classes of failures, and what follows from each",
    )
    rows = (
        (
            RED,
            "the record\ncannot be read, or ends the process",
            "its bytes go to warn.rejected;\nthe next record follows",
        ),
        (
            BLUE,
            "the infrastructure\nbroker, network, disk, rights",
            "nothing is committed;\nthe worker ends, and starts again",
        ),
        (
            GREEN,
            "one city\nits rules or state fail",
            "that city shows incomplete and keeps what it knew;\nthe others go on",
        ),
    )
    drawing.box((20, 140), (120, 60), "a failure")
    for number, (color, cause, then) in enumerate(rows):
        y = 60 + 90 * number
        drawing.arrow((140, 170), (187, y + 30), stroke=color)
        drawing.box((190, y), (270, 60), cause, fill="#fff", stroke=color)
        drawing.arrow((460, y + 30), (488, y + 30), stroke=color)
        drawing.text((496, y + 35), then, color=color)
    drawing.text(
        (20, 34), "Who caused it pays; nothing else stops, and nothing is committed that was not decided.", bold=True
    )
    return drawing


DRAWINGS: dict[str, Callable[[], Drawing]] = {
    "architecture-flow": flow, "architecture-state": state, "architecture-failures": failures,
    "shares-sweep": shares_sweep, "shares-walk": shares_walk, "shares-touch": shares_touch,
    "loss-jump": loss_jump, "loss-order": loss_order,
}  # fmt: skip


if __name__ == "__main__":
    for name, draw in DRAWINGS.items():
        (Path(sys.argv[1]) / f"{name}.svg").write_text(draw().svg(), "utf-8")
