"""Threads: none spins, and small updates have one."""

import os
import subprocess
import sys

import pytest
import torch
from hydra import compose, initialize_config_dir

from dropout_study.dropout.networks import MLP, LeNet, Network
from dropout_study.running import command_line
from dropout_study.system.processes import SHARED_THREADS
from dropout_study.training.threads import as_many_threads_as_pay, operations
from support.paths import CONF, ROOT

STOP_AT_TORCH = """
import os, runpy, sys

class Stop:
    def find_spec(self, name, *_):
        if name in ("torch", "dropout_study"):
            sys.exit(f"{name} is loaded with {os.environ.get('OMP_WAIT_POLICY')}")

sys.meta_path.insert(0, Stop())
runpy.run_path(sys.argv[1])
"""


@pytest.mark.parametrize("script", ["exactness.py", "benchmark.py"])
def test_a_script_that_loads_torch_at_once_waits_passively(script: str) -> None:
    """If this failed, its threads would spin on the cores of whatever else is running."""
    command = [sys.executable, "-c", STOP_AT_TORCH, str(ROOT / "scripts" / script)]
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith("is loaded with passive")


@pytest.mark.parametrize(("set_by_user", "found"), [(None, "passive"), ("active", "active")])
def test_the_other_scripts_and_their_workers_wait_passively_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, set_by_user: str | None, found: str
) -> None:
    """If this failed, training beside other work would take five to ten times as long."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    environment |= {"OMP_WAIT_POLICY": set_by_user} if set_by_user else {}
    monkeypatch.setattr(os, "environ", environment)
    seen: list[str] = []
    command_line.run(lambda: seen.append(environment["OMP_WAIT_POLICY"]))
    assert seen == [found]


def test_workers_on_a_cluster_that_runs_already_wait_passively(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, Ray's workers, which do not inherit the environment, would spin."""
    for name, value in (("OMP_WAIT_POLICY", "passive"), ("MLFLOW_TRACKING_URI", "http://there")):
        monkeypatch.setenv(name, value)

    overrides = ["hydra/launcher=ray"]

    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("train", overrides, return_hydra_config=True)

    variables = composed.hydra.launcher.ray.init.runtime_env.env_vars
    assert variables.OMP_WAIT_POLICY == "passive"


@pytest.mark.parametrize(
    ("network", "products"),
    [
        (MLP(784, 10, [64, 32]), 784 * 64 + 64 * 32 + 32 * 10),
        (LeNet(10), 25 * 20 * 24 * 24 + 25 * 20 * 50 * 8 * 8 + 800 * 500 + 500 * 10),
    ],
    ids=["mlp", "lenet"],
)
def test_operations_are_those_of_every_place_of_every_network(
    network: Network, products: int
) -> None:
    """If this failed, large nets would be trained with one thread."""
    assert operations(network, networks=3, batch=7) == 6 * 7 * 3 * products


@pytest.mark.parametrize(
    ("width", "found", "shared", "threads"),
    [(16, None, None, 1), (4096, None, None, 3), (16, "3", None, 3), (16, "3", "3", 1)],
    ids=["small", "large", "set by the user", "set by a sweep"],
)
def test_a_small_update_has_one_thread_unless_the_user_has_set_the_number(
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    found: str | None,
    shared: str | None,
    threads: int,
) -> None:
    """If this failed, small nets would pay for threads that gain nothing, or a setting would be
    overruled.
    """
    for variable, value in (("OMP_NUM_THREADS", found), (SHARED_THREADS, shared)):
        monkeypatch.delenv(variable, raising=False)
        if value:
            monkeypatch.setenv(variable, value)

    before = torch.get_num_threads()
    torch.set_num_threads(3)

    try:
        with as_many_threads_as_pay(MLP(784, 10, [width]), networks=1, batch=100):
            assert torch.get_num_threads() == threads
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
