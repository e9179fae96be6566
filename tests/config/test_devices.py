"""The GPUs and the number of jobs at once."""

import pytest

from dropout_study.config import devices
from dropout_study.config.devices import gpus, listed_gpus, named_gpus, workers

WHOLE = "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-6482a92e-d06b-dc68-c272-e3d8f7ecabbf)"
OTHER = "GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)"
PARTS = [
    "  MIG 3g.20gb     Device  0: (UUID: MIG-c7384736-a75d-5afc-978f-d2f1294409fd)",
    "  MIG 1g.5gb Device 1: (UUID: MIG-GPU-6482a92e-d06b-dc68-c272-e3d8f7ecabbf/8/0)",
]


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ([], []),
        (["No devices found."], []),
        (
            [WHOLE, OTHER],
            [
                "GPU-6482a92e-d06b-dc68-c272-e3d8f7ecabbf",
                "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77",
            ],
        ),
        (
            [WHOLE, *PARTS, OTHER],
            [
                "MIG-c7384736-a75d-5afc-978f-d2f1294409fd",
                "MIG-GPU-6482a92e-d06b-dc68-c272-e3d8f7ecabbf/8/0",
                "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77",
            ],
        ),
    ],
    ids=["nothing", "no devices", "two", "one of them divided"],
)
def test_gpus_are_found_in_the_list_of_the_driver(lines: list[str], names: list[str]) -> None:
    """If this failed, a GPU would stay idle, or jobs be sent to one that cannot be used whole."""
    assert listed_gpus("\n".join(lines)) == names


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("0", ["0"]),
        ("2, 0", ["2", "0"]),
        ("0,2,-1,1", ["0", "2"]),
        ("GPU-8932f937,MIG-GPU-8932f937/1/2", ["GPU-8932f937", "MIG-GPU-8932f937/1/2"]),
    ],
)
def test_only_gpus_that_are_visible_count(
    monkeypatch: pytest.MonkeyPatch, visible: str, names: list[str]
) -> None:
    """If this failed, jobs would use GPUs that others have been given, or fail without one."""
    monkeypatch.setenv(devices.VISIBLE, visible)
    assert gpus() == names == named_gpus(visible)


def test_as_many_jobs_run_at_once_as_gpus_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a job per core would crowd one GPU, or a GPU change a sweep on processors."""
    monkeypatch.setattr(devices, "cores", lambda: 5)
    monkeypatch.setenv(devices.VISIBLE, "0,1,2")
    assert [workers("auto", 1), workers("gpu", 2), workers("cpu", 2)] == [3, 6, 5]
    monkeypatch.setenv(devices.VISIBLE, "-1")
    assert [workers("auto", 1), workers("gpu", 2), workers("cpu", 2)] == [5, 5, 5]
