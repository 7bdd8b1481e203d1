"""From the body of a request to examples."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from typing import Any

import pytest
from starlette.datastructures import FormData, UploadFile

from model.errors import MalformedError, RequestError, TooLargeError
from model.examples import Example
from model.spec import ModelSpec
from service.intake.inputs import field_names, from_form, from_json
from service.settings import Settings
from tests.service.stand_in import SPEC

SETTINGS = Settings(max_text_characters=30, max_instances=3)
PICTURE = base64.b64encode(b"any bytes").decode()


def spec_of(**kinds: str) -> ModelSpec:
    """A spec with inputs of these names and kinds."""
    branches = {"image": {"kind": "conv", "filters": [2]}, "text": {"kind": "embedding"}, "tags": {"kind": "tags"}}
    return ModelSpec.parse(
        {
            "inputs": {name: {"kind": kind} for name, kind in kinds.items()},
            "branches": {name: branches[kind] for name, kind in kinds.items()},
            "heads": {"colour": {"kind": "single_label", "labels": ["blue", "red"]}},
        },
        what="spec",
    )


def read(body: Any, spec: ModelSpec = SPEC) -> list[Example]:
    """The examples of a JSON body, given as text or as what is to be dumped."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return from_json(raw, spec, SETTINGS)


def read_form(*parts: tuple[str, str | UploadFile], spec: ModelSpec = SPEC) -> Example:
    return asyncio.run(from_form(FormData(parts), spec, SETTINGS))


def file(data: bytes, name: str = "file") -> UploadFile:
    return UploadFile(io.BytesIO(data), size=len(data), filename=name)


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        (
            {"photo": "image", "title": "text", "labels": "tags"},
            {
                "photo": "photo",
                "image": "photo",
                "title": "title",
                "text": "title",
                "caption": "title",
                "labels": "labels",
                "tags": "labels",
            },
        ),
        ({"front": "image", "back": "image"}, {"front": "front", "back": "back"}),
        ({"title": "text", "text": "text"}, {"title": "title", "text": "text"}),
        (
            {"title": "text", "caption": "tags"},
            {"title": "title", "text": "title", "caption": "caption", "tags": "caption"},
        ),
    ],
    ids=["one of each", "two pictures have no alias", "two texts have no alias", "an input keeps its own name"],
)
def test_a_field_is_named_as_its_input_or_its_kind_if_that_is_clear(
    kinds: dict[str, str], names: dict[str, str]
) -> None:
    assert field_names(spec_of(**kinds)) == names


def test_a_form_gives_pictures_as_bytes_and_words_as_text() -> None:
    example = read_form(("image", file(b"any bytes")), ("caption", "a mug"), ("tags", file("größe,rot".encode())))

    assert example == {"image": b"any bytes", "text": "a mug", "tags": "größe,rot"}


def test_a_file_field_that_a_browser_left_empty_is_absent() -> None:
    assert read_form(("image", file(b"", name="")), ("text", "a mug")) == {"text": "a mug"}


def test_an_empty_file_with_a_name_is_kept_so_that_decoding_refuses_it() -> None:
    assert read_form(("image", file(b"", name="mug.jpg"))) == {"image": b""}


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            ("imgae", file(b"x")),
            r"^The model has no input 'imgae'; did you mean 'image'\? Valid: caption, image, tags, text\.",
        ),
        (("image", "mug.jpg"), r"^'image' is a picture; expected a file part .*curl -F image=@FILE"),
        (("text", file(b"\xff\xfe")), r"^'text' is a text, but what was sent for it is not UTF-8"),
        (("caption", "again"), r"^'text' is given twice; expected one value an input"),
        (("tags", "\ud800"), r"^'tags' holds half of a surrogate pair"),
    ],
)
def test_a_part_that_cannot_be_read_is_refused(part: tuple[str, Any], message: str) -> None:
    parts = [("text", "a mug"), part] if part[0] == "caption" else [part]
    with pytest.raises(RequestError, match=message):
        read_form(*parts)


@pytest.mark.parametrize("blank", ["", "  \t\n", "\u3000"])
def test_a_form_in_which_every_input_is_absent_is_refused(blank: str) -> None:
    with pytest.raises(RequestError, match=r"^Every input is absent; expected at least one of: image, text, tags\.$"):
        read_form(("text", blank), ("tags", blank))


@pytest.mark.parametrize(
    "body",
    [{"text": "a mug"}, [{"text": "a mug"}], {"instances": [{"text": "a mug"}]}],
    ids=["object", "list", "instances"],
)
def test_json_is_an_object_a_list_or_instances(body: Any) -> None:
    assert read(body) == [{"text": "a mug"}]


def test_instances_keep_their_order() -> None:
    assert read([{"text": "one"}, {"tags": ["two", "2"]}, {"caption": "three"}]) == [
        {"text": "one"},
        {"tags": "two,2"},
        {"text": "three"},
    ]


