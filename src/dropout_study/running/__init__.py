"""From a command line to recorded runs: what is missing is trained, whatever was interrupted."""
