"""Measurements on a trained cohort besides its error; each probe serves one or a few claims."""

from dropout_study.data.batches import EVALUATION_BATCH
from dropout_study.dropout.fast_dropout import check_fast_dropout
from dropout_study.evaluation import sample_sizes
from dropout_study.evaluation.probes import (
    bags,
    corruption,
    divergence,
    ensemble,
    enumeration,
    halves,
    interactions,
    moments,
    removal,
    ridge,
    subnetworks,
    timing,
    units,
)
from dropout_study.evaluation.probes.findings import Finding, Findings, Probe, Probed

PROBES = {
    "enumeration": Probe(
        enumeration.enumeration, enumeration.FINDINGS, enumerates=True, images=enumeration.IMAGES
    ),
    "bags": Probe(bags.bags, bags.FINDINGS),
    "removal": Probe(removal.removal, removal.FINDINGS, check=removal.check_removable),
    "ensemble": Probe(ensemble.ensemble, ensemble.FINDINGS),
    "units": Probe(units.units, units.FINDINGS, hidden=True),
    "corruption": Probe(corruption.corruption, corruption.FINDINGS),
    "corruption_by_kind": Probe(corruption.corruption_by_kind, corruption.FINDINGS_BY_KIND),
    "timing": Probe(timing.timing, timing.FINDINGS, images=EVALUATION_BATCH),
    "subnetworks": Probe(subnetworks.subnetworks, subnetworks.FINDINGS, sampled=True),
    "interactions": Probe(
        interactions.interactions,
        interactions.FINDINGS,
        hidden=True,
        images=sample_sizes.INTERACTION_IMAGES,
    ),
    "halves": Probe(halves.halves, halves.FINDINGS, hidden=True, check=removal.check_removable),
    "divergence": Probe(divergence.divergence, divergence.FINDINGS, enumerates=True),
    "moments": Probe(moments.moments, moments.FINDINGS, enumerates=True, check=check_fast_dropout),
    "ridge": Probe(
        ridge.ridge,
        ridge.FINDINGS,
        enumerates=True,
        images=ridge.IMAGES,
        check=ridge.check_dropped_inputs,
    ),
}

__all__ = ["PROBES", "Finding", "Findings", "Probe", "Probed"]
