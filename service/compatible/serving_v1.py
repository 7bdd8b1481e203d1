"""TensorFlow Serving's JSON: named inputs in rows or columns to examples, probabilities back in the same form.

https://www.tensorflow.org/tfx/serving/api_rest
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model.errors import RequestError, TooLargeError
from model.examples import Example
from model.signature import SERVING
from model.spec import Input, ModelSpec, TagsInput
from model.validation import nearest
from service.engine import Answered
from service.intake.inputs import (
    checked_example,
    checked_text,
    decoded_base64,
    decoded_utf8,
    field_names,
    input_named,
    joined_tags,
    json_kind,
    of_instance,
)
from service.settings import Settings

_KEYS = ("signature_name", "instances", "inputs")
_ONE_OF_TWO = "Expected either 'instances', a list of rows, or 'inputs', an object of columns."

Row = Mapping[str, Any]


@dataclass(frozen=True)
class PredictRequest:
    """What a body asks for.

    Args:
        examples: in the order of the request.
        in_columns: whether it came as `inputs`, and is answered with `outputs`.
    """

    examples: list[Example]
    in_columns: bool


def read_request(data: Any, spec: ModelSpec, settings: Settings) -> PredictRequest:
    """The examples of a parsed body.

    Raises:
        RequestError: naming the key, input and instance that is wrong.
        TooLargeError: if there are too many instances.
    """
    if not isinstance(data, Mapping):
        raise RequestError(f"{_ONE_OF_TWO} Received: {json_kind(data)}.")
    for key in data:
        if key not in _KEYS:
            raise RequestError(f"A request to predict has no key {key!r}{nearest(key, _KEYS)}")
    signature = data.get("signature_name")
    if signature not in (None, "", SERVING):
        raise RequestError(f"The model has no signature {signature!r:.100}; expected {SERVING!r}, or none to be named.")
    if ("instances" in data) == ("inputs" in data):
        raise RequestError(f"{_ONE_OF_TWO} Received: {'both' if 'inputs' in data else 'neither'}.")
    in_columns = "inputs" in data
    rows = _from_columns(data["inputs"], spec, settings) if in_columns else _rows(data["instances"], spec, settings)
    return PredictRequest([_example(row, number, spec, settings) for number, row in enumerate(rows)], in_columns)


def predictions(spec: ModelSpec, answers: Sequence[Answered]) -> list[Any]:
    """Rows: for each example the probabilities of the one head, or an object of them if there are several."""
    rows = [{head: answer.probabilities[head].tolist() for head in spec.heads} for answer in answers]
    return rows if len(spec.heads) > 1 else [probabilities for row in rows for probabilities in row.values()]


def outputs(spec: ModelSpec, answers: Sequence[Answered]) -> Any:
    """Columns: the probabilities of the one head, (batch, classes), or an object of them if there are several."""
    columns = {head: [answer.probabilities[head].tolist() for answer in answers] for head in spec.heads}
    return columns if len(spec.heads) > 1 else next(iter(columns.values()))


def signature_def(spec: ModelSpec) -> dict[str, Any]:
    """What this API takes and gives, as TensorFlow Serving's metadata has it: pictures are encoded strings here."""
    return {
        SERVING: {
            "inputs": {name: _tensor_info("DT_STRING", name, -1) for name in spec.inputs},
            "outputs": {
                name: _tensor_info("DT_FLOAT", name, -1, len(head.labels)) for name, head in spec.heads.items()
            },
            "method_name": "tensorflow/serving/predict",
        }
    }


def _tensor_info(dtype: str, name: str, *shape: int) -> dict[str, Any]:
    sizes = [{"size": str(size), "name": ""} for size in shape]  # 64-bit integers are strings in protobuf's JSON
    return {"dtype": dtype, "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": name}


def _rows(instances: Any, spec: ModelSpec, settings: Settings) -> list[Row]:
    if not isinstance(instances, list):
        raise RequestError(f"'instances' must be a list. Received: {json_kind(instances)}.")
    _check_count(len(instances), settings)
    return [_row(item, number, spec) for number, item in enumerate(instances)]


def _row(item: Any, number: int, spec: ModelSpec) -> Row:
    if isinstance(item, Mapping) and not _is_base64(item):
        return item
    if len(spec.inputs) == 1:  # whose name may be left out
        return {next(iter(spec.inputs)): item}
    raise RequestError(
        f"Instance {number}: expected an object with a value for each of: {', '.join(spec.inputs)}. "
        f"Received: {json_kind(item)}."
    )


def _from_columns(columns: Any, spec: ModelSpec, settings: Settings) -> list[Row]:
    """Columns of equal length, as rows. One that is null is absent in all of them."""
    if isinstance(columns, list) and len(spec.inputs) == 1:
        columns = {next(iter(spec.inputs)): columns}
    if not isinstance(columns, Mapping):
        raise RequestError(
            f"'inputs' must be an object with a list for each of: {', '.join(spec.inputs)}. "
            f"Received: {json_kind(columns)}."
        )
    given = {field: values for field, values in columns.items() if values is not None}
    names = field_names(spec)
    for field, values in given.items():
        name = input_named(field, names, {})
        if not isinstance(values, list):
            raise RequestError(
                f"{field!r} must be a list with a value for each example. Received: {json_kind(values)}.", input=name
            )
    counts = {field: len(values) for field, values in given.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{field!r} has {count}" for field, count in counts.items())
        raise RequestError(f"All inputs must have as many values; use null for one that is absent. Received: {told}.")
    count = next(iter(counts.values()), 0)
    _check_count(count, settings)
    return [{field: values[number] for field, values in given.items()} for number in range(count)]


def _check_count(count: int, settings: Settings) -> None:
    if not count:
        raise RequestError("There are no instances; expected at least one.")
    if count > settings.max_instances:
        raise TooLargeError(f"{count} instances; at most {settings.max_instances} go into one request.")


def _example(row: Row, number: int, spec: ModelSpec, settings: Settings) -> Example:
    names = field_names(spec)
    example: dict[str, bytes | str] = {}
    try:
        for field, value in row.items():
            name = input_named(field, names, example)
            if value is not None:
                example[name] = _value(value, name, spec.inputs[name], settings)
        return checked_example(example, spec)
    except RequestError as error:
        raise of_instance(number, error) from None


def _value(value: Any, name: str, given: Input, settings: Settings) -> bytes | str:
    if _is_base64(value):
        data = decoded_base64(value["b64"], name)
        return data if given.kind == "image" else checked_text(decoded_utf8(data, name), name, settings)
    if given.kind == "image":
        raise RequestError(
            f'{name!r} is a picture; expected {{"b64": "<base64>"}}. Received: {json_kind(value)}.', input=name
        )
    if isinstance(given, TagsInput) and isinstance(value, list):
        value = joined_tags(value, given.delimiter, name)
    if not isinstance(value, str):
        raise RequestError(
            f'{name!r} must be a string or {{"b64": "<base64>"}}. Received: {json_kind(value)}.', input=name
        )
    return checked_text(value, name, settings)


def _is_base64(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"b64"} and isinstance(value["b64"], str)
