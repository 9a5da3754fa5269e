"""Designs compared."""
