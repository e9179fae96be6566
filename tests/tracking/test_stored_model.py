"""A cohort as MLflow's model."""

from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch
from mlflow.models import Model

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import MLP, LeNet, Network
from dropout_study.dropout.rules import weight_scaling
from dropout_study.tracking.stored_model import save_model

NETWORKS = {
    "mlp": MLP(36, 4, [6, 5], hidden_rate=0.5),
    "lenet": LeNet(10, dropout="all"),
    "softmax": MLP(9, 3, input_rate=0.2),
}


@pytest.fixture(autouse=True)
def without_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow opens nothing that holds a pickle."""
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_model_predicts_what_the_cohort_predicts(
    name: str, dtype: torch.dtype, tmp_path: Path
) -> None:
    """If this failed, what a user opens would not be what was evaluated, or run code of a file."""
    network: Network = NETWORKS[name]
    cohort = Cohort(network, [0, 3]).to(dtype)
    inputs = network.sites[0].shape[0]
    save_model(cohort, classifies=True, inputs=torch.rand(5, inputs), folder=tmp_path / "model")
    model = mlflow.pytorch.load_model(str(tmp_path / "model"))

    for examples in (1, 2, 7):
        x = torch.rand(examples, inputs)
        expected = weight_scaling(cohort, x.to(dtype)).transpose(0, 1)
        predicted = model(x)
        assert predicted.dtype == torch.float32
        torch.testing.assert_close(predicted, expected.float(), atol=1e-6, rtol=1e-5)


def test_a_model_says_what_it_takes_and_gives(tmp_path: Path) -> None:
    """If this failed, nobody could serve it, or know which networks it holds."""
    cohort = Cohort(NETWORKS["mlp"], [0, 3])

    for _ in range(2):  # a run that is carried out again replaces it
        save_model(cohort, classifies=True, inputs=torch.rand(5, 36), folder=tmp_path / "model")

    saved = Model.load(str(tmp_path / "model"))
    assert saved.signature.inputs.inputs[0].shape == (-1, 36)
    assert saved.signature.outputs.inputs[0].shape == (-1, 2, 4)
    assert saved.metadata == {"seeds": [0, 3]}
    example = saved.load_input_example(str(tmp_path / "model"))
    served = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(example)
    assert served.shape == (2, 2, 4)
    np.testing.assert_allclose(np.exp(served).sum(-1), 1, rtol=1e-5)
    requirements = (tmp_path / "model" / "requirements.txt").read_text()
    assert "torch==" in requirements
    assert "dropout" not in requirements


def test_a_model_of_an_autoencoder_gives_pixels(tmp_path: Path) -> None:
    """If this failed, its images would be log odds, or probabilities over the pixels."""
    cohort = Cohort(MLP(9, 9, [4]), [1])
    save_model(cohort, classifies=False, inputs=torch.rand(2, 9), folder=tmp_path / "model")
    x = torch.rand(3, 9)
    predicted = mlflow.pytorch.load_model(str(tmp_path / "model"))(x)
    torch.testing.assert_close(predicted, cohort(x).sigmoid().transpose(0, 1))
