"""Words: which pictures show what a few words name, by networks that know a thousand things."""

from tamis.words.relevance import NETWORKS, Answer, WordIndex, labels
from tamis.words.sentences import sentence_vectors

__all__ = ["NETWORKS", "Answer", "WordIndex", "labels", "sentence_vectors"]
