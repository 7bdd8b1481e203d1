"""From the body of a request to examples, every field checked against the inputs of the model."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData, UploadFile

from model.errors import RequestError, TooLargeError
from model.examples import Example, has_tokens
from model.spec import ModelSpec, TagsInput
from model.validation import nearest
from service.intake.json_body import parse_json
from service.settings import Settings

# What a field may be called when the model has only one input of a kind.
ALIASES = {"image": ("image",), "text": ("text", "caption"), "tags": ("tags",)}

_BASE64_WINDOW = 2**20  # characters decoded in one go, during which nothing else runs: a millisecond


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
        name = input_named(field, names, example)
        if isinstance(part, UploadFile):
            if not part.filename and not part.size:
                continue  # what a browser sends for a file field that was left empty
            if spec.inputs[name].kind == "image":
                example[name] = await part.read()
                await part.close()  # its memory or disk is free while the model is waited for
            else:
                _check_size(part.size or 0, name, settings)
                example[name] = checked_text(decoded_utf8(await part.read(), name), name, settings)
        elif spec.inputs[name].kind == "image":
            raise RequestError(
                f"{name!r} is a picture; expected a file part with a file name, as curl -F {name}=@FILE sends it.",
                input=name,
            )
        else:
            example[name] = checked_text(part, name, settings)
    return checked_example(example, spec)


def from_json(body: bytes, spec: ModelSpec, settings: Settings) -> list[Example]:
    """The examples of a JSON body: an object, a list of them, or `{"instances": [...]}`.

    Raises:
        MalformedError: if it is not JSON.
        RequestError: naming the field that is wrong, and which instance of many.
        TooLargeError: if it has too many instances, or values in all, or is nested too deep.
    """
    data = parse_json(body, max_depth=settings.max_json_depth)
    if isinstance(data, Mapping) and "instances" in data and "instances" not in field_names(spec):
        extra = sorted(set(data) - {"instances"})
        if extra:
            raise RequestError(f"Beside 'instances' nothing is expected. Received: {', '.join(map(repr, extra))}.")
        data = data["instances"]
        if not isinstance(data, list):
            raise RequestError(f"'instances' must be a list. Received: {json_kind(data)}.")
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
        raise of_instance(number, error) from None


def _from_object(item: Any, spec: ModelSpec, settings: Settings) -> Example:
    if not isinstance(item, Mapping):
        raise RequestError(f"Expected an object with a value for each input. Received: {json_kind(item)}.")
    names = field_names(spec)
    example: dict[str, bytes | str] = {}
    for field, value in item.items():
        name = input_named(field, names, example)
        if value is None:
            continue
        given = spec.inputs[name]
        if isinstance(given, TagsInput) and isinstance(value, list):
            value = joined_tags(value, given.delimiter, name)
        if not isinstance(value, str):
            raise RequestError(f"{name!r} must be a string. Received: {json_kind(value)}.", input=name)
        example[name] = decoded_base64(value, name) if given.kind == "image" else checked_text(value, name, settings)
    return checked_example(example, spec)


def of_instance(number: int, error: RequestError) -> RequestError:
    """The same error, saying which instance of many it is about; the first is 0."""
    return type(error)(f"Instance {number}: {error}", input=error.input)


def input_named(field: str, names: Mapping[str, str], so_far: Example) -> str:
    """The input that a field is for.

    Args:
        field: as the request calls it.
        names: of `field_names`.
        so_far: inputs that were given already.

    Raises:
        RequestError: if there is none, or it was given already.
    """
    if field not in names:
        shown = field if len(field) <= 100 else field[:97] + "..."  # a name can be as long as the body
        raise RequestError(f"The model has no input {shown!r}{nearest(shown, names)}")
    name = names[field]
    if name in so_far:
        raise RequestError(f"{name!r} is given twice; expected one value an input.", input=name)
    return name


def checked_example(example: Example, spec: ModelSpec) -> Example:
    """An example in which not every input is absent.

    Raises:
        RequestError: if every input is.
    """
    # An empty picture is a broken one, not an absent one: decoding will say so.
    if not any(isinstance(value, bytes) or has_tokens(spec.inputs[name], value) for name, value in example.items()):
        raise RequestError(f"Every input is absent; expected at least one of: {', '.join(spec.inputs)}.")
    return example


def joined_tags(tags: list[Any], delimiter: str, name: str) -> str:
    """A list of tags as the one string that a model takes.

    Raises:
        RequestError: at a tag that is no string, or that holds the delimiter.
    """
    for tag in tags:
        if not isinstance(tag, str):
            raise RequestError(f"{name!r} must hold strings only. Received: {json_kind(tag)}.", input=name)
        if delimiter in tag:
            raise RequestError(f"The tag {tag!r} of {name!r} holds the delimiter {delimiter!r}.", input=name)
    return delimiter.join(tags)


def checked_text(text: str, name: str, settings: Settings) -> str:
    """A text or tags that can be read as a whole.

    Raises:
        TooLargeError: if it is too long.
        RequestError: if it can't be written as UTF-8.
    """
    if len(text) > settings.max_text_characters:
        raise TooLargeError(
            f"{name!r} has {len(text):,} characters; at most {settings.max_text_characters:,} are read.", input=name
        )
    if not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text):
        raise RequestError(f"{name!r} holds half of a surrogate pair, which is no character.", input=name)
    return text


def _check_size(size: int, name: str, settings: Settings) -> None:
    """Refuses a file of more bytes than the longest text has, before it is read."""
    if size > 4 * settings.max_text_characters:
        raise TooLargeError(
            f"{name!r} is a text of {size:,} bytes; at most {settings.max_text_characters:,} characters are read.",
            input=name,
        )


def decoded_utf8(data: bytes, name: str) -> str:
    """The text that bytes are.

    Raises:
        RequestError: if they are not UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise RequestError(f"{name!r} is a text, but what was sent for it is not UTF-8.", input=name) from None


def decoded_base64(text: str, name: str) -> bytes:
    """The bytes that base64, or a data URL of it, stands for.

    Raises:
        RequestError: if it is neither.
    """
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise RequestError(f"{name!r} is a data URL, but not of the form data:...;base64,...", input=name)
    try:
        return _decoded_piecewise(text)
    except (binascii.Error, ValueError):
        raise RequestError(
            f"{name!r} is a picture; expected base64 or a data URL. Addresses are not fetched.", input=name
        ) from None


def _decoded_piecewise(text: str) -> bytes:
    pieces = [
        binascii.a2b_base64(text[start : start + _BASE64_WINDOW], strict_mode=True)
        for start in range(0, len(text), _BASE64_WINDOW)
    ]
    if any(len(piece) != _BASE64_WINDOW // 4 * 3 for piece in pieces[:-1]):
        raise binascii.Error("padding before the end")
    return b"".join(pieces)


def json_kind(value: Any) -> str:
    """What JSON calls the type of a value."""
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
