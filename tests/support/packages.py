"""The floors of the packages, and what each may import from outside."""

FLOORS = {
    "dropout": 1,
    "config": 1,
    "system": 1,
    "measures": 2,
    "data": 2,
    "training": 3,
    "tracking": 3,
    "evaluation": 4,
    "plugin": 4,
    "analysis": 4,
    "claims": 5,
    "report": 6,
    "running": 7,
    "notebooks": 7,
    "commands": 8,
    "benchmark": 8,
}
"""A package imports only from packages with a smaller number."""
OUTSIDE = {
    "dropout": {"torch"},
    "config": {"hydra", "omegaconf", "sqlalchemy", "yaml", "joblib", "numpy"},
    "system": {"filelock", "psutil", "tqdm"},
    "measures": {"numpy", "scipy", "torch"},
    "data": {"mnist1d", "numpy", "sklearn", "torch", "torchvision"},
    "training": {"pytorch_lightning", "torch", "tqdm"},
    "tracking": {"alembic", "mlflow", "numpy", "sqlalchemy", "torch"},
    "evaluation": {"torch"},
    "plugin": {"omegaconf", "torch"},
    "analysis": {"matplotlib", "mlflow", "numpy", "pandas", "pyarrow", "scipy"},
    "claims": {"matplotlib", "numpy", "pandas", "torch"},
    "report": {"jinja2", "matplotlib", "mlflow", "pandas", "rich", "torch", "yaml"},
}
"""What a package may import besides the standard library; the top floors may import all."""
