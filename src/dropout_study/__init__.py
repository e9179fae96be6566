"""Dropout, claim by claim: what section 7.12 of *Deep Learning* says, measured."""
