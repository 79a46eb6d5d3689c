"""Measured Post: an experiment in, a published page out; every number on it comes from the run."""

__version__ = "0.2.0"
