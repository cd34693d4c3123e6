"""How good answers and rankings are: classification, retrieval, comparison of descriptors."""
