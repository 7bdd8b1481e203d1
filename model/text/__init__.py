"""Tokenizers as layers of the graph, and the learning of their vocabularies.

The tokenizer that training uses is the one that is exported: there is no second implementation to keep equal.
"""

from model.text.splitting import normalize
from model.text.tokenizers import Tokenizer, make_tokenizer, needs_vocabulary, num_ids
from model.text.tokens import FIRST_WORD_ID, PADDING_ID, UNSEEN_ID, Tokens
from model.text.vocabulary import learn_vocabulary

__all__ = [
    "FIRST_WORD_ID",
    "PADDING_ID",
    "UNSEEN_ID",
    "Tokenizer",
    "Tokens",
    "learn_vocabulary",
    "make_tokenizer",
    "needs_vocabulary",
    "normalize",
    "num_ids",
]
