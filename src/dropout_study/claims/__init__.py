"""The claims of section 7.12, one module each."""

from dropout_study.analysis.claim import Claim
from dropout_study.claims import (
    arithmetic_ensemble,
    bagging,
    capacity,
    co_adaptation,
    cost,
    dataset_size,
    ensemble_gain,
    geometric_ensemble,
    independent_units,
    mc_samples,
    regularizers,
    robustness,
    subnetworks,
    weight_scaling_approximate,
    weight_scaling_exact,
)

CLAIMS: dict[str, Claim] = {
    module.CLAIM.id: module.CLAIM
    for module in (
        subnetworks,
        arithmetic_ensemble,
        geometric_ensemble,
        weight_scaling_exact,
        weight_scaling_approximate,
        cost,
        bagging,
        mc_samples,
        regularizers,
        capacity,
        dataset_size,
        independent_units,
        ensemble_gain,
        co_adaptation,
        robustness,
    )
}
