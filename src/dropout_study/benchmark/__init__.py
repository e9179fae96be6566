"""Speed, as ratios: this project beside other libraries and the limit of the machine."""
