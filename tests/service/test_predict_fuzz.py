"""`POST /predict`: whatever a client sends, the answer is a prediction or a problem, and never a 500."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest

from tests.service.stand_in import picture

ROUNDS = 120
FORM_TYPE = "multipart/form-data; boundary=x"
NASTY_STRINGS = [
    "", " ", "\0", "\ud800", "\udfff\ud800", "\u200b", "\ufeff", "\U0010ffff", "a\0b", "!" * 300, "\u0301" * 200,
    "ﷺ" * 99, ",", ",,,", "[UNK]", "%s%n{0}", "../../etc/passwd", "data:;base64,", "data:,", "=" * 8, "AAAA",
    "\r\n\r\n--x--", "١٢٣",
]  # fmt: skip
NASTY_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    10**400,
    float("nan"),
    float("-inf"),
    [],
    {},
    [[]],
    [None],
    {"b64": ""},
]
NASTY_NAMES = [
    "image",
    "text",
    "caption",
    "tags",
    "instances",
    "",
    "__proto__",
    "image_present",
    "\ud800",
    "x" * 500,
    "\0",
]
CHARSETS = ["utf-7", "utf-16", "idna", "punycode", "undefined", "hex", "rot13", "\xff"]
NASTY_TYPES = [
    "application/json", "application/json; charset=utf-32", "text/json", "application/problem+json", "+json", "/", ";",
    FORM_TYPE, "multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary="x', ",",
    "multipart/form-data; boundary=" + "x" * 300, "multipart/form-data; boundary=\xe9", "multipart/mixed",
    "application/x-www-form-urlencoded", *(f"{FORM_TYPE}; charset={charset}" for charset in CHARSETS),
]  # fmt: skip
NASTY_QUERIES = [
    "",
    "?",
    "?top_k=1e3",
    "?top_k=" + "9" * 5000,
    "?version=-1",
    "?model=%00",
    "?%ff=%ed%a0%80",
    "?a[b]=c",
    "?;;&&==",
]


def damaged(good: bytes, random: Random) -> bytes:
    """The same with a few bytes changed, dropped, doubled or cut off."""
    data = bytearray(good)
    for _ in range(random.randrange(1, 6)):
        at = random.randrange(len(data) + 1)
        piece = random.choice([b"", b"\0", b"\r\n", b"--x", b'"', b"\\u", b"{", b"[", b"\xff", random.randbytes(4)])
        data[at : at + random.choice([0, 1, 1, 5, 80])] = piece
    return bytes(data[: random.choice([len(data), len(data), random.randrange(len(data) + 1)])])


def nasty_json(random: Random, depth: int = 0) -> Any:
    """An object or list of what a model takes and what it doesn't."""
    value = random.choice([*NASTY_STRINGS, *NASTY_VALUES])
    if depth > 2 or random.random() < 0.3:
        return value
    if random.random() < 0.3:
        return [nasty_json(random, depth + 1) for _ in range(random.randrange(4))]
    return {random.choice(NASTY_NAMES): nasty_json(random, depth + 1) for _ in range(random.randrange(1, 4))}


def bodies(random: Random) -> Iterator[tuple[bytes, str]]:
    """Hostile bodies with their content types."""
    pictures = [picture(file_format=name) for name in ("PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF", "AVIF")]
    for _ in range(ROUNDS):
        image = damaged(random.choice(pictures), random)
        words = random.choice(NASTY_STRINGS).encode("utf-8", "surrogatepass")
        good = json.dumps({"image": base64.b64encode(image).decode(), "text": "red", "tags": ["a", "b"]}).encode()
        head = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        parts = [head % (b"image", b'; filename="a.png"', image), head % (b"text", b"", words)]
        form = b"".join([*parts, b"--x--\r\n"])
        yield form, FORM_TYPE
        yield damaged(form, random), random.choice([FORM_TYPE, random.choice(NASTY_TYPES)])
        yield good, "application/json"
        yield damaged(good, random), random.choice(["application/json", random.choice(NASTY_TYPES)])
        yield json.dumps(nasty_json(random)).encode(), "application/json"
        yield random.randbytes(random.randrange(60)), random.choice(NASTY_TYPES)


def is_in_order(response: httpx.Response) -> bool:
    if "x-request-id" not in response.headers:
        return False
    if response.status_code == 200:
        return "predictions" in response.json()
    is_problem = response.headers["content-type"] == "application/problem+json"
    return response.status_code in (400, 404, 413, 415, 422) and is_problem and bool(response.json()["detail"])


@pytest.mark.parametrize("seed", [1, 2])
def test_no_hostile_request_gets_a_500(seed: int, tiny_service: httpx.Client) -> None:
    random = Random(seed)  # noqa: S311  (nothing secret)
    statuses = []
    for body, content_type in bodies(random):
        query = random.choice(NASTY_QUERIES) if random.random() < 0.1 else ""
        headers = {"Content-Type": content_type.encode("latin-1"), "X-Request-ID": random.randbytes(8).hex()}
        response = tiny_service.post(f"/predict{query}", content=body, headers=headers)
        assert is_in_order(response), (response.status_code, response.text, content_type, query, body)
        statuses.append(response.status_code)

    assert {200, 400, 415, 422} <= set(statuses)  # else the bodies have lost their variety
    assert tiny_service.post("/predict", json={"text": "tomato"}).status_code == 200
