"""What `tamis evaluate` does: one file per kind of score."""
