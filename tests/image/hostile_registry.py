#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""
A registry of the tests' own, of Python's standard library: by itself it serves what it is given, as a good registry does;
`answers` makes it answer anything else, down to the bytes on the wire.

As a program it serves one hostile image on loopback until it is killed, and prints its reference:

    tests/image/hostile_registry.py OBJECT BEHAVIOUR

where BEHAVIOUR is one of hostile_images.py's, or "good".
"""
import base64
import http.server
import json
import re
import socket
import ssl
import sys
import threading

from bytecode_image import OCI_INDEX, digest

MANIFEST_PATH = re.compile(r"/v2/(?P<repository>.+)/manifests/(?P<name>[^/]+)$")
BLOB_PATH = re.compile(r"/v2/(?P<repository>.+)/blobs/(?P<name>sha256:[0-9a-f]{64})$")
REFERRERS_PATH = re.compile(r"/v2/(?P<repository>.+)/referrers/(?P<name>sha256:[0-9a-f]{64})$")
UPLOAD_PATH = re.compile(r"/v2/(?P<repository>.+)/blobs/uploads/(?P<name>[^/?]*)(\?.*digest=(?P<digest>sha256:[0-9a-f]{64}))?$")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry = None

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self):
        if self.registry.deaf:
            return self.registry.over.wait()
        # somebody who tries TLS first: a line would never end
        if not self.registry.tls and self.connection.recv(1, socket.MSG_PEEK) == b"\x16":
            return
        try:
            super().handle()
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass  # a client that has seen enough

    def log_message(self, *_):
        pass

    # what answers are made of

    def answer(self, status, body=b"", content_type="application/octet-stream", fields=()):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code, message="no", fields=()):
        self.answer(status, json.dumps({"errors": [{"code": code, "message": message}]}).encode(), "application/json", fields)

    def raw(self, data):
        """These bytes, and the end of the connection."""
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = True

    # what a good registry does

    def dispatch(self):
        registry = self.registry
        registry.log.append((self.command, self.path, dict(self.headers)))
        path = self.path.split("?")[0]
        for pattern, answer in registry.answers:
            if re.search(pattern, f"{self.command} {self.path}"):
                return answer(self)
        if registry.auth and path != "/token" and not registry.auth.accepts(self):
            return self.refuse(401, "UNAUTHORIZED", "authentication required", [registry.auth.challenge(registry)])
        if registry.auth and path == "/token":
            return registry.auth.token(self)
        for pattern, serve in ((MANIFEST_PATH, self.manifest), (BLOB_PATH, self.blob), (REFERRERS_PATH, self.referrers),
                               (UPLOAD_PATH, self.upload)):
            match = pattern.match(self.path)
            if match:
                return serve(**match.groupdict())
        return self.refuse(404, "UNKNOWN")

    do_GET = do_HEAD = do_POST = do_PUT = dispatch

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def manifest(self, repository, name):
        manifests = self.registry.manifests
        if self.command == "PUT":
            data, kind = self.body(), self.headers["Content-Type"]
            manifests[repository, name] = manifests[repository, digest(data)] = (kind, data)
            return self.answer(201, fields=[("Docker-Content-Digest", digest(data))])
        if (repository, name) not in manifests:
            return self.refuse(404, "MANIFEST_UNKNOWN", "manifest unknown")
        kind, data = manifests[repository, name]
        return self.answer(200, data, kind, [("Docker-Content-Digest", digest(data))])

    def blob(self, repository, name):
        del repository
        if name not in self.registry.blobs:
            return self.refuse(404, "BLOB_UNKNOWN", "blob unknown")
        return self.answer(200, self.registry.blobs[name])

    def referrers(self, repository, name):
        del repository
        listed = self.registry.referrers
        if listed is None:
            return self.refuse(404, "UNKNOWN")
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed.get(name, [])}
        return self.answer(200, json.dumps(index).encode(), OCI_INDEX)

    def upload(self, repository, name, digest):
        if self.command == "POST":
            return self.answer(202, fields=[("Location", f"/v2/{repository}/blobs/uploads/1?state=x")])
        del name
        self.registry.blobs[digest] = self.body()
        return self.answer(201)


class Basic:
    def __init__(self, user, password):
        self.wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def challenge(self, registry):
        del registry
        return ("WWW-Authenticate", 'Basic realm="tests"')

    def accepts(self, handler):
        return handler.headers.get("Authorization") == self.wanted

    def token(self, handler):
        handler.refuse(404, "UNKNOWN")


class Bearer(Basic):
    """A token server on the registry itself, or wherever `realm` says."""

    def __init__(self, user=None, password=None, realm=None, name="token"):
        super().__init__(user, password)
        self.is_open = user is None
        self.realm, self.name = realm, name

    def challenge(self, registry):
        realm = self.realm or f"{registry.url}/token"
        return ("WWW-Authenticate", f'Bearer realm="{realm}",service="tests",scope="repository:image:pull"')

    def accepts(self, handler):
        return handler.headers.get("Authorization") == "Bearer letmein"

    def token(self, handler):
        if not self.is_open and not super().accepts(handler):
            return handler.refuse(401, "UNAUTHORIZED")
        return handler.answer(200, json.dumps({self.name: "letmein"}).encode(), "application/json")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


class Registry:
    def __init__(self, tls=None, auth=None, address="127.0.0.1"):
        """`tls`: certificate and key, two files."""
        self.manifests = {}  # (repository, tag or digest) -> (media type, bytes)
        self.blobs = {}
        self.referrers = None  # digest -> descriptors; None: no such interface
        self.answers = []  # (pattern over "METHOD path", function of the handler); the first that matches
        self.log = []  # (method, path, fields)
        self.auth, self.tls = auth, tls
        self.deaf, self.over = False, threading.Event()  # takes connections, and reads nothing of them
        self.server = Server((address, 0), type("BoundHandler", (Handler,), {"registry": self}))
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.host = f"{address}:{self.server.server_address[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def on(self, pattern, answer):
        self.answers.append((pattern, answer))

    def asked(self, pattern):
        """The fields of requests like this one."""
        return [fields for method, path, fields in self.log if re.search(pattern, f"{method} {path}")]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


def main(path, behaviour):
    from hostile_images import BEHAVIOURS  # it imports this file
    with open(path, "rb") as file:
        data = file.read()
    with Registry() as registry:
        print(BEHAVIOURS[behaviour].serve(registry, data), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
