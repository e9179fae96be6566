"""The mathematics: masks, networks, cohorts and the rules that average subnetworks. Torch alone."""
