"""The gateway's published port, asked as a client on this machine asks it; never for a model, which costs money."""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from posture import acme
from posture.declaration import Declaration
from posture.engine import Engine, EngineError
from rules.keys import DEVELOPMENT_KEY
from rules.setting_types import TlsMode
from rules.waiting import until

SECONDS = 15
NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME: https.days-left judges the dates, and a rotation must be possible on any day."""
REPLACEMENT_TRIES = 8
"""With two containers taking turns the wrong one answers all of them once in 256; not more than failedAuthPerMinute."""
STRANGE = "the certificate is not the declared one"
NOT_THE_API = ("/", "/ui/", "/routes", "/health", "/key/generate", "/config/yaml", "/metrics", "/docs", "/v1/files")
"""Paths that LiteLLM serves and the gateway must not."""
NOT_SERVED = (401, 404, 429)
"""The replaced container may refuse the new key inside an update, before it looks at a path."""


@dataclass
class Answer:
    """A status and headers; or, with status 0, why there was none."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    error: str = ""
    dropped: bool = False
    """Whether the request was taken and the connection closed on it, as the gateway does to floods (haproxy.cfg)."""

    def __str__(self) -> str:
        return str(self.status or self.error)


class Edge:
    """Where the gateway is, from here. TLS is trusted only with the certificate that was declared."""

    def __init__(self, declaration: Declaration, engine: Engine) -> None:
        settings = declaration.settings
        self.declaration, self._engine = declaration, engine
        self.encrypted = settings.tls_mode is not TlsMode.OFF
        self.hostname = settings.hostname
        self.port = settings.port
        self.address = _address(declaration, engine)
        self.local = engine.local
        self.expected = engine.local and settings.allow_host
        """Whether this machine is among the allowed callers for sure."""

    @cached_property
    def certificate(self) -> str:
        """The gateway's certificate chain in PEM: the declared one, or what the CA gave by ACME."""
        return self.declaration.certificate or acme.served(self.declaration, self._engine)

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
        return context

    def get(self, path: str, *, key: str | None = None, encrypted: bool | None = None, port: int = 0) -> Answer:
        """Asks for ``path``; the key is sent only behind the declared certificate.

        Inside an update the gateway that is being replaced takes turns with the new one, and may have another
        certificate, or refuse this machine: what it says counts only when all tries meet it.
        """
        return self._asked(
            lambda: self._get(path, key, encrypted, port),
            lambda it: it.error.startswith(STRANGE) or bool(it.error and self.expected and encrypted is None),
        )

    def _asked(
        self, ask: Callable[[], Answer], doubtful: Callable[[Answer], bool], tries: int = REPLACEMENT_TRIES
    ) -> Answer:
        """Asks; inside an update again, as long as the container that is being replaced may have answered."""
        for _ in range(1 if self.declaration.complete else tries):
            answer = ask()
            if not doubtful(answer):
                break
        return answer

    def _get(self, path: str, key: str | None, encrypted: bool | None, port: int) -> Answer:
        if self.address is None:
            return Answer(0, error="no answer (it listens on the engine's own loopback, which is another machine's)")
        try:
            with contextlib.closing(socket.create_connection((self.address, port or self.port), SECONDS)) as raw:
                connection = http.client.HTTPConnection(self.hostname, port or self.port)
                secure = self.encrypted if encrypted is None else encrypted
                connection.sock = self._context().wrap_socket(raw, server_hostname=self.hostname) if secure else raw
                connection.request("GET", path, headers={"authorization": f"Bearer {key}"} if key else {})
                got = connection.getresponse()
                got.read()
                return Answer(got.status, {name.lower(): value for name, value in got.getheaders()})
        except ssl.SSLCertVerificationError as error:
            return Answer(0, error=f"{STRANGE} ({error.verify_message})")
        except (OSError, http.client.HTTPException, EngineError) as error:
            dropped = isinstance(error, http.client.RemoteDisconnected)
            return Answer(0, error=f"no answer ({type(error).__name__})", dropped=dropped)

    def wait(self, seconds: float, given_up: Callable[[], bool] = lambda: False) -> None:
        """Waits, ``seconds`` or until ``given_up``, for a LiteLLM behind the gateway and that behind the front.

        No answer at all is waited for only where one must come: after a power cut the front is there first.
        """
        until(lambda: not self._starts(self.get("/healthz")) or given_up(), seconds)

    def _starts(self, answer: Answer) -> bool:
        nothing = self.expected and self.declaration.complete and not answer.status
        return answer.status == 503 or (nothing and not answer.error.startswith(STRANGE))

    def ask(self, key: str) -> dict[str, Answer]:
        """Asks everything that the access checks need."""
        first = self._first()
        if not first.status:
            return {"health": first}
        return {
            "health": first,
            "current": self._of_the_new_one("/v1/models", key, lambda status: status in (401, 429)),
            "none": self.get("/v1/models"),
            "malformed": self.get("/v1/models", key="not-a-key"),
            "wrong": self.get("/v1/models", key="sk-1234"),
            **({} if key == DEVELOPMENT_KEY else {"development": self._development()}),
            **{path: self._of_the_new_one(path, key, lambda status: status not in NOT_SERVED) for path in NOT_THE_API},
        }

    def _development(self) -> Answer:
        return self._of_the_new_one("/v1/models", DEVELOPMENT_KEY, lambda status: status == 200)

    def _first(self) -> Answer:
        """Asks whether this machine is answered. Where it must not be, one refusal inside an update is enough."""
        refused = not self.declaration.settings.allow_host
        return self._asked(lambda: self.get("/healthz"), lambda answer: refused and bool(answer.status))

    def _of_the_new_one(self, path: str, key: str, of_the_old_one: Callable[[int], bool]) -> Answer:
        """Asks with a key. Inside an update the container that is being replaced may answer too.

        It knows no key but its own, which may end with it; an earlier version serves other paths; and the gateway takes
        turns: so an answer that may be its own counts only when all tries meet one.
        """
        tries = min(REPLACEMENT_TRIES, self.declaration.settings.failed_auth_per_minute)
        return self._asked(lambda: self.get(path, key=key), lambda answer: of_the_old_one(answer.status), tries)


def _address(declaration: Declaration, engine: Engine) -> str | None:
    """Returns the address under which the published port is reached from here; None when there is none.

    With the engine on another machine, loopback is that machine's: on this one another program may listen there, which
    must never be sent the key.
    """
    settings = declaration.settings
    for address in settings.bind_addresses:
        if address.is_unspecified:
            if engine.local:
                return "127.0.0.1" if address.version == 4 else "::1"
            return urlsplit(engine.host).hostname or settings.hostname
        if engine.local or not address.is_loopback:
            return str(address)
    return None
