"""The connection to the API server: the only file that imports the package `kubernetes`.

Credentials are read as kubernetes.core reads them (its k8s_auth_options); requests are plain JSON over the urllib3 pool
that the package configures, since its models cost more than the requests.
"""

from __future__ import annotations

import json
import logging
import os
import random
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ansible_collections.buildkeep.ci.plugins.module_utils.client_answers import Answer, decode, status, warning_text
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError, Lost, Unreachable
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

try:
    import kubernetes.client
    import kubernetes.client.rest
    import kubernetes.config
    import urllib3

    MISSING = ""
except ImportError as problem:
    MISSING = f"the Python package kubernetes cannot be imported ({problem}): install kubernetes>=37 beside Ansible"

THREADS = 8
CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
TOKEN_SECONDS = 1.0
_NEVER = "start the cluster, or correct the server's address, proxy and certificate in the kubeconfig"
RETRIED = frozenset({429, 500, 502, 503, 504})

JSON = "application/json"
APPLY_PATCH = "application/apply-patch+yaml"  # JSON is YAML
MERGE_PATCH = "application/merge-patch+json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Collects what the package only logs: a failing credential plugin raises nothing there."""
    texts: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.append(record.getMessage())

    root, handler = logging.getLogger(), Collector(logging.ERROR)
    root.addHandler(handler)
    try:
        yield texts
    finally:
        root.removeHandler(handler)


def _load(configuration: Any, kubeconfig: str, context: str, folder: str) -> None:
    """Fills the configuration: explicit host, named kubeconfig or context, in-cluster, default kubeconfig."""
    host, token = os.environ.get("K8S_AUTH_HOST", ""), os.environ.get("K8S_AUTH_API_KEY", "")
    if host and token and not (kubeconfig or context):
        configuration.host = host.rstrip("/")
        configuration.api_key["BearerToken"] = f"Bearer {token}"
        configuration.ssl_ca_cert = os.environ.get("K8S_AUTH_SSL_CA_CERT") or None
        configuration.verify_ssl = os.environ.get("K8S_AUTH_VERIFY_SSL", "").lower() not in {"0", "false", "no"}
        return
    kubeconfig = kubeconfig or os.environ.get("K8S_AUTH_KUBECONFIG", "")
    context = context or os.environ.get("K8S_AUTH_CONTEXT", "")
    if not (kubeconfig or context):
        try:
            kubernetes.config.load_incluster_config(client_configuration=configuration)
            return
        except kubernetes.config.ConfigException:
            logging.getLogger(__name__).debug("not in a pod: reading a kubeconfig")
    kubernetes.config.load_kube_config(
        # Read now, not when the package was imported: a play may set it.
        config_file=kubeconfig or os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser()),
        context=context or None,
        client_configuration=configuration,
        persist_config=False,
        temp_file_path=folder,
    )


def _tls(configuration: Any) -> ssl.SSLContext:
    """One TLS context for all connections, so that CA and key are parsed once and their files can go."""
    context = urllib3.util.ssl_.create_urllib3_context()
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif configuration.ssl_ca_cert:
        context.load_verify_locations(configuration.ssl_ca_cert)
    else:
        context.load_default_certs()
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context


