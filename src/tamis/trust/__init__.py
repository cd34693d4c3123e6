"""Trust: how far answers can be believed, and promises about them that are kept."""
