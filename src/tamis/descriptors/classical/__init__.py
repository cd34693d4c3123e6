"""Descriptors computed from pixels by published formulas: one file each, and their kernels."""
