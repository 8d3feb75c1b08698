"""The test registry that demands credentials does so: what the builders' pushes prove rests on it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

from testbed import cluster, registry
from testbed.certificates import RESTRICTED_ADDRESS
from testbed.credentials import Credentials, read

TRUSTED = f'cacert = "{registry.CA_IN_NODE}"'
UNKNOWN_AUTHORITY = 60  # curl's exit code


def _asked(given: Credentials | None, trust: str = TRUSTED) -> tuple[int, str]:
    """Curl's exit code and the status that the registry gives to these credentials, asked from the node.

    Its settings go in by standard input: a list of processes shows no password.
    """
    host = read().host
    settings = [f'url = "https://{host}/v2/"', f'resolve = "{host}:443:{RESTRICTED_ADDRESS}"', trust,
                'output = "/dev/null"', 'write-out = "%{http_code}"', "silent", "max-time = 30"]  # fmt: skip
    settings += [f'user = "{given.user}:{given.password}"'] if given else []
    this = cluster.named()
    words = [this.engine.command, "exec", "-i", this.node, "curl", "--config", "-"]
    done = subprocess.run(words, input="\n".join(settings), capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ,
                               **this.engine.environment})  # fmt: skip
    return done.returncode, done.stdout


def test_it_takes_its_credentials_and_no_others() -> None:
    given = read()
    assert _asked(given) == (0, "200")
    assert _asked(None) == (0, "401")
    assert _asked(replace(given, password="wrong")) == (0, "401")  # noqa: S106
    assert _asked(replace(given, user="wrong")) == (0, "401")


def test_only_who_knows_the_private_authority_trusts_it() -> None:
    assert _asked(read(), trust="no-sessionid") == (UNKNOWN_AUTHORITY, "000")
