"""Tests of simlearn.cli."""
