"""What a classifier is: its inputs, branches, merge and heads. Plain frozen data, without TensorFlow."""

from model.spec.heads import THRESHOLD, Head, MultiLabelHead, SingleLabelHead
from model.spec.image_branches import ConvBranch, ImageBranch, InceptionBranch, PretrainedBranch, ResidualBranch
from model.spec.inputs import ImageInput, Input, TagsInput, TextInput
from model.spec.merges import (
    BilinearMerge,
    ConcatenateMerge,
    CrossAttentionMerge,
    DotMerge,
    ElementwiseMerge,
    FilmMerge,
    GatedMerge,
    Merge,
    SubtractMerge,
)
from model.spec.model import Branch, ModelSpec, Trunk, View
from model.spec.names import Activation, Name, Rate
from model.spec.token_branches import (
    ConvolutionBranch,
    EmbeddingBranch,
    RecurrentBranch,
    TagsBranch,
    TextBranch,
    TokenBranch,
    TransformerBranch,
)
from model.spec.tokenizers import (
    CharacterNgramsTokenizer,
    CharactersTokenizer,
    HashedTokenizer,
    LearnedTokenizer,
    Tokenizer,
    WordNgramsTokenizer,
    WordpieceTokenizer,
    WordsTokenizer,
)

__all__ = [
    "THRESHOLD",
    "Activation",
    "BilinearMerge",
    "Branch",
    "CharacterNgramsTokenizer",
    "CharactersTokenizer",
    "ConcatenateMerge",
    "ConvBranch",
    "ConvolutionBranch",
    "CrossAttentionMerge",
    "DotMerge",
    "ElementwiseMerge",
    "EmbeddingBranch",
    "FilmMerge",
    "GatedMerge",
    "HashedTokenizer",
    "Head",
    "ImageBranch",
    "ImageInput",
    "InceptionBranch",
    "Input",
    "LearnedTokenizer",
    "Merge",
    "ModelSpec",
    "MultiLabelHead",
    "Name",
    "PretrainedBranch",
    "Rate",
    "RecurrentBranch",
    "ResidualBranch",
    "SingleLabelHead",
    "SubtractMerge",
    "TagsBranch",
    "TagsInput",
    "TextBranch",
    "TextInput",
    "TokenBranch",
    "Tokenizer",
    "TransformerBranch",
    "Trunk",
    "View",
    "WordNgramsTokenizer",
    "WordpieceTokenizer",
    "WordsTokenizer",
]
