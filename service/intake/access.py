"""Who may ask for what: API keys, and what is open without them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from model.errors import ForbiddenError, RequestError, SpecError, UnauthorizedError
from service import errors
from service.intake.keys import Key, Keys
from service.settings import Settings

# For probes, and for the page and the documentation, which know nothing of the models.
_OPEN = {"/", "/healthz", "/readyz", "/v2/health/live", "/v2/health/ready", "/docs", "/openapi.json", "/favicon.ico"}
_OPEN_FOLDERS = ("/static-offline-docs/", "/page/")
# A request with one of these came through a proxy, so "from this machine" says nothing of who asks.
_OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def check_exposure(settings: Settings) -> None:
    """Refuses to listen where others can reach the service, unless it asks for keys or that was said to be wanted.

    Raises:
        SpecError: saying both ways out.
    """
    if not (is_loopback(settings.host) or settings.keys or settings.insecure):
        raise SpecError(
            f"host {settings.host}: others can reach this address, and no keys are asked for. Make a key with "
            "'bifocal-service keys add NAME --right predict --file keys.json' and serve with --keys keys.json "
            "(BIFOCAL_KEYS), or say --insecure (BIFOCAL_INSECURE=1) to let everybody in, as behind a proxy that checks."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it: 127.0.0.0/8, ::1 or "localhost". Other names are not looked up."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@dataclass(frozen=True)
class Rules:
    """What a request needs.

    Args:
        keys: those that are known; None if none are asked for.
        is_local: the service listens on a loopback address.
    """

    keys: Keys | None
    is_local: bool

    def check(self, path: str, headers: Headers) -> Key | None:
        """Lets a request pass, or not.

        Returns:
            The key it carries, if keys are asked for and the path is not open.

        Raises:
            UnauthorizedError: if it carries no key, or one that is not known.
            ForbiddenError: if it asks for what needs a key that nobody has.
        """
        if self.keys is None:
            if _is_admin(path):
                self._check_admin_without_keys(headers)
            return None
        if path in _OPEN or path.startswith(_OPEN_FOLDERS):
            return None
        return self._key(self.keys, headers)

    def check_right(self, path: str, key: Key) -> None:
        """Lets the bearer of a key do something, or not.

        Raises:
            ForbiddenError: if the key has not the right to it.
        """
        right = "admin" if _is_admin(path) else "predict"
        if path != "/metrics" and right not in key.rights:
            raise ForbiddenError(f"The key {key.name!r} has not the right {right!r}. Ask with one that has.")

    def _key(self, keys: Keys, headers: Headers) -> Key:
        presented = headers.getlist("x-api-key") or [
            value[7:].strip() for value in headers.getlist("authorization") if value[:7].lower() == "bearer "
        ]
        if not presented:
            raise UnauthorizedError("This needs a key. Send it as 'Authorization: Bearer KEY' or as 'X-API-Key: KEY'.")
        if len(presented) > 1:
            raise UnauthorizedError(f"The request carries {len(presented)} keys; expected one.")
        key = keys.of(presented[0])
        if key is None:
            raise UnauthorizedError("The key is not known. Send one that 'bifocal-service keys add' has made.")
        return key

    def _check_admin_without_keys(self, headers: Headers) -> None:
        """Lets pass who asks on this machine by itself: not through a proxy, and not a page that a browser shows.

        A page can ask a loopback address too, and can even read the answer when its own name is made to point there
        (DNS rebinding); but then the request names that page's host.
        """
        no_key = "There is no admin key. Make one with 'bifocal-service keys add NAME --right admin --file keys.json'"
        if not self.is_local:
            raise ForbiddenError(f"{no_key} and serve with --keys keys.json.")
        of_proxy = next((name for name in _OF_PROXIES if name in headers), None)
        if of_proxy is not None:
            raise ForbiddenError(f"{no_key}: without one, requests through a proxy ({of_proxy}) may not do this.")
        host, *others = headers.getlist("host") or [""]
        if others or not is_loopback(_host_of(host)):
            raise ForbiddenError(f"{no_key}: without one, only who asks for 127.0.0.1 or localhost may do this.")
        is_of_another_page = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        if is_of_another_page or headers.get("origin", f"http://{host}") != f"http://{host}":
            raise ForbiddenError(f"{no_key}: without one, other pages in a browser may not do this.")


class Access:
    """Refuses requests that `Rules` do not let pass, before anything of them is read.

    Args:
        app: what it surrounds.
        rules: what a request needs.
    """

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            key = self._rules.check(scope["path"], Headers(scope=scope))
            if key is not None:
                exchange = scope.get("state", {}).get("exchange")
                if exchange is not None:
                    exchange.key = key.name  # also of one that lacks the right: whose it is will be asked
                self._rules.check_right(scope["path"], key)
        except RequestError as error:
            await errors.of(error, scope)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_admin(path: str) -> bool:
    return path == "/admin" or path.startswith("/admin/")


def _host_of(header: str) -> str:
    """The host of a `Host` header, without its port."""
    if header.startswith("["):
        return header.partition("]")[0][1:]
    return header.partition(":")[0]
