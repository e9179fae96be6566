"""Measurements on a trained cohort besides its error; each probe serves one or a few claims."""

from dropout_study.evaluation.probes import (
    bags,
    corruption,
    ensemble,
    enumeration,
    removal,
    timing,
    units,
)
from dropout_study.evaluation.probes.findings import Finding, Findings, Probe, Probed

PROBES = {
    "enumeration": Probe(enumeration.enumeration, enumeration.FINDINGS, enumerates=True),
    "bags": Probe(bags.bags, bags.FINDINGS),
    "removal": Probe(removal.removal, removal.FINDINGS),
    "ensemble": Probe(ensemble.ensemble, ensemble.FINDINGS),
    "units": Probe(units.units, units.FINDINGS, hidden=True),
    "corruption": Probe(corruption.corruption, corruption.FINDINGS),
    "timing": Probe(timing.timing, timing.FINDINGS),
}

__all__ = ["PROBES", "Finding", "Findings", "Probe", "Probed"]
