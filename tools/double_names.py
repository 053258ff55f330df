"""Finds names that stand for two things: `python -m tools.double_names`.

Three lists, of `warnsys/`, `streams/` and `geofences/`:

* types: a class or an alias of the same name in two modules;
* functions: a public function of the same name in two modules, commands and routes apart;
* values (`--values`): a parameter or field that is of one of our types here and of another of them there. Not each is a
  word with two senses, and a word of two senses need not show in types: the list is for reading.

What is meant stands in `MEANT` with its reason, and is left out unless `--all` is given. What is to be renamed has a
row in docs/reference/glossary.md. `--check` ends with 1 for a double name that is neither, and for one of either list
that is single by now: so the list can only get shorter, down to what is meant.
"""

import argparse
import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("warnsys", "streams", "geofences")
GLOSSARY = ROOT / "docs/reference/glossary.md"
MEANT = {
    "type Area": "CAP's element, and the same area as geometry: geofences knows no CAP",
    "type Circle": "CAP's element, and the same circle as geometry",
    "type Outline": "the same outline as CAP writes it, as the scenario writer makes it, and as geometry",
    "type _Strict": "the private base of a file's own models; nothing imports it",
    "function main": "a program's entry",
    "function notice": "one a channel, the same signature: a channel's file is chosen by its module",
    "function router": "one a page, the same signature",
    "function load": "reads the module's one kind of file; called with the module's name",
    "function read": "reads the module's one kind of file; called with the module's name",
    "function write": "writes the module's one kind of document; called with the module's name",
    "function bundled": "gives the module's bundled data; called with the module's name",
    "function parse": "bytes of a document, and a mapping of settings: the general word for both",
    "function feed": "the command, and the process that it runs",
    "function gateway": "the command, and the process that it runs",
    "function opened": "one a kind of target, the same signature: a target's file is chosen by its kind",
    "function tail": "the command, and the process that it runs",
    "function up": "the command, and the process that it runs",
    "function web": "the command, and the process that it runs",
    "function worker": "the command, and the process that it runs",
    "function say": "general: people are told something, in the module's way",
    "type Channel": "a channel as an object, and its name in the settings",
    "type DistrictId": "the same path parameter in two routers",
    "type Finding": "of a message and of a geofences file: geofences knows no CAP",
    "type Declined": "of a call to a target, and of a submit over SMPP, which knows nothing else of ours: one sense",
    "type Unanswered": "of a call to a target, and of a submit over SMPP: as `Declined`",
    "type Ints": "the same alias of numpy in two files",
    "type Presentation": "how loud a screen is, on the topic and on the page",
    "type Situation": "what holds, and the API's answer, whose name stands in its contract",
    "function is_live": "of a message and of a meaning: whether it holds",
    "type Kind": "of an event, and of a quantity: both lie inside warnsys.cap",
    "function check": "general: the module says what is checked",
}
"""By list and name, why it may stay."""
COMMAND = re.compile(r"\.(command|callback|get|post|put|delete|api_route|exception_handler)\b")


@dataclass(frozen=True, order=True)
class Use:
    """Where a name stands, and as what."""

    module: str
    line: int
    what: str = ""

    def __str__(self) -> str:
        return f"{self.module}:{self.line}" + (f" ({self.what})" if self.what else "")


@dataclass(frozen=True)
class Double:
    """A name with its uses."""

    kind: str
    """`type`, `function` or `value`."""
    name: str
    uses: tuple[Use, ...]

    @property
    def meant(self) -> str:
        return MEANT.get(f"{self.kind} {self.name}", "")


def modules(root: Path = ROOT) -> dict[str, ast.Module]:
    """The syntax trees of all modules, by path."""
    paths = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
    return {path.relative_to(root).as_posix(): ast.parse(path.read_text("utf-8")) for path in paths}


