"""Measured Post: an experiment in, a published page out; every number on it comes from the run."""
