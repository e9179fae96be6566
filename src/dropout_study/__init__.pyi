# The names that `import dropout_study` offers; each is loaded when it is first used.
from .dropout.any_model import monte_carlo as monte_carlo
from .dropout.any_model import subnetworks as subnetworks
from .dropout.any_model import weight_scaling as weight_scaling
from .dropout.dropout_layers import dropout_rates as dropout_rates
from .dropout.ensemble import Ensemble as Ensemble
from .measures.metrics import brier as brier
from .measures.metrics import disagreement as disagreement
from .measures.metrics import errors as errors
from .measures.metrics import mutual_information as mutual_information
from .measures.metrics import nll as nll
from .measures.metrics import predictive_entropy as predictive_entropy
from .measures.statistics import Estimate as Estimate
from .measures.statistics import crossed as crossed
from .measures.statistics import holm as holm
from .measures.statistics import interval as interval
from .measures.statistics import over_seeds as over_seeds
