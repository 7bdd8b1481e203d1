"""ModelSpec as data."""

from __future__ import annotations

from pathlib import Path

import pydantic
import pytest

from model.errors import SpecError
from model.signature import explain_inputs, explain_outputs, network_inputs, serving_inputs, serving_outputs
from model.spec import ConcatenateMerge, ModelSpec
from model.spec.model import Branch, View

IMAGE = {"input": "photo", "pooling": "max", "units": 7, "activation": "gelu", "dropout": 0.4}
STACK = {**IMAGE, "color": "grey", "normalization": "none"}
TOKENS = {"input": "title", "dimension": 4, "units": 6, "activation": "tanh", "dropout": 0.3, "token_dropout": 0.05}
WORDS = {"kind": "words", "vocabulary_size": 100, "min_count": 2, "max_tokens": 9}

# Every kind, and every argument set to something other than its default.
BRANCHES = {
    "conv": {**STACK, "filters": [3, 5], "kernel_size": 5, "pool": 3},
    "inception": {**STACK, "filters": [3, 5], "kernel_sizes": [1, 5], "pool": 3},
    "residual": {**STACK, "filters": [3, 5], "blocks": 1, "stem_stride": 1},
    "pretrained": {**IMAGE, "network": "MobileNetV2", "weights": "/some/w.weights.h5", "trainable_blocks": 2},
    "embedding": {**TOKENS, "tokenizer": WORDS, "vectors": "/some/glove.txt", "pooling": "attention"},
    "convolution": {
        **TOKENS,
        "tokenizer": {"kind": "wordpiece", "vocabulary_size": 90, "min_count": 2, "max_tokens": 9},
        "vectors": None,
        "filters": 5,
        "kernel_sizes": [1, 2],
    },
    "recurrent": {
        **TOKENS,
        "tokenizer": {"kind": "characters", "vocabulary_size": 90, "min_count": 2, "max_tokens": 9},
        "vectors": None,
        "cell": "lstm",
        "hidden": 5,
        "bidirectional": False,
        "pooling": "mean",
    },
    "transformer": {
        **TOKENS,
        "tokenizer": {"kind": "word_ngrams", "sizes": [1, 3], "buckets": 50, "max_tokens": 9},
        "vectors": None,
        "blocks": 1,
        "attention_heads": 2,
        "feed_forward": 9,
        "pooling": "max",
    },
    "tags": {**TOKENS, "input": "tags", "vocabulary_size": 9, "min_count": 2, "max_tokens": 8, "pooling": "sum"},
}
MERGES = {
    "concatenate": {},
    "multiply": {"units": 8},
    "gated": {"units": 8},
    "film": {"condition": "tags"},
    "bilinear": {"units": 8, "factors": 3, "dropout": 0.3},
    "cross_attention": {"units": 8, "attention_heads": 2, "dropout": 0.3},
}
FULL = {
    "inputs": {
        "photo": {"kind": "image", "height": 32, "width": 48, "fit": "stretch"},
        "back": {"kind": "image", "branch_of": "photo"},
        "title": {"kind": "text"},
        "tags": {"kind": "tags", "delimiter": ";"},
    },
    "branches": {name: {"kind": name, **keys} for name, keys in BRANCHES.items()},
    "merge": {"kind": "gated", "units": 8},
    "trunk": {"units": [8, 4], "activation": "tanh", "dropout": 0.1},
    "heads": {
        "topic": {
            "kind": "single_label",
            "labels": ["news", "sport"],
            "of": None,
            "units": [5],
            "last_layer_of": None,
            "loss_weight": 2.0,
            "label_smoothing": 0.1,
            "class_weights": "balanced",
            "focal_gamma": 2.0,
            "auxiliary_weight": 0.4,
        },
        "tone": {
            "kind": "single_label",
            "labels": ["news", "sport"],
            "of": "conv",
            "units": [5],
            "last_layer_of": "topic",
        },
        "marks": {"kind": "multi_label", "labels": ["a"], "delimiter": ";", "of": "conv.back"},
    },
}
SMALL = {
    "inputs": {"front": {"kind": "image"}, "title": {"kind": "text"}},
    "branches": {"front": {"kind": "conv"}, "title": {"kind": "embedding"}},
    "heads": {"topic": {"kind": "single_label"}},
}


def spec_of(**changes: object) -> ModelSpec:
    return ModelSpec.parse({**SMALL, **changes}, what="spec")


