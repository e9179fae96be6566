"""How the source is laid out and how densely it is written: `python docs/measure.py [FOLDER]`.

Prints the packages and the arrows between them, the length of functions, syntax nodes per line of
code, blank and comment lines inside bodies, long lines, and private names of dependencies.
"""

import ast
import io
import statistics
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

COLUMNS = 100  # of a line that is not long
DENSITY_FROM = 6  # lines of code from which the density of a body is counted
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def main(folder: Path) -> None:
    """Measure every module below a folder and print one line per measure."""
    texts = {file: file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.py"))}
    trees = {file: ast.parse(text) for file, text in texts.items()}

    print_packages(folder, trees)
    print_bodies([body for file, tree in trees.items() for body in bodies(tree, texts[file])])
    print_lines([line for text in texts.values() for line in text.splitlines()])
    print_uses(list(trees.values()))


def print_packages(folder: Path, trees: dict[Path, ast.Module]) -> None:
    """Print each package with its number of modules and the packages that it imports."""
    modules: Counter[str] = Counter()
    arrows: dict[str, set[str]] = {}

    for file, tree in trees.items():
        package = file.relative_to(folder).with_suffix("").parts[0]
        if package != "__init__":
            modules[package] += 1
            arrows.setdefault(package, set()).update(own_imports(tree, folder.name))
            arrows[package].discard(package)

    total = sum(modules.values())
    count = sum(map(len, arrows.values()))
    print(f"packages                       {len(modules)}, {total} modules, {count} arrows")

    for package in sorted(modules):
        print(f"    {package} ({modules[package]}) -> {', '.join(sorted(arrows[package]))}")


def own_imports(tree: ast.Module, name: str) -> Iterator[str]:
    """The packages of the project that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            root, *parts = str(node.module).split(".")

            if root == name and parts:
                yield parts[0]
            elif root == name:
                yield from (alias.name for alias in node.names)


class Body:
    """The body of a function without its docstring.

    Attributes:
        code: lines that hold code.
        blank: other lines between the first and the last, blank or comment.
        nodes: syntax nodes.
    """

    def __init__(self, function: ast.FunctionDef, code_lines: set[int]) -> None:
        has_docstring = ast.get_docstring(function) is not None
        statements = function.body[1:] if has_docstring else function.body
        first = function.body[0].lineno

        if has_docstring:
            first = int(function.body[0].end_lineno or first) + 1

        lines = set(range(first, int(function.end_lineno or first) + 1))
        self.code = len(lines & code_lines)
        self.blank = len(lines - code_lines)
        self.nodes = sum(1 for statement in statements for _ in ast.walk(statement))


def bodies(tree: ast.Module, text: str) -> Iterator[Body]:
    """The bodies of all functions that hold more than a docstring."""
    code_lines = lines_of_code(text)

    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            body = Body(node, code_lines)
            if body.code:
                yield body


def lines_of_code(text: str) -> set[int]:
    """Numbers of the lines that hold more than comment and layout."""
    lines: set[int] = set()

    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in LAYOUT:
            lines.update(range(token.start[0], token.end[0] + 1))

    return lines


def print_bodies(measured: Sequence[Body]) -> None:
    """Print length and density of the bodies of functions."""
    code = [body.code for body in measured]
    density = [body.nodes / body.code for body in measured if body.code >= DENSITY_FROM]
    blank = sum(body.blank for body in measured)
    share = blank / (blank + sum(code))

    print(f"functions                      {len(measured)}")
    print(f"lines of code in a body        {spread(code)}")
    print(f"syntax nodes per code line     {spread(density)}   (bodies of {DENSITY_FROM}+ lines)")
    print(f"blank or comment lines         {share:.1%}   (inside bodies)")


def spread(values: Sequence[float]) -> str:
    """Median and ninth decile."""
    deciles = statistics.quantiles(values, n=10)
    return f"{statistics.median(values):.1f} median, {deciles[8]:.1f} at 90 %"


def print_lines(lines: Sequence[str]) -> None:
    """Print how many lines are long."""
    long = sum(len(line) > COLUMNS for line in lines)
    print(f"lines over {COLUMNS} columns          {long} of {len(lines)}")


def print_uses(trees: Iterable[ast.Module]) -> None:
    """Print assignments of several names at once, and private names of dependencies."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    private = Counter(name for node in nodes for name in private_names(node))

    print(f"tuple assignments              {sum(map(is_tuple_assignment, nodes))}")
    print(f"private names of dependencies  {private.total()}")

    for name, count in sorted(private.items()):
        print(f"    {name} ({count})")


def is_tuple_assignment(node: ast.AST) -> bool:
    """Whether a statement assigns several values to as many names."""
    if not isinstance(node, ast.Assign):
        return False

    return isinstance(node.value, ast.Tuple) and isinstance(node.targets[0], ast.Tuple)


def private_names(node: ast.AST) -> Iterator[str]:
    """A private module that is imported, or a private attribute of anything but the own object."""
    if isinstance(node, ast.ImportFrom) and any(map(is_private, str(node.module).split("."))):
        yield str(node.module)

    if isinstance(node, ast.Attribute) and is_private(node.attr) and not is_own(node.value):
        yield ast.unparse(node)


def is_private(name: str) -> bool:
    """Whether a name is private by its spelling; `_replace` of named tuples and its kin are not."""
    public = ("_replace", "_asdict", "_fields")
    return name.startswith("_") and not name.endswith("_") and name not in public


def is_own(owner: ast.expr) -> bool:
    """Whether an expression is the object or the class that a method belongs to."""
    return isinstance(owner, ast.Name) and owner.id in ("self", "cls")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "src/dropout_study"))
