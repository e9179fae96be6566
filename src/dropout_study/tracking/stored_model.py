"""A cohort as a model of MLflow, which opens where this package is not installed.

Of the formats that MLflow knows, `pt2` needs the least trust. It is a graph of operations that
`torch.export` has traced, with the weights as plain bytes; the other one pickles the network, and
runs code of the file when it is opened. MLflow refuses a file of the first kind that holds a pickle
if `MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false` is set.
"""

import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import cast

import mlflow.pytorch
import numpy as np
import torch
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from torch import Tensor, nn

from dropout_study.dropout.cohort import Cohort

EXAMPLES = 2
"""Inputs that are stored with a model. One alone would fix the size of a batch in its graph."""


class Predictor(nn.Module):
    """The predictions of every network of a cohort by the weight scaling rule, a row per example.

    Args:
        cohort: the networks; they are copied, to the CPU.
        classifies: whether they predict classes, and not the pixels of an image.
    """

    def __init__(self, cohort: Cohort, classifies: bool) -> None:
        super().__init__()
        self.cohort = cohort.part(range(len(cohort.seeds))).cpu()
        self.classifies = classifies

    def forward(self, x: Tensor) -> Tensor:
        """Log-probabilities `[N, R, C]`, or pixels `[N, R, D]` in [0, 1], in float32.

        Args:
            x: inputs `[N, D]`, pixels in [0, 1].
        """
        outputs = self.cohort(x.to(next(self.parameters()).dtype))
        predicted = outputs.log_softmax(-1) if self.classifies else outputs.sigmoid()

        return cast("Tensor", predicted.float().transpose(0, 1))


@torch.no_grad()
def save_model(cohort: Cohort, classifies: bool, inputs: Tensor, folder: Path) -> None:
    """Write the model of a cohort into a folder, as `mlflow.pytorch.load_model` reads it.

    Args:
        cohort: the networks.
        classifies: whether they predict classes, and not the pixels of an image.
        inputs: examples `[N, D]`, of which the first are stored with the model.
        folder: what it holds is replaced.
    """
    predictor = Predictor(cohort, classifies).eval()
    example = inputs[:EXAMPLES].float().cpu()
    predicted = predictor(example)

    shutil.rmtree(folder, ignore_errors=True)
    mlflow.pytorch.save_model(
        predictor,
        folder,
        signature=ModelSignature(_rows(example.shape[1:]), _rows(predicted.shape[1:])),
        input_example=example.numpy(),
        serialization_format="pt2",
        # Otherwise MLflow would open the model in another process to find out what it imports.
        pip_requirements=[f"torch=={version('torch')}"],
        metadata={"seeds": list(cohort.seeds)},
    )


def _rows(shape: Sequence[int]) -> Schema:
    """Any number of float32 rows of a shape."""
    return Schema([TensorSpec(np.dtype("float32"), (-1, *shape))])