def test_a_spec_survives_json() -> None:
    spec = ModelSpec.parse(FULL, what="spec")

    assert ModelSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize("kind", BRANCHES)
def test_every_argument_of_a_branch_is_kept(kind: str) -> None:
    branch = ModelSpec.parse(FULL, what="spec").branches[kind]

    assert branch.model_dump(mode="json") == {"kind": kind, **BRANCHES[kind]}
    defaults = type(branch).model_fields
    unchanged = [key for key in BRANCHES[kind] if getattr(branch, key) == defaults[key].default]
    assert unchanged in ([], ["vectors"])


@pytest.mark.parametrize("kind", MERGES)
def test_every_argument_of_a_merge_is_kept(kind: str) -> None:
    merge = ModelSpec.parse({**FULL, "merge": {"kind": kind, **MERGES[kind]}}, what="spec").merge

    assert merge.model_dump(mode="json") == {"kind": kind, **MERGES[kind]}


def test_every_kind_of_branch_is_looked_at_here() -> None:
    kinds = {part.model_fields["kind"].default for part in Branch.__args__[0].__args__}  # type: ignore[attr-defined]

    assert kinds == set(BRANCHES)


def test_a_spec_is_frozen() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        spec_of().trunk.units = (3,)  # type: ignore[misc]


def test_a_branch_reads_the_input_of_its_name_unless_told_another() -> None:
    spec = spec_of(branches={"front": {"kind": "conv"}, "words": {"kind": "embedding", "input": "title"}})

    assert [spec.input_of(name) for name in spec.branches] == ["front", "title"]


def test_an_input_that_shares_a_branch_is_a_view_of_its_own_and_takes_over_the_size() -> None:
    spec = ModelSpec.parse(FULL, what="spec")

    assert spec.inputs["back"].model_dump() == {**spec.inputs["photo"].model_dump(), "branch_of": "photo"}
    assert spec.views[:2] == (View("conv", "photo", "conv"), View("conv", "back", "conv.back"))


def test_a_spec_of_some_inputs_keeps_what_can_do_with_those() -> None:
    part = ModelSpec.parse(FULL, what="spec").only(["tags"])

    assert list(part.inputs) == list(part.branches) == ["tags"]
    assert part.merge == ConcatenateMerge()
    assert list(part.heads) == ["topic"]
    assert part.heads["topic"].auxiliary_weight == 0


def test_a_head_loses_a_last_layer_that_is_left_out() -> None:
    heads = {
        "topic": {"kind": "single_label", "of": "title"},
        "tone": {"kind": "single_label", "of": "front", "last_layer_of": "topic"},
    }
    part = spec_of(merge=None, heads=heads).only(["front"])

    assert part.heads["tone"].last_layer_of is None


def test_inputs_that_no_head_can_do_with_alone_are_told() -> None:
    heads = {"topic": {"kind": "single_label", "of": "title"}, "tone": {"kind": "single_label", "of": "front"}}
    spec = spec_of(merge=None, heads=heads)

    assert spec.has_heads_for(["front"])
    assert not spec.has_heads_for([])


def test_film_falls_back_to_another_condition_when_its_own_is_left_out() -> None:
    spec = ModelSpec.parse({**FULL, "merge": {"kind": "film", "condition": "tags"}}, what="spec")

    assert spec.only(["title"]).merge.condition is None


def test_labels_can_be_filled_in_later() -> None:
    assert spec_of().with_labels({"topic": ("dry", "warm")}).heads["topic"].labels == ("dry", "warm")


