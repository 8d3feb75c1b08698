"""The way to the stand-in controller: through the API server's proxy for Services, so that nothing listens here."""

from __future__ import annotations

import functools
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import kubernetes.client
import kubernetes.config
import urllib3

from testbed import paths
from testbed.controller.deploy import NAME, NAMESPACE, api_token
from testbed.errors import TestbedError

HEADER_TOKEN = "X-Buildkeep-Token"  # noqa: S105 - a header's name
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
# The client keeps a kubeconfig's certificates in files that all threads share, and shows them before they are written.
CREDENTIALS = threading.Lock()
LACKING = "there is no stand-in controller"
MAKE_IT = "Run: python -m testbed up"


def asked(method: str, path: str, kubeconfig: Path | None, query: Mapping[str, str] | None = None,
          body: bytes | None = None) -> bytes:  # fmt: skip
    """The controller's answer to a short question.

    Args:
        method: of HTTP.
        path: below the controller's URL.
        kubeconfig: an administrator's (default: the running test cluster's).
        query: parameters.
        body: what is sent.

    Raises:
        TestbedError: it said no, or cannot be reached.
    """
    kubeconfig = kubeconfig or paths.kubeconfig()
    try:
        service, headers, context = access(kubeconfig)
        url = f"{service}/{path}?{urlencode(query)}" if query else f"{service}/{path}"
        with urllib3.PoolManager(ssl_context=context) as pool:
            response = pool.request(method, url, headers=headers, retries=False, body=body,
                                    timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS))  # fmt: skip
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TestbedError(f"the controller cannot be reached: {error}", remedy=remedy(kubeconfig)) from error
    if response.status not in (200, 201):
        raise TestbedError(f"the controller answered {response.status}: {response.data.decode().strip()}")
    return response.data


def access(kubeconfig: Path) -> tuple[str, dict[str, str], ssl.SSLContext]:
    """The controller's URL, and the headers and certificates that open it."""
    if not kubeconfig.is_file():
        raise TestbedError(LACKING, remedy=MAKE_IT)
    url, headers, context = _access(kubeconfig, kubeconfig.stat().st_mtime_ns)
    return url, dict(headers), context


@functools.lru_cache(maxsize=4)
def _access(kubeconfig: Path, made: int) -> tuple[str, dict[str, str], ssl.SSLContext]:
    """What is found out once for each cluster, whose kubeconfig was written at `made`."""
    token = api_token(kubeconfig)
    if not token:
        raise TestbedError(LACKING, remedy=MAKE_IT)
    with CREDENTIALS:
        configuration: Any = kubernetes.client.Configuration()
        kubernetes.config.load_kube_config(config_file=str(kubeconfig), client_configuration=configuration)
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, configuration.key_file)
    headers = {HEADER_TOKEN: token}
    if bearer := configuration.get_api_key_with_prefix("BearerToken"):
        headers["Authorization"] = bearer
    return f"{configuration.host}/api/v1/namespaces/{NAMESPACE}/services/{NAME}:http/proxy", headers, context


def remedy(kubeconfig: Path) -> str:
    """Where to look when the controller does not answer."""
    return f"See the controller's log: kubectl --kubeconfig={kubeconfig} -n {NAMESPACE} logs deployment/{NAME}"
