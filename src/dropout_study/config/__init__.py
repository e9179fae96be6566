"""What can be set: the schema of conf/, its checks, conditions and studies. Hydra and OmegaConf alone."""
