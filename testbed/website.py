"""Shows a folder by HTTPS, and nothing else: `python -m testbed.website FOLDER PORT CERTIFICATE KEY`."""

from __future__ import annotations

import functools
import http.server
import ssl
import sys
from collections.abc import Sequence


def main(words: Sequence[str]) -> None:
    """Serves until it is ended."""
    folder, port, certificate, key = words
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("", int(port)), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    # A handshake is then made by the connection's own thread: a client that is slow at it holds up nobody.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
