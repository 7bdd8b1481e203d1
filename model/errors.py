"""Every error Bifocal raises on purpose.

    BifocalError
    ├── SpecError               a model spec or recipe that cannot be used
    ├── ManifestError           a table of examples that cannot be used, or a row of it
    ├── ImageError              bytes that are not a usable picture
    │   └── ImageTooLargeError  a picture with more pixels than allowed
    ├── StorageError            a folder that cannot be written, weights that cannot be fetched
    ├── BundleError             a bundle on disk that is missing, broken or disagrees with itself
    ├── ClusterError            processes that cannot work together: not reached, not alike, or lost
    ├── StoppedError            a training that was asked to stop, has saved itself and can go on
    ├── WorseModelError         a model that is worse than the one it would replace, and so is not published
    ├── ServiceError            what a service answered when it refused a request of the client
    └── RequestError            a prediction request that cannot be answered as it is
        ├── MalformedError      its body does not parse
        ├── MediaTypeError      its body is of a kind that is not read
        ├── NotAcceptableError  it wants an answer of a kind that is not given
        ├── UnauthorizedError   it carries no valid key
        ├── ForbiddenError      its key has not the right that it needs
        ├── NotFoundError       it asks for a model or version that is not there
        ├── ConflictError       it asks for a version that cannot be served
        ├── TooLargeError       it is over a limit
        ├── SlowBodyError       its body did not arrive in time
        ├── NotReadyError       it came before the models were loaded, or while the server drains
        ├── OverloadedError     it would have to wait longer than it may
        └── DeadlineError       its time was over before its answer was there

A message says what is wrong, what was expected and how to mend it, and names the key, column, row or part.
Status codes and exit codes are given at the edge: `service/errors.py` and the two `cli.py`.
"""

from collections.abc import Mapping
from typing import Any


class BifocalError(Exception):
    """Base of every error in this project; its text is fit to be shown to the user."""


class SpecError(BifocalError):
    """A model spec or recipe that cannot be used."""


class ManifestError(BifocalError):
    """A manifest that cannot be used."""


class ImageError(BifocalError):
    """Bytes that are not a usable picture.

    Args:
        message: what is wrong, what was expected, how to mend it.
        input: name of the model input that they were given for, if that is known.
    """

    def __init__(self, message: str, *, input: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.input = input


class ImageTooLargeError(ImageError):
    """A picture with more pixels than allowed, told from its header before decoding."""


class StorageError(BifocalError):
    """A folder that cannot be written or has too little room, or weights that cannot be fetched to it."""


class BundleError(BifocalError):
    """A bundle that is missing, broken, or disagrees with its own golden examples."""


class ClusterError(BifocalError):
    """Processes that cannot work together: they can't be reached or used, are not alike, or were lost."""


class StoppedError(BifocalError):
    """A training was asked to stop.

    Args:
        message: what was saved and how to go on.
        signal: its number: SIGINT or SIGTERM.
    """

    def __init__(self, message: str, *, signal: int) -> None:
        super().__init__(message)
        self.signal = signal


class WorseModelError(BifocalError):
    """A model is worse than the one that it was compared with; its text says by how much."""


class ServiceError(BifocalError):
    """The service refused a request.

    Args:
        status: HTTP status code.
        problem: the problem document it sent.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('title', '')}: {problem.get('detail', '')}")
        self.status = status
        self.problem = problem


class RequestError(BifocalError):
    """A prediction request that cannot be answered as it is.

    Args:
        message: what is wrong, what was expected, how to mend it.
        input: name of the model input it is about, if it is about one.
    """

    def __init__(self, message: str, *, input: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.input = input


class MalformedError(RequestError):
    """The body does not parse."""


class MediaTypeError(RequestError):
    """The body is of a media type that is not read."""


class NotFoundError(RequestError):
    """The request names a model or version that is not there."""


class NotAcceptableError(RequestError):
    """The request accepts none of the media types that are given."""


class UnauthorizedError(RequestError):
    """The request carries no key, or one that is not known."""


class ForbiddenError(RequestError):
    """The request's key has not the right it needs."""


class ConflictError(RequestError):
    """The request asks to serve a version that cannot be served."""


class TooLargeError(RequestError):
    """The request is over a limit."""


class NotReadyError(RequestError):
    """No model can answer yet, or the server is draining."""


class SlowBodyError(RequestError):
    """The body of the request did not arrive before its deadline."""


class OverloadedError(RequestError):
    """The request would have to wait longer than its deadline, or more is in progress than is allowed.

    Args:
        message: what is wrong, what was expected, how to mend it.
        retry_after_s: seconds after which it is worth asking again.
    """

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineError(RequestError):
    """The deadline of the request passed before its answer was there."""
