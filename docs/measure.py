"""How the source is laid out and how densely it is written: `python docs/measure.py [FOLDER]`.

Prints the packages and the arrows between them, the length of functions, syntax nodes per line of
code, blank and comment lines inside bodies, long lines, and private attributes of dependencies.
"""

import ast
import io
import statistics
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

COLUMNS = 100
DENSE = 6  # lines of code from which the density of a body is counted


def main(folder: Path) -> None:
    """Measure every module below a folder and print one line per measure."""
    sources = {file: file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.py"))}
    trees = {file: ast.parse(text) for file, text in sources.items()}
    bodies = [body for file, tree in trees.items() for body in function_bodies(tree, sources[file])]
    report_packages(folder, trees)

    code = [body.code_lines for body in bodies]
    dense = [body.nodes / body.code_lines for body in bodies if body.code_lines >= DENSE]
    blank = sum(body.other_lines for body in bodies)
    print(f"functions                      {len(bodies)}")
    print(f"lines of code in a body        {spread(code)}")
    print(f"syntax nodes per code line     {spread(dense)}   (bodies of {DENSE} lines or more)")
    print(f"blank or comment lines         {blank / (blank + sum(code)):.1%}   (inside bodies)")

    lines = [line for text in sources.values() for line in text.splitlines()]
    long = sum(len(line) > COLUMNS for line in lines)
    print(f"lines over {COLUMNS} columns          {long} of {len(lines)}")

    tuples = sum(is_tuple_assignment(node) for tree in trees.values() for node in ast.walk(tree))
    print(f"tuple assignments              {tuples}")

    private = Counter(use for file, tree in trees.items() for use in private_uses(tree))
    print(f"private names of dependencies  {sum(private.values())}")

    for use, count in sorted(private.items()):
        print(f"    {use} ({count})")


class Body:
    """The body of a function without its docstring and without functions inside it.

    Attributes:
        code_lines: lines that hold a token of code.
        other_lines: blank lines and lines of comment between the first and the last of these.
        nodes: syntax nodes.
    """

    def __init__(self, function: ast.FunctionDef, code: set[int]) -> None:
        statements = function.body[ast.get_docstring(function) is not None :]
        first = function.body[0].lineno if statements else function.lineno
        last = function.end_lineno or function.lineno
        docstring = set()

        if ast.get_docstring(function) is not None:
            docstring = set(range(first, (function.body[0].end_lineno or first) + 1))

        span = set(range(first, last + 1)) - docstring
        self.code_lines = len(span & code)
        self.other_lines = len(span - code)
        self.nodes = sum(1 for statement in statements for _ in ast.walk(statement))


def function_bodies(tree: ast.Module, text: str) -> Iterator[Body]:
    """The bodies of all functions that have any code besides a docstring."""
    code = lines_of_code(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            body = Body(node, code)
            if body.code_lines:
                yield body


def lines_of_code(text: str) -> set[int]:
    """Numbers of the lines that hold a token which is neither a comment nor layout."""
    layout = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    lines: set[int] = set()

    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in layout:
            lines.update(range(token.start[0], token.end[0] + 1))

    return lines


def report_packages(folder: Path, trees: dict[Path, ast.Module]) -> None:
    """Print each package with its modules, and the packages that it imports."""
    modules: Counter[str] = Counter()
    arrows: dict[str, set[str]] = {}

    for file, tree in trees.items():
        package = package_of(file.relative_to(folder).with_suffix("").parts)
        modules[package] += 1

        for imported in own_imports(tree, folder.name):
            if imported != package:
                arrows.setdefault(package, set()).add(imported)

    count = sum(map(len, arrows.values()))
    print(
        f"packages                       {len(modules)}, {sum(modules.values())} modules, {count} arrows"
    )

    for package, number in sorted(modules.items()):
        print(f"    {package} ({number}) -> {', '.join(sorted(arrows.get(package, ())))}")


def package_of(parts: tuple[str, ...]) -> str:
    """The package of a module: the first part of its path."""
    return parts[0]


def own_imports(tree: ast.Module, name: str) -> Iterator[str]:
    """The packages of the project that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == name:
            parts = (node.module or "").split(".")[1:]
            if parts:
                yield parts[0]
            else:
                yield from (alias.name for alias in node.names)


def is_tuple_assignment(node: ast.AST) -> bool:
    """Whether a statement assigns several values to as many names at once."""
    assigns = isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
    return assigns and isinstance(node.targets[0], ast.Tuple)


def private_uses(tree: ast.Module) -> Iterator[str]:
    """Private modules that are imported, and private attributes of anything but the own object.

    Names that end with an underscore, too, are public by agreement, as `_replace` of named tuples.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and is_private(*(node.module or "").split(".")):
            yield str(node.module)

        if isinstance(node, ast.Attribute) and is_private(node.attr) and not is_own(node.value):
            yield ast.unparse(node)


def is_private(*names: str) -> bool:
    """Whether one of some names is private by its spelling."""
    public = ("_replace", "_asdict", "_fields")
    return any(name[:1] == "_" and name[-1:] != "_" and name not in public for name in names)


def is_own(owner: ast.expr) -> bool:
    """Whether an expression is the object or the class that a method belongs to."""
    return isinstance(owner, ast.Name) and owner.id in ("self", "cls")


def spread(values: list[int] | list[float]) -> str:
    """Median and ninth decile."""
    tenths = statistics.quantiles(values, n=10)
    return f"{statistics.median(values):.1f} median, {tenths[8]:.1f} at 90 %"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "src/dropout_study"))
