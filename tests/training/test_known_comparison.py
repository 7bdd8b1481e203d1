"""The verdict of a comparison that goes along with a model."""

from __future__ import annotations

import json
from pathlib import Path

from training.known_comparison import folder, known_comparison


def write(runs: Path, heads: dict[str, str]) -> None:
    folder(runs, "shop").mkdir(parents=True)
    found = {
        name: {"metric": "accuracy", "verdict": {"kind": "helps", "sentences": [sentence, "And so on."]}}
        for name, sentence in heads.items()
    }
    text = json.dumps({"manifest_sha256": "12ab", "heads": found})
    (folder(runs, "shop") / "compare.json").write_text(text)


def test_the_verdict_on_the_same_rows_is_known(tmp_path: Path) -> None:
    write(tmp_path, {"kind": "Merging helps."})

    assert known_comparison(tmp_path, "shop", manifest_sha256="12ab") == {
        "sentence": "Merging helps. And so on.",
        "heads": {"kind": {"kind": "helps", "metric": "accuracy"}},
    }


def test_each_of_several_heads_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"kind": "Merging helps.", "colour": "It does not."})
    found = known_comparison(tmp_path, "shop", manifest_sha256="12ab")

    assert found is not None
    assert found["sentence"] == "kind: Merging helps. And so on. colour: It does not. And so on."


def test_of_other_rows_or_a_broken_file_nothing_is_known(tmp_path: Path) -> None:
    assert known_comparison(tmp_path, "shop", manifest_sha256="12ab") is None
    write(tmp_path, {"kind": "Merging helps."})
    assert known_comparison(tmp_path, "shop", manifest_sha256="34cd") is None
    (folder(tmp_path, "shop") / "compare.json").write_text("{")
    assert known_comparison(tmp_path, "shop", manifest_sha256="12ab") is None
