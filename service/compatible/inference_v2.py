"""Open Inference Protocol v2: named BYTES tensors to examples, as JSON or as binary data behind it.

https://github.com/kserve/open-inference-protocol, with the extensions for binary tensor data and classification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.errors import MalformedError, RequestError, TooLargeError
from model.examples import Example
from model.spec import ModelSpec
from model.validation import nearest
from service.compatible.tensors_v2 import read_bytes
from service.intake.inputs import (
    checked_example,
    checked_text,
    decoded_base64,
    decoded_utf8,
    field_names,
    input_named,
    json_kind,
    of_instance,
)
from service.settings import MAX_TIMEOUT_MS, Settings


@dataclass(frozen=True)
class RequestedOutput:
    """A head that the answer is to have.

    Args:
        head: its name.
        is_binary: whether its tensor comes behind the JSON.
        classification: if not None, the number of labels to be named in place of all probabilities.
    """

    head: str
    is_binary: bool
    classification: int | None = None


@dataclass(frozen=True)
class InferRequest:
    """What a body asks for.

    Args:
        id: to be sent back, if there is one.
        timeout_s: seconds that its answer may take from now, if it says so.
        examples: in the order of the batch.
        outputs: in the order of the answer.
    """

    id: str | None
    timeout_s: float | None
    examples: list[Example]
    outputs: list[RequestedOutput]


def read_request(data: Any, binary: memoryview, spec: ModelSpec, settings: Settings) -> InferRequest:
    """The examples of a parsed body.

    Args:
        data: its JSON.
        binary: what is behind the JSON.
        spec: of the model.
        settings: limits.

    Raises:
        MalformedError: if the binary data is not what the JSON says.
        RequestError: naming the tensor that is wrong, and which element.
        TooLargeError: if the batch is too large.
    """
    if not isinstance(data, Mapping):
        raise RequestError(f"Expected an object with 'inputs', a list of tensors. Received: {json_kind(data)}.")
    parameters = _parameters(data, "The request")
    request_id = data.get("id")
    if not isinstance(request_id, str | None):
        raise RequestError(f"'id' must be a string. Received: {json_kind(request_id)}.")
    return InferRequest(
        id=request_id,
        timeout_s=_timeout_s(parameters.get("timeout")),
        examples=_examples(data.get("inputs"), binary, spec, settings),
        outputs=_outputs(data.get("outputs"), parameters, spec),
    )


def _examples(tensors: Any, binary: memoryview, spec: ModelSpec, settings: Settings) -> list[Example]:
    if not isinstance(tensors, list) or not tensors:
        received = "none" if tensors == [] else json_kind(tensors)
        raise RequestError(f"'inputs' must be a list of at least one tensor. Received: {received}.")
    names = field_names(spec)
    columns: dict[str, list[Any]] = {}
    first = ""
    for tensor in tensors:
        if not isinstance(tensor, Mapping) or not isinstance(tensor.get("name"), str):
            raise RequestError("Each of 'inputs' must be an object with 'name', 'shape', 'datatype' and 'data'.")
        name = input_named(tensor["name"], names, {})
        if name in columns:
            raise RequestError(f"{name!r} is given twice; expected one tensor an input.", input=name)
        count = _count(tensor, name, settings)
        columns[name], binary = _elements(tensor, name, count, binary)
        first = first or name
        if count != len(columns[first]):
            raise RequestError(
                f"{name!r} has {count} elements and {first!r} {len(columns[first])}; expected as many in all tensors, "
                "with empty ones for what is absent.",
                input=name,
            )
    if binary:
        raise MalformedError(f"{len(binary):,} bytes behind the JSON belong to no tensor; expected binary_data_size.")
    return [
        _example({name: values[number] for name, values in columns.items()}, number, spec, settings)
        for number in range(len(columns[first]))
    ]


def _count(tensor: Mapping[str, Any], name: str, settings: Settings) -> int:
    """Examples that a tensor is for, by its shape: [N] or [N, 1]."""
    if tensor.get("datatype") != "BYTES":
        raise RequestError(
            f"{name!r} must be of datatype 'BYTES', encoded pictures as well as texts. "
            f"Received: {tensor.get('datatype')!r:.40}.",
            input=name,
        )
    match tensor.get("shape"):
        case [int(count)] | [int(count), 1] if count >= 1 and count is not True:
            if count > settings.max_instances:
                raise TooLargeError(
                    f"{name!r} is for {count} examples; at most {settings.max_instances} go into one request."
                )
            return count
        case shape:
            raise RequestError(
                f"{name!r} must have the shape [N] or [N, 1], N at least 1. Received: {shape!r:.80}.", input=name
            )


def _elements(tensor: Mapping[str, Any], name: str, count: int, binary: memoryview) -> tuple[list[Any], memoryview]:
    """The elements of a tensor, str from JSON and bytes from binary data, and the binary data that is left."""
    parameters = _parameters(tensor, repr(name))
    if "shared_memory_region" in parameters:
        raise RequestError(f"{name!r} is in shared memory, which is not read here; send its data.", input=name)
    size = parameters.get("binary_data_size")
    if size is not None:
        if type(size) is not int or not 0 <= size <= len(binary):
            raise MalformedError(
                f"The binary_data_size of {name!r} must be its part of the {len(binary):,} bytes that are left behind "
                f"the JSON. Received: {size!r:.40}."
            )
        if tensor.get("data") is not None:
            raise RequestError(f"{name!r} has both data and binary_data_size; expected one of them.", input=name)
        return list(read_bytes(binary[:size], count, name)), binary[size:]
    data = tensor.get("data")
    if not isinstance(data, list):
        raise RequestError(f"The data of {name!r} must be a list. Received: {json_kind(data)}.", input=name)
    # Nested as the shape says, or flat.
    values = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in data]
    if len(values) != count:
        raise RequestError(f"The data of {name!r} has {len(values)} elements; its shape says {count}.", input=name)
    return values, binary


def _example(elements: Mapping[str, Any], number: int, spec: ModelSpec, settings: Settings) -> Example:
    example: dict[str, bytes | str] = {}
    try:
        for name, element in elements.items():
            if not isinstance(element, str | bytes):
                raise RequestError(f"{name!r} must hold strings. Received: {json_kind(element)}.", input=name)
            if not element:
                continue  # a tensor has no other way to say that something is absent
            if spec.inputs[name].kind == "image":
                example[name] = element if isinstance(element, bytes) else decoded_base64(element, name)
            else:
                text = element if isinstance(element, str) else decoded_utf8(element, name)
                example[name] = checked_text(text, name, settings)
        return checked_example(example, spec)
    except RequestError as error:
        raise of_instance(number, error) from None


def _outputs(outputs: Any, parameters: Mapping[str, Any], spec: ModelSpec) -> list[RequestedOutput]:
    is_binary = _flag(parameters, "binary_data_output", default=False)
    if outputs is None or outputs == []:
        return [RequestedOutput(head, is_binary) for head in spec.heads]
    if not isinstance(outputs, list):
        raise RequestError(f"'outputs' must be a list. Received: {json_kind(outputs)}.")
    requested: dict[str, RequestedOutput] = {}
    for output in outputs:
        if not isinstance(output, Mapping) or not isinstance(output.get("name"), str):
            raise RequestError("Each of 'outputs' must be an object with 'name'.")
        head = output["name"]
        if head not in spec.heads:
            raise RequestError(f"The model has no output {head!r}{nearest(head, spec.heads)}")
        if head in requested:
            raise RequestError(f"The output {head!r} is asked for twice; expected once.")
        requested[head] = _requested(head, _parameters(output, repr(head)), is_binary)
    return list(requested.values())


def _requested(head: str, parameters: Mapping[str, Any], is_binary: bool) -> RequestedOutput:
    if "shared_memory_region" in parameters:
        raise RequestError(f"The output {head!r} is wanted in shared memory, which is not written here.")
    classification = parameters.get("classification")
    if classification is not None and (type(classification) is not int or classification < 1):
        raise RequestError(
            f"'classification' of {head!r} must be a number of labels, at least 1. Received: {classification!r:.40}."
        )
    return RequestedOutput(head, _flag(parameters, "binary_data", default=is_binary), classification)


def _parameters(owner: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """The parameters of a request, tensor or output. Those that nothing here knows are another server's."""
    parameters = owner.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, Mapping):
        raise RequestError(f"{what}: 'parameters' must be an object. Received: {json_kind(parameters)}.")
    return parameters


def _flag(parameters: Mapping[str, Any], key: str, *, default: bool) -> bool:
    value = parameters.get(key, default)
    if not isinstance(value, bool):
        raise RequestError(f"{key!r} must be true or false. Received: {json_kind(value)}.")
    return value


def _timeout_s(microseconds: Any) -> float | None:
    """Seconds of Triton's `timeout`, which is in microseconds; 0 is none."""
    if microseconds is None or microseconds == 0:
        return None
    if type(microseconds) is not int or microseconds < 0:
        raise RequestError("'timeout' must be a whole number of microseconds, 0 or more.")
    return min(microseconds, 1000 * MAX_TIMEOUT_MS) / 1e6  # first the smaller: a float has no room for any number
