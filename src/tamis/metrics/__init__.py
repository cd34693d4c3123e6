"""Figures of merit: answers or rankings in, numbers out."""
