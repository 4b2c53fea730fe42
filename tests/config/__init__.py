"""Tests of simlearn.config."""
