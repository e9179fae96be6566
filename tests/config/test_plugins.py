"""Plug-ins: how they are found, what they add, and what of them is a part of a condition."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_study.config import choices, condition, names, plugins
from dropout_study.config.composed import composed_run
from dropout_study.config.schema import ConfigError
from dropout_study.config.source import Source
from dropout_study.dropout.noise import NOISES
from support.plugins import taken_back, write_files_of_pages

PLAIN = ["budget=smoke"]
TERM = ["plugins=[my_term]", "regularizer=confidence_penalty"]
STRENGTH = "terms.confidence_penalty.strength"
WINE = ["plugins=[my_data]", "data=npz", "data.file=wine.npz"]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The current folder, with the files of docs/your-own.md and some examples."""
    write_files_of_pages(tmp_path)
    write_examples(tmp_path / "wine.npz")

    with taken_back(tmp_path):
        yield tmp_path


def write_examples(file: Path, **changed: Any) -> None:
    """Write four examples of three numbers and two classes into each part."""
    inputs = np.arange(12.0).reshape(4, 3)
    labels = np.array([0, 1, 0, 1])
    arrays = {f"x_{part}": inputs for part in ("train", "validation", "test")}
    arrays |= {f"y_{part}": labels for part in ("train", "validation", "test")}
    np.savez(file, **arrays | changed)


def rewrite(file: Path, old: str, new: str) -> None:
    """Replace some text of a file, once."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def digest_in_other_process(folder: Path, *typed: str) -> str:
    """The digest of a condition in a process that imports the plug-in anew."""
    code = (
        "import sys; from dropout_study.config.composed import composed_run;"
        "from dropout_study.config.condition import condition_digest;"
        "print(condition_digest(composed_run(sys.argv[1:])))"
    )
    command = [sys.executable, "-c", code, *typed]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.usefixtures("folder")
def test_a_part_is_a_choice_with_typed_options() -> None:
    """If this failed, a network of one's own could not be chosen, swept or checked."""
    config = composed_run(["plugins=[my_network]", "model=residual", "model.blocks=2"])
    assert condition.flat_params(config)["model.blocks"] == "2"
    assert condition.condition_name(config) == "residual blocks 2, digits, 2000 updates"
    assert "model=residual" in choices.list_choices()

    with pytest.raises(ConfigError, match=r"model\.hidden_rate=1\.5 cannot be used"):
        composed_run(["plugins=[my_network]", "model=residual", "model.hidden_rate=1.5"])


