"""What Hydra's callback opens before the jobs of a sweep."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from dropout_study.config.schema import ConfigError
from dropout_study.running import start, sweep_jobs
from dropout_study.running.sweep import WORKER_REPLACED, Supervisor, SweepCallback, as_typed

Compose = Callable[..., DictConfig]


def test_that_joblib_replaces_a_grown_worker_is_no_warning(tmp_path: Path) -> None:
    """If this failed, a long study would seem to lose memory and workers."""
    script = tmp_path / "grow.py"
    script.write_text(
        """
import sys, time
from joblib import Parallel, delayed

def grow(megabytes):
    sys.kept = b"x" * 1_000_000 * megabytes
    time.sleep(1.1)  # joblib looks once a second

def sweep():
    Parallel(2)(delayed(grow)(size) for size in (1, 1, 400, 400, 1, 1))

if __name__ == "__main__":
    if "bare" in sys.argv:
        sweep()
    else:
        from dropout_study.running.sweep import supervise
        supervise(sweep, sys.argv)
"""
    )

    def warned(*arguments: str) -> bool:
        done = subprocess.run(
            [sys.executable, str(script), *arguments], check=True, capture_output=True, text=True
        )
        return WORKER_REPLACED in done.stderr

    assert warned("bare")
    assert not warned()


def test_a_sweep_is_opened_once_and_launched_in_packs_at_every_pass(
    composed: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a second pass over a sweep would open it again, or start its conditions one
    by one; or files would be merged anew for every condition.
    """
    loader = GlobalHydra.instance().config_loader()
    cached: list[bool] = []

    def open_start(*_: object) -> nullcontext[SimpleNamespace]:
        cached.append("load_sweep_config" in vars(loader))
        opened = SimpleNamespace(packs_to_launch=lambda: [0, 1], list_next_round=lambda _: None)
        return nullcontext(opened)

    def launch(*_: object) -> None:
        raise ConfigError("it cannot be launched")

    monkeypatch.setattr(start, "Start", open_start)
    monkeypatch.setattr(Supervisor, "running", Supervisor("python train.py"))
    first, second = composed(), composed()
    SweepCallback().on_multirun_start(first)
    SweepCallback().on_multirun_start(second)
    assert first.hydra.overrides.task[-1] == "pack_number=0,1"
    assert second.hydra.overrides.task == first.hydra.overrides.task, "so does a second pass"
    assert cached == [True], "a second pass over the same sweep opens nothing"
    assert "load_sweep_config" in vars(loader), "the jobs themselves are composed once"

    monkeypatch.setattr(sweep_jobs, "launch_packs", launch)
    with pytest.raises(SystemExit, match="cannot be launched"):
        SweepCallback().on_multirun_start(composed())


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["scripts/train.py", "-m"], "python scripts/train.py -m"),
        (["../my copy/scripts/train.py", "-m"], "python '../my copy/scripts/train.py' -m"),
        (["/env/bin/dropout-study", "seeds=[0]"], "python scripts/train.py 'seeds=[0]'"),
        (["/home/commands/train.py"], "python scripts/train.py"),
    ],
)
def test_a_command_line_is_shown_as_it_can_be_typed_again(words: list[str], shown: str) -> None:
    """If this failed, a failed sweep would name a command that does not resume it."""
    assert as_typed(words) == shown
