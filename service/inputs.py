"""From the body of a request to examples, every field checked against the inputs of the model."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData, UploadFile

from model.errors import MalformedError, RequestError, TooLargeError
from model.examples import Example, has_tokens
from model.spec import ModelSpec, TagsInput
from model.validation import nearest
from service.settings import Settings

# What a field may be called when the model has only one input of a kind.
ALIASES = {"image": ("image",), "text": ("text", "caption"), "tags": ("tags",)}

MAX_JSON_VALUES = 500_000


def field_names(spec: ModelSpec) -> dict[str, str]:
    """Every name a request may use for an input -> the input."""
    names = {name: name for name in spec.inputs}
    for kind, aliases in ALIASES.items():
        of_kind = [name for name, given in spec.inputs.items() if given.kind == kind]
        if len(of_kind) == 1:
            for alias in aliases:
                names.setdefault(alias, of_kind[0])
    return names


async def from_form(form: FormData, spec: ModelSpec, settings: Settings) -> Example:
    """The one example of a multipart form: a file part for each picture, a text part for each text.

    Raises:
        RequestError: naming the field that is wrong.
    """
    names = field_names(spec)
    example: dict[str, bytes | str] = {}
    for field, part in form.multi_items():
        name = _input_named(field, names, example)
        if isinstance(part, UploadFile):
            data = await part.read()
            if not part.filename and not data:
                continue  # what a browser sends for a file field that was left empty
            if spec.inputs[name].kind == "image":
                example[name] = data
            else:
                example[name] = _checked_text(_utf8(data, name), name, settings)
        elif spec.inputs[name].kind == "image":
            raise RequestError(
                f"{name!r} is a picture; expected a file part with a file name, as curl -F {name}=@FILE sends it.",
                input=name,
            )
        else:
            example[name] = _checked_text(part, name, settings)
    return _given(example, spec)


def from_json(body: bytes, spec: ModelSpec, settings: Settings) -> list[Example]:
    """The examples of a JSON body: an object, a list of them, or `{"instances": [...]}`.

    Raises:
        MalformedError: if it is not JSON.
        RequestError: naming the field that is wrong, and which instance of many.
        TooLargeError: if it has too many instances, or values in all.
    """
    # Parsing holds up every other request, and pictures cost it nothing: what costs is many small values.
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MAX_JSON_VALUES:
        raise TooLargeError(f"The body has more than {MAX_JSON_VALUES:,} values. Send fewer instances at once.")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"The body is not JSON: {error}") from None
    if isinstance(data, Mapping) and "instances" in data and "instances" not in field_names(spec):
        extra = sorted(set(data) - {"instances"})
        if extra:
            raise RequestError(f"Beside 'instances' nothing is expected. Received: {', '.join(map(repr, extra))}.")
        data = data["instances"]
        if not isinstance(data, list):
            raise RequestError(f"'instances' must be a list. Received: {_kind(data)}.")
    if not isinstance(data, list):
        return [_from_object(data, spec, settings)]
    if not data:
        raise RequestError("The list of instances is empty; expected at least one.")
    if len(data) > settings.max_instances:
        raise TooLargeError(f"{len(data)} instances; at most {settings.max_instances} go into one request.")
    return [_instance(item, number, spec, settings) for number, item in enumerate(data)]


def _instance(item: Any, number: int, spec: ModelSpec, settings: Settings) -> Example:
    try:
        return _from_object(item, spec, settings)
    except RequestError as error:
        raise type(error)(f"Instance {number}: {error}", input=error.input) from None


def _from_object(item: Any, spec: ModelSpec, settings: Settings) -> Example:
    if not isinstance(item, Mapping):
        raise RequestError(f"Expected an object with a value for each input. Received: {_kind(item)}.")
    names = field_names(spec)
    example: dict[str, bytes | str] = {}
    for field, value in item.items():
        name = _input_named(field, names, example)
        if value is None:
            continue
        given = spec.inputs[name]
        if isinstance(given, TagsInput) and isinstance(value, list):
            value = _joined(value, given.delimiter, name)
        if not isinstance(value, str):
            raise RequestError(f"{name!r} must be a string. Received: {_kind(value)}.", input=name)
        example[name] = _base64(value, name) if given.kind == "image" else _checked_text(value, name, settings)
    return _given(example, spec)


def _input_named(field: str, names: Mapping[str, str], so_far: Example) -> str:
    if field not in names:
        raise RequestError(f"The model has no input {field!r}{nearest(field, names)}")
    name = names[field]
    if name in so_far:
        raise RequestError(f"{name!r} is given twice; expected one value an input.", input=name)
    return name


def _given(example: Example, spec: ModelSpec) -> Example:
    # An empty picture is a broken one, not an absent one: decoding will say so.
    if not any(isinstance(value, bytes) or has_tokens(spec.inputs[name], value) for name, value in example.items()):
        raise RequestError(f"Every input is absent; expected at least one of: {', '.join(spec.inputs)}.")
    return example


def _joined(tags: list[Any], delimiter: str, name: str) -> str:
    for tag in tags:
        if not isinstance(tag, str):
            raise RequestError(f"{name!r} must hold strings only. Received: {_kind(tag)}.", input=name)
        if delimiter in tag:
            raise RequestError(f"The tag {tag!r} of {name!r} holds the delimiter {delimiter!r}.", input=name)
    return delimiter.join(tags)


def _checked_text(text: str, name: str, settings: Settings) -> str:
    if len(text) > settings.max_text_characters:
        raise TooLargeError(
            f"{name!r} has {len(text):,} characters; at most {settings.max_text_characters:,} are read.", input=name
        )
    if not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text):
        raise RequestError(f"{name!r} holds half of a surrogate pair, which is no character.", input=name)
    return text


def _utf8(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise RequestError(f"{name!r} is a text, but the file sent for it is not UTF-8.", input=name) from None


def _base64(text: str, name: str) -> bytes:
    """Base64, or a data URL of it."""
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise RequestError(f"{name!r} is a data URL, but not of the form data:...;base64,...", input=name)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RequestError(
            f"{name!r} is a picture; expected base64 or a data URL. Addresses are not fetched.", input=name
        ) from None


def _kind(value: Any) -> str:
    """What JSON calls the type of a value."""
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
