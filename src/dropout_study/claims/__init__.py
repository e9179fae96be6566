"""The claims of section 7.12: one module each, with its statement, criterion and estimate."""

from dropout_study.analysis.claim import Claim, Group
from dropout_study.claims.arithmetic_ensemble import ArithmeticEnsemble
from dropout_study.claims.bagging import Bagging
from dropout_study.claims.beyond.boosting import Boosting
from dropout_study.claims.beyond.early_dropout import EarlyDropout
from dropout_study.claims.beyond.fast_dropout import FastDropout
from dropout_study.claims.beyond.gaussian_masks import GaussianMasks
from dropout_study.claims.beyond.hidden_noise import HiddenNoise
from dropout_study.claims.beyond.large_data import LargeData
from dropout_study.claims.beyond.linear_regression import LinearRegression
from dropout_study.claims.beyond.multiplicative import Multiplicative
from dropout_study.claims.beyond.scaling_beats_sampling import ScalingBeatsSampling
from dropout_study.claims.beyond.untied_ensembles import UntiedEnsembles
from dropout_study.claims.capacity import Capacity
from dropout_study.claims.co_adaptation import CoAdaptation
from dropout_study.claims.cost import Cost
from dropout_study.claims.dataset_size import DatasetSize
from dropout_study.claims.ensemble_gain import EnsembleGain
from dropout_study.claims.geometric_ensemble import GeometricEnsemble
from dropout_study.claims.independent_units import IndependentUnits
from dropout_study.claims.mc_samples import MonteCarloSamples
from dropout_study.claims.regularizers import Regularizers
from dropout_study.claims.robustness import Robustness
from dropout_study.claims.subnetworks import Subnetworks
from dropout_study.claims.weight_scaling_approximate import WeightScalingApproximate
from dropout_study.claims.weight_scaling_exact import WeightScalingExact

ALL: tuple[Claim, ...] = (
    Subnetworks(),
    ArithmeticEnsemble(),
    GeometricEnsemble(),
    WeightScalingExact(),
    WeightScalingApproximate(),
    Cost(),
    Bagging(),
    MonteCarloSamples(),
    Regularizers(),
    Capacity(),
    DatasetSize(),
    IndependentUnits(),
    EnsembleGain(),
    CoAdaptation(),
    Robustness(),
    ScalingBeatsSampling(),
    LinearRegression(),
    Boosting(),
    HiddenNoise(),
    GaussianMasks(),
    UntiedEnsembles(),
    Multiplicative(),
    FastDropout(),
    LargeData(),
    EarlyDropout(),
)
"""In the order of section 7.12, those beyond the notes last."""
NOTES = tuple(claim for claim in ALL if claim.group is not Group.BEYOND)
BEYOND = tuple(claim for claim in ALL if claim.group is Group.BEYOND)
FAMILIES = (NOTES, BEYOND)
"""Each has a table of verdicts of its own, and its p values are adjusted apart: claims that join
one leave the verdicts of the other as they are."""
CLAIMS: dict[str, Claim] = {claim.id: claim for claim in ALL}
STUDIES = list(dict.fromkeys(study for claim in ALL for study in claim.studies))
"""The studies that claims read, in the order of the claims."""
