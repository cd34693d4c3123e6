"""Vectors of images: computing them, searching them, and giving them to scikit-learn."""

from tamis.features.extraction import (
    Chunk,
    FeatureTable,
    Progress,
    Reading,
    available_processors,
    chunks,
    combine,
    describe_chunks,
    extract,
    extract_several,
)

__all__ = [
    "Chunk",
    "FeatureTable",
    "Progress",
    "Reading",
    "available_processors",
    "chunks",
    "combine",
    "describe_chunks",
    "extract",
    "extract_several",
]
