"""Trains the small multilingual model that Glimpse bundles, and draws its demo library."""
