"""Classifiers: features of labelled images in, a probability per class out."""