def test_a_portable_spec_has_no_path_and_no_auxiliary_head() -> None:
    spec = ModelSpec.parse(FULL, what="spec").portable()

    assert spec.branches["pretrained"].weights == Path("w.weights.h5")
    assert spec.branches["embedding"].vectors == Path("glove.txt")
    assert spec.heads["topic"].auxiliary_weight == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": {**SMALL["inputs"], "back": {"kind": "image", "branch_of": "fron"}}},
         r"^spec\.inputs\.back\.branch_of: no other input 'fron'; did you mean 'front'\?"),
        ({"inputs": {**SMALL["inputs"], "back": {"kind": "image", "branch_of": "front", "height": 32}}},
         r"^spec\.inputs\.back: it shares the branch of 'front', so kind, size"),
        ({"inputs": {**SMALL["inputs"], "back": {"kind": "text", "branch_of": "front"}}}, r"inputs\.back"),
        ({"inputs": {**SMALL["inputs"], "back": {"kind": "image", "branch_of": "front"}, "side": {"kind": "image", "branch_of": "back"}}},
         r"^spec\.inputs\.side\.branch_of: 'back' has no branch of its own, it shares that of 'front'; name that one"),
        ({"inputs": {**SMALL["inputs"], "tags": {"kind": "tags"}}}, r"^spec\.inputs\.tags: no branch reads it"),
        ({"inputs": {**SMALL["inputs"], "a_target": {"kind": "tags"}}}, r"^spec\.inputs\.a_target: names ending in"),
        ({"inputs": {**SMALL["inputs"], "tags": {"kind": "tags"}}, "branches": {**SMALL["branches"], "tags": {"kind": "embedding"}}},
         r"^spec\.branches\.tags: a branch of kind 'embedding' reads a text, but 'tags' is tags\. Use kind 'tags'\."),
        ({"branches": {**SMALL["branches"], "title": {"kind": "tags"}}},
         r"^spec\.branches\.title: a branch of kind 'tags' reads tags, but 'title' is text\. Use kind 'embedding'\."),
        ({"branches": {**SMALL["branches"], "trunk": {"kind": "conv", "input": "front"}}}, r"^spec\.branches\.trunk: the name is kept"),
        ({"branches": {**SMALL["branches"], "front": {"kind": "pretrained", "network": "Mobilenet_v2"}}},
         r"^spec\.branches\.front\.network: keras\.applications has no network 'Mobilenet_v2'; did you mean 'MobileNetV2'\?"),
        ({"branches": {**SMALL["branches"], "front": {"kind": "pretrained", "network": "Xception"}}},
         r"^spec\.branches\.front\.network: Xception takes pictures of at least 71 pixels, but 'front' has only 64"),
        ({"branches": {**SMALL["branches"], "front": {"kind": "residual", "filters": [4] * 7}}},
         r"^spec\.branches\.front\.filters: 7 stages with stem_stride 2 shrink a picture 128 times, but 'front' has only 64"),
        ({"branches": {**SMALL["branches"], "front": {"kind": "inception", "kernel_sizes": [3, 3]}}},
         r"^spec\.branches\.front\.kernel_sizes: each size once; received \[3, 3\]"),
        ({"branches": {**SMALL["branches"], "title": {"kind": "embedding", "tokenizer": {"kind": "wordpeace"}}}},
         r"^spec\.branches\.title\.tokenizer\.kind: no kind 'wordpeace'; did you mean 'wordpiece'\?"),
        ({"branches": {**SMALL["branches"], "title": {"kind": "embedding", "vectors": "v.txt", "tokenizer": {"kind": "characters"}}}},
         r"^spec\.branches\.title: vectors are of words; they need tokenizer 'words', not 'characters'"),
        ({"branches": {**SMALL["branches"], "title": {"kind": "transformer", "dimension": 10, "attention_heads": 4}}},
         r"^spec\.branches\.title: dimension 10 can't be divided among 4 attention_heads evenly"),
        ({"branches": {**SMALL["branches"], "more": {"kind": "conv", "input": "front"}}, "merge": {"kind": "dot"}},
         r"^spec\.merge: dot takes exactly 2 vectors\. Received 3: front, title, more"),
        ({"inputs": {"title": {"kind": "text"}}, "branches": {"title": {"kind": "embedding"}}, "merge": {"kind": "gated"}},
         r"^spec\.merge: gated takes at least 2 vectors, and there is only 'title'"),
        ({"merge": {"kind": "film", "condition": "titel"}}, r"^spec\.merge\.condition: no branch 'titel'; did you mean 'title'\?"),
        ({"merge": {"kind": "film", "conditon": "title"}}, r"^spec\.merge: unknown key 'conditon'; did you mean 'condition'\?"),
        ({"merge": None}, r"^spec\.merge: head 'topic' reads the merged vector; give a merge"),
        ({"merge": None, "heads": {"topic": {"kind": "single_label", "of": "title"}}}, r"^spec\.branches\.front: no head reads it"),
        ({"heads": {"topic": {"kind": "single_label", "of": "title"}}}, r"^spec\.merge: no head reads the merged vector"),
        ({"heads": {"topic": {"kind": "single_label", "of": "titel"}, "b": {"kind": "single_label"}}},
         r"^spec\.heads\.topic\.of: no branch 'titel'; did you mean 'title'\?"),
        ({"heads": {"title": {"kind": "single_label"}}}, r"^spec\.heads\.title: a branch or a part of every model has that name"),
        ({"heads": {"topic": {}}}, r"^spec\.heads\.topic\.kind: missing; say which kind it is"),
        ({"heads": {"topic": {"kind": "single_label", "labels": ["a"]}}}, r"1 label; expected at least 2\. Received: \['a'\]"),
        ({"heads": {"topic": {"kind": "single_label", "of": "title", "auxiliary_weight": 1}, "b": {"kind": "single_label"}}},
         r"^spec\.heads\.topic\.auxiliary_weight: it reads the only vector there is for it"),
        ({"heads": {"topic": {"kind": "single_label"}, "b": {"kind": "single_label", "last_layer_of": "topik", "units": [4]}}},
         r"^spec\.heads\.b\.last_layer_of: no other head 'topik'; did you mean 'topic'\?"),
        ({"heads": {"topic": {"kind": "single_label"}, "b": {"kind": "single_label", "last_layer_of": "topic"}}},
         r"^spec\.heads\.b\.last_layer_of: it would answer what 'topic' answers"),
        ({"heads": {"topic": {"kind": "single_label"}, "b": {"kind": "single_label", "last_layer_of": "topic", "units": [5]}}},
         r"^spec\.heads\.b\.last_layer_of: the last layer of 'topic' takes 96 features, this head gives 5"),
        ({"heads": {"topic": {"kind": "single_label"}, "b": {"kind": "multi_label", "last_layer_of": "topic", "units": [96]}}},
         r"^spec\.heads\.b\.last_layer_of: heads with one last layer have the same kind and labels"),
        ({"heads": {"topic": {"kind": "single_label", "focal_gamma": -1}}}, r"^spec\.heads\.topic\.focal_gamma: .* Received: -1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_named_with_its_path(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        spec_of(**changes)


def test_the_signature_follows_from_the_spec() -> None:
    spec = spec_of(inputs={**SMALL["inputs"], "back": {"kind": "image", "branch_of": "front"}}).with_labels(
        {"topic": ("a", "b")}
    )
    taken = {name: (info.dtype, info.shape) for name, info in explain_inputs(spec).items()}
    image = ("uint8", (None, 64, 64, 3))
    flag = ("bool", (None,))

    assert taken == {
        "front": image,
        "front_present": flag,
        "title": ("string", (None,)),
        "title_present": flag,
        "back": image,
        "back_present": flag,
        "topic_target": ("int32", (None,)),
    }
    assert list(serving_inputs(spec)) == [name for name in taken if name != "topic_target"]
    assert serving_outputs(spec)["topic"].shape == (None, 2)
    assert {name: info.shape for name, info in explain_outputs(spec).items()} == {
        "front.heatmap": (None, 64, 64),
        "back.heatmap": (None, 64, 64),
        "title.tokens": (None, None),
        "title.weights": (None, None),
        "shares": (None, 3),
        "probability": (None,),
        "baseline": (None,),
    }


def test_the_network_takes_tokens_of_every_view_where_the_signature_takes_strings() -> None:
    inputs = {**SMALL["inputs"], "note": {"kind": "text", "branch_of": "title"}}
    taken = network_inputs(spec_of(inputs=inputs))

    presences = {"front_present", "title_present", "note_present"}
    assert set(taken) == {"front", "title.tokens", "title.note.tokens"} | presences
    assert taken["title.note.tokens"].dtype == "int32"


def test_a_tokenizer_and_a_merge_may_be_a_name_alone() -> None:
    branches = {"front": {"kind": "conv"}, "title": {"kind": "embedding", "tokenizer": "characters"}}
    spec = spec_of(branches=branches, merge="gated")

    assert spec.merge.kind == "gated"
    assert spec.branches["title"].tokenizer.kind == "characters"
    with pytest.raises(SpecError, match=r"^spec\.merge\.kind: no kind 'gatd'; did you mean 'gated'\?"):
        spec_of(merge="gatd")


@pytest.mark.parametrize("wrong", [["front"], {}, 3])
def test_an_input_to_share_with_is_a_name(wrong: object) -> None:
    with pytest.raises(SpecError, match=r"inputs\.back"):
        spec_of(inputs={**SMALL["inputs"], "back": {"kind": "image", "branch_of": wrong}})


def test_the_only_head_of_a_branch_that_is_not_there_is_told_so() -> None:
    with pytest.raises(SpecError, match=r"^spec\.heads\.topic\.of: no branch 'frnt'; did you mean 'front'\?"):
        spec_of(heads={"topic": {"kind": "single_label", "of": "frnt"}})
