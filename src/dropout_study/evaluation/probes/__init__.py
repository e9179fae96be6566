"""What can be measured on a trained cohort besides its error: each probe serves one or a few claims."""

from collections.abc import Callable

from dropout_study.evaluation.probes.bags import bags
from dropout_study.evaluation.probes.corruption import corruption
from dropout_study.evaluation.probes.ensemble import ensemble
from dropout_study.evaluation.probes.enumeration import enumeration
from dropout_study.evaluation.probes.findings import Findings, Probed
from dropout_study.evaluation.probes.removal import removal
from dropout_study.evaluation.probes.timing import timing
from dropout_study.evaluation.probes.units import units

PROBES: dict[str, Callable[[Probed], Findings]] = {
    "enumeration": enumeration,
    "bags": bags,
    "removal": removal,
    "ensemble": ensemble,
    "units": units,
    "corruption": corruption,
    "timing": timing,
}

__all__ = ["PROBES", "Findings", "Probed"]
