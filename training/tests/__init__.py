"""Tests of the training code: `python -m unittest discover -t . -s training/tests`."""
