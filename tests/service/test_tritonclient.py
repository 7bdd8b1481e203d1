"""Triton's own client against the Open Inference Protocol, synchronous and asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput, InferResult
from tritonclient.http.aio import InferenceServerClient as AsyncClient
from tritonclient.utils import InferenceServerException

from model.examples import decode
from tests.service.compatible import RED, RED_BASE64
from tests.service.stand_in import SPEC, answer

RED_WORD, GREEN_WORD = [0.25, 0.25, 0.5], [0.25, 0.5, 0.25]
RED_PICTURE = answer(decode(SPEC, {"image": RED}))["colour"].tolist()


@pytest.fixture
def triton(stand_in_service: httpx.Client) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(stand_in_service.base_url.netloc.decode()) as client:
        yield client


def strings(name: str, *values: str | bytes, column: bool = False, binary: bool = True) -> InferInput:
    """An input of one value an example, (N,) or (N, 1)."""
    array = np.array(values, object).reshape((-1, 1) if column else (-1,))
    tensor = InferInput(name, list(array.shape), "BYTES")
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def rows(result: InferResult) -> list[list[float]]:
    values: list[list[float]] = result.as_numpy("colour").tolist()
    return values


def test_it_finds_the_server_and_the_model_ready(triton: InferenceServerClient) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("colours")
    assert triton.is_model_ready("colours", "1")
    assert not triton.is_model_ready("colours", "2")
    assert not triton.is_model_ready("mugs")


def test_it_reads_the_metadata(triton: InferenceServerClient) -> None:
    metadata = triton.get_model_metadata("colours", "1")

    assert triton.get_server_metadata()["extensions"] == ["binary_tensor_data", "classification"]
    assert metadata["versions"] == ["1"]
    assert [tensor["name"] for tensor in metadata["inputs"]] == ["image", "text", "tags"]
    assert metadata["outputs"] == [{"name": "colour", "datatype": "FP32", "shape": [-1, 3]}]


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("binary", [False, True])
def test_it_infers_with_binary_data_and_with_json(column: bool, binary: bool, triton: InferenceServerClient) -> None:
    image = strings("image", RED if binary else RED_BASE64, b"", column=column, binary=binary)
    text = strings("text", "", "green", column=column, binary=binary)
    output = InferRequestedOutput("colour", binary_data=binary)

    result = triton.infer("colours", [image, text], outputs=[output], request_id="order-7")

    assert rows(result) == [RED_PICTURE, GREEN_WORD]
    assert result.get_response()["id"] == "order-7"
    assert result.as_numpy("colour").dtype == np.float32


def test_it_gets_all_outputs_as_binary_data_if_it_names_none(triton: InferenceServerClient) -> None:
    result = triton.infer("colours", [strings("text", "red", "green")], model_version="1")

    assert rows(result) == [RED_WORD, GREEN_WORD]
    assert result.get_output("colour")["parameters"] == {"binary_data_size": 24}


@pytest.mark.parametrize("binary", [False, True])
def test_it_gets_the_labels_as_a_classification(binary: bool, triton: InferenceServerClient) -> None:
    output = InferRequestedOutput("colour", binary_data=binary, class_count=2)
    result = triton.infer("colours", [strings("text", "red", "green")], outputs=[output])

    names = [[text if isinstance(text, str) else text.decode() for text in row] for row in result.as_numpy("colour")]
    assert names == [["0.500000:2:red", "0.250000:0:blue"], ["0.500000:1:green", "0.250000:0:blue"]]


def test_it_raises_what_the_service_says(triton: InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match=r"\[422\] The model has no input 'txet'; did you mean 'text'"):
        triton.infer("colours", [strings("txet", "red")])
    with pytest.raises(InferenceServerException, match=r"\[404\] No model 'mugs' is served"):
        triton.get_model_metadata("mugs")
    with pytest.raises(InferenceServerException, match=r"\[415\] "):
        triton.infer("colours", [strings("text", "red")], request_compression_algorithm="gzip")


def test_its_asynchronous_client_keeps_many_requests_apart(stand_in_service: httpx.Client) -> None:
    async def ask() -> list[list[list[float]]]:
        async with AsyncClient(stand_in_service.base_url.netloc.decode()) as client:
            assert await client.is_model_ready("colours")
            words = ["red", "green"] * 20
            results = await asyncio.gather(*(client.infer("colours", [strings("text", word)]) for word in words))
            return [rows(result) for result in results]

    assert asyncio.run(ask()) == [[RED_WORD], [GREEN_WORD]] * 20