@pytest.mark.parametrize("value", [PICTURE, f"data:image/png;base64,{PICTURE}", f"data:;base64,{PICTURE}"])
def test_a_picture_in_json_is_base64_or_a_data_url(value: str) -> None:
    assert read({"image": value}) == [{"image": b"any bytes"}]


def test_null_and_an_empty_list_of_tags_are_absent() -> None:
    assert read({"image": None, "text": "a mug", "tags": []}) == [{"text": "a mug", "tags": ""}]


def test_instances_can_be_the_name_of_an_input() -> None:
    assert read({"instances": "many mugs"}, spec_of(instances="text")) == [{"instances": "many mugs"}]


def test_what_is_not_json_is_malformed() -> None:
    with pytest.raises(MalformedError, match=r"^The body is not JSON: "):
        read(b'{"text": "a mug"')


def test_json_nested_deeper_than_the_setting_is_too_large() -> None:
    with pytest.raises(TooLargeError, match="nested deeper than 32 objects and lists"):
        read(b'{"text": ' + b"[" * 32 + b"]" * 32 + b"}")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"5", "^Expected an object with a value for each input. Received: a number"),
        (b"null", "Received: null"),
        (b'"a mug"', "Received: a string"),
        (b"[[]]", "^Instance 0: Expected an object .* Received: a list"),
        (b'{"instances": {}}', "^'instances' must be a list. Received: an object"),
        (
            b'{"instances": [{"text": "x"}], "model": "m", "a": 1}',
            "^Beside 'instances' nothing .* Received: 'a', 'model'",
        ),
        (b"[]", "^The list of instances is empty; expected at least one"),
        (b'{"txet": "x"}', "^The model has no input 'txet'; did you mean 'text'"),
        (b'{"text": 5}', "^'text' must be a string. Received: a number"),
        (b'{"text": ["x"]}', "^'text' must be a string. Received: a list"),
        (b'{"text": true}', "^'text' must be a string. Received: true or false"),
        (b'{"image": {"b64": "x"}}', "^'image' must be a string. Received: an object"),
        (b'{"text": "x", "caption": "y"}', r"^'text' is given twice; expected one value"),
        (b'{"tags": ["x", 5]}', "^'tags' must hold strings only. Received: a number"),
        (b'{"tags": ["x", "y,z"]}', "^The tag 'y,z' of 'tags' holds the delimiter ','"),
        (b'{"image": "http://example.org/mug.jpg"}', "^'image' is a picture; .*Addresses are not fetched"),
        (b'{"image": "YW55 Ynl0ZXM="}', "^'image' is a picture; expected base64"),
        (b'{"image": "YW55I"}', "^'image' is a picture; expected base64"),
        (b'{"image": "data:image/png,x"}', "^'image' is a data URL, but not of the form data:...;base64,..."),
        (b"{}", "^Every input is absent"),
        (b'[{"text": "x"}, {"text": " "}]', "^Instance 1: Every input is absent"),
    ],
)
def test_json_that_does_not_fit_the_model_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read(body)


def test_an_error_names_the_input_it_is_about_also_of_many_instances() -> None:
    with pytest.raises(RequestError, match=r"^Instance 2: 'image' is a picture") as caught:
        read([{"text": "x"}, {"text": "y"}, {"image": "?"}])

    assert caught.value.input == "image"


def test_too_many_instances_are_too_large() -> None:
    with pytest.raises(TooLargeError, match=r"^4 instances; at most 3 go into one request"):
        read([{"text": "x"}] * 4)


def test_a_text_over_the_limit_is_too_large_and_one_at_the_limit_is_not() -> None:
    assert read({"text": "x" * 30}) == [{"text": "x" * 30}]
    with pytest.raises(TooLargeError, match=r"^'text' has 31 characters; at most 30 are read"):
        read({"text": "x" * 31})
    with pytest.raises(TooLargeError, match=r"^Instance 0: 'tags' has 31 characters"):
        read([{"tags": ["x" * 15, "y" * 15]}])


def test_base64_of_megabytes_is_decoded_as_one_and_padding_inside_of_it_refused() -> None:
    data = bytes(range(256)) * 3 * 2**12  # 3 MiB: 4 MiB of base64 without padding
    encoded = base64.b64encode(data)

    assert read(b'{"image": "' + encoded + b'"}') == [{"image": data}]
    assert read(b'{"image": "' + encoded + b'YQ=="}') == [{"image": data + b"a"}]
    with pytest.raises(RequestError, match="expected base64"):
        read(b'{"image": "' + encoded[: 2**20 - 4] + b"YQ==" + encoded + b'"}')


def test_a_file_longer_than_any_text_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLargeError, match=r"^'text' is a text of 121 bytes; at most 30 characters are read"):
        read_form(("text", file(b"x" * 121)))
