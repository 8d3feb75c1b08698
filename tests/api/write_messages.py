"""Writes messages.yaml anew: `python -m tests.api.write_messages`. Read the difference before it is committed."""

from __future__ import annotations

import yaml

import tests.conftest  # noqa: F401 - makes the collection importable
from testbed.apiserver import ApiServer
from tests.api.api import Api
from tests.api.conftest import FLAGS, furnish, table
from tests.api.messages import FILE, of_guards, of_pods


def main() -> None:
    """Ask a server of its own."""
    with ApiServer(flags=FLAGS) as server:
        admin = Api(server)
        shop = furnish(admin, table())
        found = {"pods": of_pods(admin, shop), "guards": of_guards(server, admin)}
    text = yaml.safe_dump(found, width=110, allow_unicode=True, sort_keys=False)
    FILE.write_text(f"# Written by `python -m tests.api.write_messages`.\n---\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
