"""Renews the token with which a Jenkins outside of the cluster logs in; runs in a pod of the CronJob, on its own.

Asks the API server for a token of the controller's ServiceAccount (TokenRequest), bound to a Secret so that deleting
the Secret ends it at once, and writes it into Jenkins' credentials (secret text, scope System) by Jenkins' own API
(jenkinsci/credentials-plugin, docs/user.adoc, "REST API"). A user of Jenkins logs in there by an API token, which
needs no crumb. Only the standard library: any image with Python 3.9 or newer will do. Tokens are never printed.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

SECONDS = 60.0
_STORE = "credentials/store/system/domain/_"
_CLASS = "org.jenkinsci.plugins.plaincredentials.impl.StringCredentialsImpl"


class RenewalError(Exception):
    """One sentence, without any token."""


def post(url: str, body: bytes, headers: Mapping[str, str], ca: Path | None) -> tuple[int, bytes]:
    """Sends a POST and gives status and body, also of a refusal.

    Args:
        url: of http or https.
        body: what to send.
        headers: of the request.
        ca: certificates to trust beside the public ones, if the file is there.

    Raises:
        RenewalError: nobody answered, or not as the certificate says.
    """
    context = ssl.create_default_context()
    if ca is not None and ca.is_file():
        context.load_verify_locations(ca)
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")  # noqa: S310
    # A redirect would carry the token to wherever it leads.
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _Straight)
    try:
        with opener.open(request, timeout=SECONDS) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (urllib.error.URLError, OSError) as error:
        raise RenewalError(f"{url} does not answer: {getattr(error, 'reason', error)}") from None


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it is an answer like any other."""

    def redirect_request(self, *_: Any) -> None:
        """Gives no new request."""


def new_token(settings: Mapping[str, str], mounted: Path) -> tuple[str, str]:
    """Asks for a token; gives it and when it expires (RFC 3339).

    Args:
        settings: `API`, `NAMESPACE`, `ACCOUNT`, `BOUND` (name of the Secret) and `HOURS`.
        mounted: folder with `token` and `ca.crt` of the pod's own ServiceAccount.
    """
    path = f"/api/v1/namespaces/{settings['NAMESPACE']}/serviceaccounts/{settings['ACCOUNT']}/token"
    bound = {"apiVersion": "v1", "kind": "Secret", "name": settings["BOUND"]}
    spec = {"expirationSeconds": int(settings["HOURS"]) * 3600, "boundObjectRef": bound}
    body = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}).encode()
    own = (mounted / "token").read_text(encoding="utf-8").strip()
    headers = {"Authorization": f"Bearer {own}", "Content-Type": "application/json"}
    status, answer = post(settings["API"] + path, body, headers, mounted / "ca.crt")
    told = json.loads(answer)
    if status != 201:
        raise RenewalError(f"the API server gives no token ({status}): {told.get('message', '')}")
    return told["status"]["token"], told["status"]["expirationTimestamp"]


def store(token: str, settings: Mapping[str, str], login: Path) -> str:
    """Writes the token into Jenkins' credentials, which are made where they are missing; gives what was done.

    Args:
        token: what to write.
        settings: `JENKINS_URL` (with a slash at its end) and `CREDENTIALS_ID`.
        login: folder with `user` and `token` of a user of Jenkins, and where its CA is private `ca.crt`.

    Raises:
        RenewalError: Jenkins refused.
    """
    ident = settings["CREDENTIALS_ID"]
    fields = {
        "scope": "SYSTEM",
        "id": ident,
        "description": "Token for Kubernetes, renewed by Buildkeep",
        "secret": token,
    }
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    pair = ":".join((login / name).read_text(encoding="utf-8").strip() for name in ("user", "token"))
    basic = base64.b64encode(pair.encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/xml"}
    for path, done in ((f"credential/{quote(ident)}/config.xml", "renewed"), ("createCredentials", "made")):
        url = f"{settings['JENKINS_URL']}{_STORE}/{path}"
        status, _ = post(url, f"<{_CLASS}>{inner}</{_CLASS}>".encode(), headers, login / "ca.crt")
        if status == 200:
            return done
        if status != 404:
            break
    needed = "its user needs an API token, Overall/Read, Credentials/Create and Credentials/Update"
    raise RenewalError(f"Jenkins refuses ({status}) at {url}: {needed}")


def main(settings: Mapping[str, str]) -> int:
    """Does it once. The exit code is 1, with a sentence on standard error, where it could not be done."""
    mounted = Path(settings.get("MOUNTED", "/var/run/secrets/kubernetes.io/serviceaccount"))
    try:
        token, expires = new_token(settings, mounted)
        done = store(token, settings, Path(settings["LOGIN"]))
    except RenewalError as error:
        print(f"not renewed: {error}", file=sys.stderr)
        return 1
    print(f"credentials {settings['CREDENTIALS_ID']} {done}; the token expires {expires}")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