def test_parts_of_an_installed_distribution_need_no_word(folder: Path) -> None:
    """If this failed, a package with parts could not be used by its installation alone; or one that
    is broken would be blamed on an option that nobody typed.
    """
    entries = folder / "mine-1.0.dist-info"
    entries.mkdir()
    (entries / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    names = entries / "entry_points.txt"
    names.write_text("[dropout_study.plugins]\nnets = my_network\n")
    assert digest_in_other_process(folder, "model=residual")

    names.write_text("[dropout_study.plugins]\nnets = nowhere\n")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        digest_in_other_process(folder, "model=residual")
    sentence = "the plug-in nets of mine cannot be used: there is no module nowhere in"
    assert sentence in caught.value.stderr


@pytest.mark.usefixtures("folder")
def test_rules_and_metrics_are_names_that_a_list_may_hold() -> None:
    """If this failed, a rule of one's own would be refused as unknown, or a typing mistake not."""
    typed = ["plugins=[my_rule]", "rules=[weight_scaling,median]", "metrics=[top2]"]
    assert composed_run(typed).rules == ["weight_scaling", "median"]
    assert "rules=[median]" in choices.list_choices()

    with pytest.raises(ConfigError, match=r"metrics=top3 cannot be used: .* one of top2"):
        composed_run([*typed, "metrics=[top3]"])


@pytest.mark.usefixtures("folder")
def test_a_strength_of_zero_is_the_condition_without_the_term() -> None:
    """If this failed, networks without a term would be trained twice, under two names."""
    plain = condition.condition_digest(composed_run(PLAIN))
    assert condition.condition_digest(composed_run([*PLAIN, *TERM, f"{STRENGTH}=0"])) == plain
    digests = {
        condition.condition_digest(composed_run([*PLAIN, *TERM, f"{STRENGTH}={strength}"]))
        for strength in (0.1, 0.2)
    }
    assert len(digests | {plain}) == 3


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("strength", ["inf", "nan", "-1.0"])
def test_a_strength_that_is_no_number_is_refused(strength: str) -> None:
    """If this failed, every loss would be infinite, and the run would end as diverged."""
    with pytest.raises(ConfigError, match=f"{STRENGTH}={strength} cannot be used"):
        composed_run([*TERM, f"{STRENGTH}={strength}"])


def test_the_source_is_a_part_of_what_uses_it(folder: Path) -> None:
    """If this failed, results of changed code would count as those of the present code; or a
    comment would train everything anew.
    """
    network = ["plugins=[my_network]", "model=residual"]
    first = digest_in_other_process(folder, *network)
    plain = digest_in_other_process(folder, "plugins=[my_network]")

    rewrite(folder / "my_network.py", '"""A linear layer, blocks h', '"""Blocks h')
    assert digest_in_other_process(folder, *network) == first

    rewrite(folder / "my_network.py", "torch.relu(z)", "torch.tanh(z)")
    assert digest_in_other_process(folder, *network) != first
    assert digest_in_other_process(folder, "plugins=[my_network]") == plain


def test_what_lies_beside_a_module_is_a_part_of_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a change in a file that the plug-in imports would go unnoticed."""
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "beside"
    package.mkdir()
    (package / "__init__.py").write_text("from beside import inner", encoding="utf-8")
    (package / "inner.py").write_text("def f():\n    import deeper", encoding="utf-8")
    (tmp_path / "deeper.py").write_text("import torch", encoding="utf-8")
    (tmp_path / "plain").mkdir()  # a package without __init__.py
    (tmp_path / "plain" / "module.py").write_text("", encoding="utf-8")
    (tmp_path / "unrelated.py").write_text("", encoding="utf-8")
    text = "import beside, numpy\nfrom plain.module import x"
    (tmp_path / "top.py").write_text(text, encoding="utf-8")

    source = Source.read(tmp_path / "top.py")
    assert set(source.texts) == {
        "top.py",
        "beside/__init__.py",
        "beside/inner.py",
        "deeper.py",
        "plain/module.py",
    }

    installed = tmp_path / "site-packages"
    installed.mkdir()
    monkeypatch.syspath_prepend(installed)
    (installed / "top.py").write_text("import neighbour", encoding="utf-8")
    (installed / "neighbour.py").write_text("", encoding="utf-8")
    assert set(Source.read(installed / "top.py").texts) == {"top.py"}


def test_of_a_file_the_content_counts(folder: Path) -> None:
    """If this failed, other data of the same name would count as those that were trained on, or
    the same data elsewhere as others.
    """
    first = condition.condition_digest(composed_run(WINE))
    (folder / "wine.npz").rename(folder / "moved.npz")
    moved = [*WINE[:2], "data.file=moved.npz"]
    assert condition.condition_digest(composed_run(moved)) == first
    assert "npz file moved.npz" in condition.condition_name(composed_run(moved)).replace(",", "")

    write_examples(folder / "moved.npz", x_test=np.ones((4, 3)))
    assert condition.condition_digest(composed_run(moved)) != first


def test_the_content_of_a_file_that_is_not_typed_counts(folder: Path) -> None:
    """If this failed, other data would count as those that were trained on, if their path is a
    default.
    """
    (folder / "my_default.py").write_text(
        "from my_data import Npz\n"
        "from dropout_study.plugin import data_set\n\n\n"
        '@data_set("wine")\n'
        "class Wine(Npz):\n"
        '    """Wines"""\n\n'
        '    file: str = "wine.npz"\n',
        encoding="utf-8",
    )
    typed = ["plugins=[my_default]", "data=wine"]
    first = condition.condition_digest(composed_run(typed))
    write_examples(folder / "wine.npz", x_test=np.ones((4, 3)))
    assert condition.condition_digest(composed_run(typed)) != first


def test_a_data_set_says_what_it_is_by_its_examples(folder: Path) -> None:
    """If this failed, more examples than there are could be asked for, or a missing class."""
    assert composed_run([*WINE, "data.train_size=4"]).data.train_size == 4

    for typed, refused in (
        ("data.train_size=5", "data.train_size must be between 1 and 4"),
        ("data.classes=[1,2]", "different classes of npz, which are 0 to 1"),
        ("data.pool=2", "the examples of npz are no images"),
        ("model=autoencoder", "autoencoder reads images alone"),
        ("data.file=none.npz", f"there is no file {folder}/none.npz"),
    ):
        with pytest.raises(ConfigError, match=refused):
            composed_run([*WINE, typed])

    with pytest.raises(ConfigError, match=r"data.file is missing: say data.file=VALUE"):
        composed_run(WINE[:2])


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"x_test": np.ones((4, 2))}, "inputs of different shapes"),
        ({"x_test": np.ones((4, 3), np.float32)}, "inputs of different types, float32, float64"),
        ({"x_train": np.ones((4, 3, 2))}, r"train inputs are \(4, 3, 2\), not \[N, D\]"),
        ({"x_train": np.ones((4, 3), np.int64)}, "train inputs are int64"),
        ({"x_train": np.full((4, 3), np.nan)}, "train inputs are not all finite"),
        ({"x_validation": np.ones((0, 3))}, "no validation examples"),
        ({"y_test": np.array([0, 1, 0])}, r"test labels are \(3,\), not \(4,\)"),
        ({"y_test": np.array([0.0, 1, 0, 1])}, "test labels are float64"),
        ({"y_test": np.array([0, 1, -1, 1])}, "test labels are not from 0 on"),
    ],
)
def test_examples_that_cannot_be_used_are_refused(
    folder: Path, changed: dict[str, Any], refused: str
) -> None:
    """If this failed, training would end in a traceback, or in networks that learned nonsense."""
    write_examples(folder / "wine.npz", **changed)
    with pytest.raises(ConfigError, match=refused):
        composed_run(WINE)


def test_an_error_in_ones_own_code_is_named(folder: Path) -> None:
    """If this failed, a missing array would be reported without the data set that lacks it."""
    np.savez(folder / "wine.npz", x=np.ones(3))
    with pytest.raises(ConfigError, match="data=npz cannot be read: KeyError"):
        composed_run(WINE)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("", "the module adds nothing"),
        ("import nothing_of_that_name", "importing it fails: ModuleNotFoundError"),
        ("1 / 0", "importing it fails: ZeroDivisionError"),
        ("def f(:", "importing it fails: SyntaxError"),
        (
            "from dropout_study.plugin import *\n@network('mlp')\nclass A(Architecture): pass",
            "model=mlp of broken cannot be added: the project has that name already",
        ),
        (
            "from dropout_study.plugin import *\n@metric('nll')\ndef f(p, y): pass",
            "metrics=nll of broken cannot be added: the project has that name already",
        ),
        (
            "from dropout_study.plugin import *\n@metric('top 2')\ndef f(p, y): pass",
            "metrics=top 2 of broken cannot be added: a name has letters, digits and _ alone",
        ),
        (
            "from dropout_study.plugin import *\n@metric('a')\ndef f(p, y): pass\n"
            "@metric('a')\ndef g(p, y): pass",
            "metrics=a of broken cannot be added: broken has that name already",
        ),
        (
            "from dropout_study.plugin import *\n@network('a')\nclass A(Architecture):\n"
            "    sizes: tuple = (1, 2)",
            "model=a of broken cannot be added: the option sizes is none of these",
        ),
        (
            "from dropout_study.plugin import *\n@data_set('a')\nclass A: pass",
            "A must be a subclass of DataSet",
        ),
        (
            "from dropout_study.plugin import *\n@network('a')\nclass A(Architecture):\n"
            "    size: complex = 1j",
            "model=a of broken cannot be added: .*Options are numbers, texts",
        ),
        (
            "from dropout_study.plugin import *\n@noise('a')\nclass A(Gaussian):\n"
            "    def strength(self, rates, device):\n        return lambda n, dtype: n.to(dtype)",
            "mask.name=a of broken cannot be added: at rate 0 it changes units",
        ),
        (
            "from dropout_study.plugin import *\n@noise('a')\nclass A(Noise): pass",
            "mask.name=a of broken cannot be added: NotImplementedError",
        ),
    ],
)
def test_a_module_that_cannot_be_used_is_refused(folder: Path, text: str, refused: str) -> None:
    """If this failed, a mistake in a plug-in would end in a traceback of Hydra."""
    (folder / "broken.py").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=refused):
        plugins.load(["broken"])


@pytest.mark.usefixtures("folder")
def test_a_module_that_is_missing_is_refused() -> None:
    """If this failed, a typing mistake would be reported as an unknown choice."""
    with pytest.raises(ConfigError, match="there is no module my_dat in"):
        plugins.load(["my_dat"])

    for typed in ("plugins=my_data", "plugins=[my_data],[my_term]", "plugins=[1]"):
        with pytest.raises(ConfigError, match="must be a list of modules"):
            plugins.typed_plugins([typed])


def test_two_modules_cannot_have_one_name(folder: Path) -> None:
    """If this failed, which of two networks is trained would depend on the order of imports."""
    plugins.load(["my_network"])
    text = (folder / "my_network.py").read_text(encoding="utf-8")
    (folder / "copy_of_it.py").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="my_network has that name already"):
        plugins.load(["copy_of_it"])


def test_processes_that_are_started_find_it(folder: Path) -> None:
    """If this failed, the workers of a launcher could not import what the sweep was given."""
    plugins.load(["my_term"])
    assert str(folder) in os.environ["PYTHONPATH"].split(os.pathsep)
    command = [sys.executable, "-c", "import my_term"]
    subprocess.run(command, cwd="/", check=True)


def test_options_may_be_enums_paths_and_texts(folder: Path) -> None:
    """If this failed, an option that Hydra accepts would end in a traceback when it is recorded."""
    (folder / "kinds.py").write_text(
        "from enum import Enum\nfrom pathlib import Path\n"
        "from dropout_study.plugin import Architecture, network\n"
        "class Kind(Enum):\n    A = 1\n    B = 2\n"
        "@network('kinds')\nclass Kinds(Architecture):\n"
        "    kind: Kind = Kind.A\n    place: Path = Path('x')\n    text: str = 'a, b'\n",
        encoding="utf-8",
    )
    plain = composed_run(["plugins=[kinds]", "model=kinds"])
    other = composed_run(["plugins=[kinds]", "model=kinds", "model.kind=B", "model.place=y"])
    assert condition.condition_digest(plain) != condition.condition_digest(other)
    assert condition.condition_name(plain) == "kinds, digits, 2000 updates"
    assert condition.condition_name(other).startswith("kinds kind B place y, digits")
    assert condition.flat_params(other)["model.kind"] == "B"


def test_a_default_of_ones_own_keeps_what_a_base_says_of_an_option(folder: Path) -> None:
    """If this failed, a bound or the content of a file would be forgotten in a subclass."""
    (folder / "bases.py").write_text(
        "from dataclasses import dataclass\n"
        "from dropout_study.plugin import *\n"
        "@network('first')\nclass First(Architecture):\n    rate: float = option(0.5, RATE)\n"
        "    sizes: list[int] = option([2, 3], SIZE)\n"
        "@network('second')\nclass Second(First):\n    rate: float = 0.2\n"
        "@network('third')\n@dataclass\nclass Third(First):\n    rate: float = 0.3\n",
        encoding="utf-8",
    )
    for name in ("first", "second", "third"):
        with pytest.raises(ConfigError, match=r"model\.rate=1\.5 cannot be used"):
            composed_run(["plugins=[bases]", f"model={name}", "model.rate=1.5"])

        with pytest.raises(ConfigError, match=r"model\.sizes=\[0\] cannot be used"):
            composed_run(["plugins=[bases]", f"model={name}", "model.sizes=[0]"])


def test_a_plugin_may_import_others(folder: Path) -> None:
    """If this failed, several parts could not be named together."""
    (folder / "all_parts.py").write_text("import my_term, my_rule", encoding="utf-8")
    typed = ["plugins=[all_parts]", "rules=[weight_scaling,median]"]
    assert composed_run(typed).rules == ["weight_scaling", "median"]


def test_a_part_belongs_to_the_module_that_adds_it(folder: Path) -> None:
    """If this failed, a change in the plug-in would go unnoticed where a helper made the part."""
    helper = (
        "def top(k):\n    def values(log_probs, labels):\n        return k\n    return values\n"
    )
    (folder / "helpers.py").write_text(helper, encoding="utf-8")
    text = "from dropout_study.plugin import metric\nimport helpers\nmetric('top3')(helpers.top(3))"
    (folder / "tops.py").write_text(text, encoding="utf-8")
    typed = ["plugins=[tops]", "metrics=[top3]"]
    first = digest_in_other_process(folder, *typed)
    rewrite(folder / "tops.py", "helpers.top(3)", "helpers.top(5)")
    assert digest_in_other_process(folder, *typed) != first


def test_a_module_that_is_imported_again_has_its_new_source(folder: Path) -> None:
    """If this failed, a plug-in that is reloaded in a notebook would count as its former code."""
    typed = ["plugins=[my_network]", "model=residual"]
    first = condition.condition_digest(composed_run(typed))
    rewrite(folder / "my_network.py", "torch.relu(z)", "torch.tanh(2 * z)")
    importlib.reload(sys.modules["my_network"])
    assert condition.condition_digest(composed_run(typed)) != first


@pytest.mark.usefixtures("folder")
def test_noise_that_keeps_its_contract_can_be_chosen() -> None:
    """If this failed, the noise of the page could not be trained with."""
    assert composed_run(["plugins=[my_noise]", "mask.name=laplace"]).mask.name == "laplace"


def test_what_a_test_imports_is_taken_back(tmp_path: Path) -> None:
    """If this failed, a kind of noise would be left over, and other tests fail by their order."""
    before = list(NOISES), list(names.NOISES)
    write_files_of_pages(tmp_path)

    with taken_back(tmp_path):
        plugins.load(["my_noise"])
        assert "laplace" in NOISES

    assert (list(NOISES), list(names.NOISES)) == before
