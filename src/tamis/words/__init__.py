"""Words: which pictures show what a few words name, by networks that know a thousand things."""

from tamis.words.relevance import NETWORKS, Answer, find_by_words, labels
from tamis.words.sentences import sentence_vectors

__all__ = ["NETWORKS", "Answer", "find_by_words", "labels", "sentence_vectors"]
