"""How fast: this project beside its peers and beside the limit of the machine."""