class Client:
    """A connection with keep-alive, retries and timeouts; safe to use from THREADS threads.

    Args:
        kubeconfig: path; empty means K8S_AUTH_KUBECONFIG, in-cluster, KUBECONFIG, ~/.kube/config in this order.
        context: a context of that file; empty means K8S_AUTH_CONTEXT or the file's current one.

    Raises:
        BuildkeepError: the package or the credentials cannot be loaded.
    """

    def __init__(self, kubeconfig: str = "", context: str = "") -> None:
        if MISSING:
            raise BuildkeepError([MISSING])
        configuration = kubernetes.client.Configuration()
        configuration.retries = False
        configuration.connection_pool_maxsize = THREADS
        self._lock = threading.Lock()
        self._configuration = configuration
        self._token, self._token_until = "", 0.0
        self._answered = False
        try:
            # The package writes keys to files; forked workers of Ansible never run its clean-up.
            with _logged() as logged, tempfile.TemporaryDirectory(prefix="buildkeep-") as folder:
                _load(configuration, kubeconfig, context, folder)
                context_tls = _tls(configuration) if configuration.host.startswith("https") else None
        except (kubernetes.config.ConfigException, OSError, ValueError, KeyError, TypeError) as error:
            variables = (os.environ.get(name) for name in ("K8S_AUTH_KUBECONFIG", "KUBECONFIG"))
            name = next(filter(None, (kubeconfig, *variables)), "~/.kube/config")
            raise BuildkeepError(
                [
                    f"kubeconfig {name}{f', context {context}' if context else ''}: {error}; "
                    "set buildkeep_kubeconfig (or K8S_AUTH_KUBECONFIG) to a file that names a cluster and a user"
                ]
            ) from error
        self._hint = f"; the credential plugin said: {logged[-1]}" if logged else ""
        self.url: str = configuration.host
        self._pool = kubernetes.client.rest.RESTClientObject(configuration).pool_manager
        if context_tls:
            for key in ("ca_certs", "ca_cert_data", "cert_file", "key_file"):
                self._pool.connection_pool_kw.pop(key, None)
            self._pool.connection_pool_kw["ssl_context"] = context_tls
        self._pool.connection_pool_kw["block"] = True

    def _authorization(self) -> str:
        """The bearer token, renewed if it expires; asked for once a TOKEN_SECONDS, since asking costs as a request."""
        with self._lock:
            now = time.monotonic()
            if now >= self._token_until:
                self._token = self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization") or ""
                self._token_until = now + TOKEN_SECONDS
            return self._token

    def _headers(self, accept: str, content_type: str, impersonate: Sequence[tuple[str, str]]) -> Any:
        headers = urllib3.HTTPHeaderDict({"Accept": accept, "User-Agent": "buildkeep"})
        if content_type:
            headers["Content-Type"] = content_type
        token = self._authorization()
        if token:
            headers["Authorization"] = token
        for name, value in impersonate:
            headers.add(name, value)
        return headers

    def _send(self, method: str, url: str, headers: Any, data: bytes | None) -> Any:
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        return self._pool.request(method, url, body=data, headers=headers, timeout=timeout, retries=False)

    def _unreachable(self, error: Exception, kind: type[Unreachable] = Unreachable) -> Unreachable:
        remedy = "it answered before, so wait until it is back and run this again" if self._answered else _NEVER
        return kind([f"no answer from the API server {self.url}: {error}{self._hint}; {remedy}"])

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        what: str = "",
        query: Mapping[str, str] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        impersonate: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """Sends one idempotent request; repeats it when the server is busy or the connection breaks.

        Args:
            method: HTTP method.
            path: absolute path.
            body: sent as JSON.
            what: the request in words, for errors.
            query: parameters of the URL.
            content_type: of the body.
            accept: what the answer may be.
            impersonate: pairs of Impersonate-* headers; a group may repeat.

        Raises:
            ApiError: status 400 or more. Unreachable: no answer; Lost: none for now.
        """
        data = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() if body is not None else None
        url = f"{self.url}{path}{'?' + urlencode(query) if query else ''}"
        what = what or f"{method} {path}"
        for attempt in range(1, ATTEMPTS + 1):
            headers = self._headers(accept, content_type if data is not None else "", impersonate)
            try:
                response = self._send(method, url, headers, data)
            except (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.SSLError) as error:
                refused = isinstance(error.__cause__, ConnectionRefusedError)
                raise self._unreachable(error, Lost if refused else Unreachable) from error
            except (urllib3.exceptions.HTTPError, OSError) as error:
                if attempt == ATTEMPTS:
                    raise self._unreachable(error, Lost) from error
                _pause(attempt, "")
                continue
            self._answered = True
            if response.status < 400:
                warnings = tuple(warning_text(text) for text in response.headers.getlist("Warning"))
                return Answer(response.status, decode(response.data), warnings)
            hint = self._hint if response.status == 401 else ""
            failure = ApiError(what + hint, response.status, status(response.data))
            # A lost race on the object's version or name; a conflict about fields is the caller's to decide.
            raced = failure.status == 409 and method == "PATCH" and not failure.field_conflicts()
            if attempt == ATTEMPTS or not (raced or failure.status in RETRIED):
                raise failure
            _pause(attempt, response.headers.get("Retry-After", ""))
        raise AssertionError("the loop above always returns or raises")


def _pause(attempt: int, retry_after: str) -> None:
    """Backs off: what the server asks for, else doubling from FIRST_PAUSE_SECONDS, spread by chance."""
    seconds = float(retry_after) if retry_after.isdigit() else FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
    threading.Event().wait(min(seconds, LONGEST_PAUSE_SECONDS) * random.uniform(0.8, 1.2))  # noqa: S311
