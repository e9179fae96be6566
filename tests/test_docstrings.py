"""The examples in docstrings run and print what they say."""

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import dropout_study

LEAST_EXAMPLES = 45  # docstrings with an example that the package has at least
MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(dropout_study.__path__, "dropout_study.")
]


def examples(module: ModuleType) -> list[doctest.DocTest]:
    """The docstrings of a module with an example."""
    return [test for test in doctest.DocTestFinder().find(module) if test.examples]


WITH_EXAMPLES = [module for module in MODULES if examples(module)]


@pytest.mark.parametrize("module", WITH_EXAMPLES, ids=lambda module: module.__name__)
def test_the_examples_of_a_module_print_what_they_say(module: ModuleType) -> None:
    """If this failed, a user who copies an example would see something else, or an error."""
    failed, attempted = doctest.testmod(module)
    assert attempted
    assert not failed, "see the output above"


def test_there_are_examples() -> None:
    """If this failed, the search for examples would find none of them, or many would be gone."""
    count = sum(len(examples(module)) for module in WITH_EXAMPLES)
    assert count >= LEAST_EXAMPLES
