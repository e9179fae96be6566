"""The mathematics, torch alone: a mask is an argument, and a rule averages subnetworks."""