def doubles(trees: Mapping[str, ast.Module]) -> list[Double]:
    """All names that stand for two things, types first."""
    types, functions, values = (defaultdict[str, set[Use]](set) for _ in range(3))
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                types[node.name].add(Use(module, node.lineno, _first_line(node)))
        for node in tree.body:
            if alias := _alias(node):
                types[alias].add(Use(module, node.lineno, "an alias"))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _public(node):
                functions[node.name].add(Use(module, node.lineno, _first_line(node)))
    ours = {name for name in types if not name.endswith("Option")}
    for module, tree in trees.items():
        for name, annotation, line in _annotated(tree):
            values[name].add(Use(module, line, annotation))
    found = [Double("type", name, _sorted(uses)) for name, uses in types.items() if _modules(uses) > 1]
    found += [Double("function", name, _sorted(uses)) for name, uses in functions.items() if _modules(uses) > 1]
    found += [Double("value", name, senses) for name, uses in values.items() if (senses := _senses(uses, ours))]
    order = {"type": 0, "function": 1, "value": 2}
    return sorted(found, key=lambda double: (order[double.kind], double.name.lower()))


def _first_line(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return (ast.get_docstring(node) or "").partition("\n")[0]


def _alias(node: ast.stmt) -> str:
    """The name of a type alias: CamelCase, of a union, a subscript or another type."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        return ""
    name = node.targets[0].id
    is_type = isinstance(node.value, ast.Subscript | ast.BinOp | ast.Name | ast.Attribute)
    return name if is_type and re.fullmatch(r"_?[A-Z][a-z]\w*", name) else ""


def _public(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether others may import it; a command or a route is named by what people type."""
    return not node.name.startswith("_") and not any(COMMAND.search(ast.unparse(each)) for each in node.decorator_list)


def _annotated(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """Parameters and fields with their annotations."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            yield node.arg, ast.unparse(node.annotation), node.lineno
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, ast.unparse(node.annotation), node.lineno


def _senses(uses: Iterable[Use], ours: set[str]) -> tuple[Use, ...]:
    """One use a sense, where there are several; else none.

    A sense is the set of our types in an annotation; containers say nothing of it, and plain types are left out.
    """
    by_sense: dict[frozenset[str], Use] = {}
    for use in sorted(uses):
        if sense := frozenset(set(re.findall(r"\w+", use.what)) & ours):
            by_sense.setdefault(sense, use)
    return tuple(sorted(by_sense.values())) if len(by_sense) > 1 else ()


def _modules(uses: Iterable[Use]) -> int:
    return len({use.module for use in uses})


def _sorted(uses: Iterable[Use]) -> tuple[Use, ...]:
    return tuple(sorted(uses))


def planned(glossary: str) -> set[str]:
    """What the glossary's rows `| type `Name`, `Name` | …` plan to rename, as `type Name`."""
    rows = re.findall(r"^\| (type|function) ([^|]+)\|", glossary, re.MULTILINE)
    return {f"{kind} {name}" for kind, names in rows for name in re.findall(r"`(\w+)`", names)}


def complaints(found: Iterable[Double], plan: set[str]) -> Iterator[str]:
    """What `--check` has to say: of types and functions, for values only read."""
    doubled = {f"{double.kind} {double.name}" for double in found if double.kind != "value"}
    for name in sorted(doubled - plan - MEANT.keys()):
        yield f"{name}: stands for two things; rename one, plan it in the glossary, or say in MEANT why it is meant"
    for name in sorted((plan | MEANT.keys()) - doubled):
        yield f"{name}: single by now; take it out of {'MEANT' if name in MEANT else 'the glossary'}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.double_names", description=__doc__)
    parser.add_argument("--all", action="store_true", help="also what is meant, with its reason")
    parser.add_argument("--values", action="store_true", help="also parameters and fields of two types")
    parser.add_argument("--check", action="store_true", help="say only what is neither meant nor planned")
    chosen = parser.parse_args(arguments)
    found = doubles(modules())
    if chosen.check:
        said = list(complaints(found, planned(GLOSSARY.read_text("utf-8"))))
        print(*said, sep="\n", file=sys.stderr, end="\n" if said else "")
        return 1 if said else 0
    left = [double for double in found if not double.meant and (chosen.values or double.kind != "value")]
    for double in [*left, *(double for double in found if chosen.all and double.meant)]:
        print(f"{double.kind} {double.name}" + (f": meant, {double.meant}" if double.meant else ""))
        for use in double.uses:
            print(f"    {use}")
    count = Counter(double.kind for double in left)
    print(", ".join(f"{number} {kind}s" for kind, number in count.items()) + " left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
