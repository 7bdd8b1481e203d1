"""Who may ask for what: with keys, without them, on this machine and on the network."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from model.errors import SpecError
from service.intake import keys
from service.intake.access import Access, Rules, check_exposure, is_loopback
from service.intake.keys import Keys
from service.observation.exchange import Exchange
from service.settings import Settings
from tests.service.running import ask, assert_problem

LOCAL = {"Host": "127.0.0.1:8000"}


async def answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(getattr(request.state, "exchange", None)))


def app(rules: Rules) -> Access:
    """Answers whatever it is asked."""
    routes = [Route("/{path:path}", answer, methods=["GET", "POST"])]
    return Access(Starlette(routes=routes), rules)  # type: ignore[arg-type]


@pytest.fixture
def made(tmp_path: Path) -> dict[str, str]:
    """Keys by their names."""
    rights: dict[str, tuple[keys.Right, ...]] = {"shop": ("predict",), "boss": ("admin",), "both": ("predict", "admin")}
    return {name: keys.add(tmp_path / "keys.json", name, given) for name, given in rights.items()}


@pytest.fixture
def guarded(made: dict[str, str], tmp_path: Path) -> Access:
    return app(Rules(Keys(tmp_path / "keys.json"), is_local=False))


def as_bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/v2/health/live", "/v2/health/ready", "/docs", "/openapi.json", "/static-offline-docs/a.js", "/page/a.js"]
)  # fmt: skip
def test_probes_and_pages_need_no_key(path: str, guarded: Access) -> None:
    assert ask(guarded, path=path).status_code == 200  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    ["/predict", "/models", "/v1/models/a:predict", "/v2", "/metrics", "/admin/models/a/activate", "/nothing",
     "/static", "/page", "/healthz/", "/HEALTHZ", "/docs/x", "/adminx"],
)  # fmt: skip
def test_all_else_needs_one(path: str, guarded: Access) -> None:
    response = ask(guarded, "POST", path)  # type: ignore[arg-type]

    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert "This needs a key. Send it as 'Authorization: Bearer KEY' or as 'X-API-Key: KEY'." in response.text


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        ("shop", "/predict", 200),
        ("boss", "/predict", 403),
        ("both", "/predict", 200),
        ("shop", "/metrics", 200),
        ("boss", "/metrics", 200),
        ("shop", "/admin", 403),
        ("shop", "/admin/models/a/activate", 403),
        ("boss", "/admin/models/a/activate", 200),
        ("both", "/admin/models/a/activate", 200),
    ],
)
def test_a_key_may_do_what_it_has_the_right_to(
    name: str, path: str, status: int, guarded: Access, made: dict[str, str]
) -> None:
    response = ask(guarded, "POST", path, headers=as_bearer(made[name]))  # type: ignore[arg-type]

    if status == 403:
        right = "predict" if path == "/predict" else "admin"
        detail = f"The key {name!r} has not the right {right!r}. Ask with one that has."
        assert assert_problem(response, 403, "forbidden")["detail"] == detail
    assert response.status_code == status


def test_a_key_may_come_either_way_but_not_both(guarded: Access, made: dict[str, str]) -> None:
    shop = made["shop"]
    basic = {"Authorization": "Basic YTpi", "X-API-Key": shop}  # the first is for a proxy in front

    for headers in (as_bearer(shop), {"authorization": f"bearer  {shop} "}, {"X-API-Key": shop}, basic):
        assert ask(guarded, path="/models", headers=headers).status_code == 200  # type: ignore[arg-type]
    twice = ask(guarded, path="/models", headers=[("X-API-Key", shop), ("X-API-Key", "x")])  # type: ignore[arg-type]
    assert assert_problem(twice, 401, "unauthorized")["detail"] == "The request carries 2 keys; expected one."


@pytest.mark.parametrize("presented", ["", "x", "Bearer", "bf_" + "A" * 43, "\xff" * 9000])
def test_a_key_that_is_not_known_is_refused_and_not_told_back(presented: str, guarded: Access) -> None:
    headers = [(b"X-API-Key", presented.encode("latin-1"))]

    document = assert_problem(ask(guarded, path="/models", headers=headers), 401, "unauthorized")  # type: ignore[arg-type]

    assert document["detail"] == "The key is not known. Send one that 'bifocal-service keys add' has made."


def test_the_exchange_is_told_whose_key_it_was(guarded: Access, made: dict[str, str]) -> None:
    exchange = Exchange("1", "GET")

    async def with_exchange(scope, receive, send):  # type: ignore[no-untyped-def]
        scope["state"] = {"exchange": exchange}
        await guarded(scope, receive, send)

    ask(with_exchange, path="/models", headers=as_bearer(made["shop"]))
    assert exchange.key == "shop"


def test_without_keys_all_is_open_but_for_admin_on_the_network() -> None:
    for is_local in (True, False):
        assert ask(app(Rules(None, is_local)), "POST", "/predict").status_code == 200  # type: ignore[arg-type]

    response = ask(app(Rules(None, is_local=False)), "POST", "/admin/x", headers=LOCAL)  # type: ignore[arg-type]
    assert assert_problem(response, 403, "forbidden")["detail"] == (
        "There is no admin key. Make one with 'bifocal-service keys add NAME --right admin --file keys.json' and serve "
        "with --keys keys.json."
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:1", "LocalHost", "[::1]:8000", "127.9.9.9"])
def test_without_keys_a_program_on_this_machine_may_administrate(host: str) -> None:
    same_page = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}

    for headers in ({"Host": host}, same_page):
        assert ask(app(Rules(None, is_local=True)), "POST", "/admin/x", headers=headers).status_code == 200  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Host": "evil.example:8000"}, "only who asks for 127.0.0.1 or localhost"),
        ({"Host": "127.0.0.1.evil.example"}, "only who asks for 127.0.0.1 or localhost"),
        ({"Host": "[evil"}, "only who asks for 127.0.0.1 or localhost"),
        ({"Host": ""}, "only who asks for 127.0.0.1 or localhost"),
        ({**LOCAL, "Origin": "http://evil.example"}, "other pages in a browser"),
        ({**LOCAL, "Origin": "null"}, "other pages in a browser"),
        ({**LOCAL, "Sec-Fetch-Site": "cross-site"}, "other pages in a browser"),
        ({**LOCAL, "X-Forwarded-For": "1.2.3.4"}, "requests through a proxy (x-forwarded-for)"),
        ({**LOCAL, "Forwarded": "for=1.2.3.4"}, "requests through a proxy (forwarded)"),
    ],
)
def test_without_keys_neither_pages_nor_proxies_may(headers: dict[str, str], why: str) -> None:
    response = ask(app(Rules(None, is_local=True)), "POST", "/admin/x", headers=headers)  # type: ignore[arg-type]

    assert why in assert_problem(response, 403, "forbidden")["detail"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),  # noqa: S104
     ("192.168.1.2", False), ("localhost.example.org", False), ("", False)],
)  # fmt: skip
def test_only_loopback_addresses_are_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_to_be_reachable_takes_keys_or_a_word_that_it_is_wanted(tmp_path: Path) -> None:
    for fine in ({}, {"host": "0.0.0.0", "insecure": True}, {"host": "0.0.0.0", "keys": tmp_path / "keys.json"}):  # noqa: S104
        check_exposure(Settings(**fine))

    with pytest.raises(SpecError, match=r"^host 0\.0\.0\.0: .*--keys keys\.json \(BIFOCAL_KEYS\), or say --insecure"):
        check_exposure(Settings(host="0.0.0.0"))  # noqa: S104


def test_a_refusal_has_the_form_of_the_api_that_was_asked(guarded: Access) -> None:
    response: httpx.Response = ask(guarded, "POST", "/v2/models/a/infer")  # type: ignore[arg-type]

    assert (response.status_code, list(response.json())) == (401, ["error"])
