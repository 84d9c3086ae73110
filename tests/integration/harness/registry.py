# SPDX-License-Identifier: MIT OR Apache-2.0
"""Debian's docker-registry on the private host's loopback: by http or https, with a password, or with tokens of a server of the tests' own."""
import base64
import ctypes
import hashlib
import http.client
import http.server
import json
import pathlib
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

from .outcome import Fail, check, wait_for

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
TOKEN_SECONDS = 300


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=True).stdout


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Authority:
    """One that vouches for names, made for one test."""

    def __init__(self, directory, name="ca"):
        self.directory, self.name = pathlib.Path(directory), name
        self.file, self.key = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", f"/CN=tests {name}", "-keyout", self.key, "-out", self.file)

    def issue(self, name, *names):
        """(certificate, key) for names such as "DNS:registry.test" or "IP:127.0.0.1"."""
        request, certificate, key = (self.directory / f"{name}.{ending}" for ending in ("csr", "crt", "key"))
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={','.join(names)}\n", encoding="ascii")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial", "-days", 2, "-extfile", extensions,
                "-out", certificate)
        return certificate, key


def bcrypt(password):
    """docker-registry takes no other kind of hash."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    hashed = library.crypt(password.encode(), b"$2y$05$" + b"abcdefghijklmnopqrstuu")
    check(hashed and hashed.startswith(b"$2y$"), "libcrypt knows no bcrypt")
    return hashed.decode()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class TokenServer:
    """
    Gives out tokens, signed with RS256, for what a registry asks for. `users`: their passwords; those without may pull where `anonymous`.
    `asked` has (Authorization, query) of each request.
    """

    def __init__(self, directory, users=None, anonymous=True, address="127.0.0.1", port=5001):
        self.authority = Authority(directory, "tokens")
        self.users, self.anonymous, self.asked = users or {}, anonymous, []
        self.realm, self.service, self.issuer = f"http://{address}:{port}/token", "registry.test", "tests"
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((address, port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def user_of(self, authorization):
        """A user's name, "" for nobody, None for one who is not who he says."""
        if not authorization:
            return "" if self.anonymous else None
        name, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        return name if self.users.get(name) == password else None

    def answer(self, handler):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query)
        authorization = handler.headers.get("Authorization")
        self.asked.append((authorization, query))
        user = self.user_of(authorization)
        if user is None or query.get("service") != [self.service]:
            handler.send_error(401)
            return
        body = json.dumps({"token": self.token(user, query.get("scope", []))}).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def token(self, user, scopes):
        access = []
        for scope in " ".join(scopes).split():
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",") if user else ["pull"]})
        now = int(time.time())
        der = openssl("x509", "-in", self.authority.file, "-outform", "DER")
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        claims = {"iss": self.issuer, "sub": user, "aud": self.service, "exp": now + TOKEN_SECONDS, "nbf": now - 10, "iat": now,
                  "jti": str(len(self.asked)), "access": access}
        signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        return f"{signed}.{base64url(openssl('dgst', '-sha256', '-sign', self.authority.key, data=signed.encode()))}"

    def settings(self):
        return {"token": {"realm": self.realm, "service": self.service, "issuer": self.issuer, "rootcertbundle": str(self.authority.file)}}


class Registry:
    """docker-registry. Its configuration is JSON, which is YAML."""

    def __init__(self, program, directory, address="127.0.0.1", port=5000, name=None, tls=None, users=None, tokens=None):
        self.program, self.directory = program, pathlib.Path(directory)
        self.address, self.port, self.tls, self.host = address, port, tls, f"{name or address}:{port}"
        self.process = None
        self.directory.mkdir()
        self.configuration = self.directory / "config.yml"
        self.configuration.write_text(json.dumps(self.settings(users, tokens)), encoding="utf-8")
        self.start()

    def settings(self, users, tokens):
        http_settings = {"addr": f"{self.address}:{self.port}", "secret": "tests"}
        if self.tls:
            http_settings["tls"] = {"certificate": str(self.tls[0]), "key": str(self.tls[1])}
        storage = {"filesystem": {"rootdirectory": str(self.directory / "storage")}, "delete": {"enabled": True}}
        settings = {"version": 0.1, "log": {"level": "warn"}, "storage": storage, "http": http_settings}
        if users:
            passwords = self.directory / "htpasswd"
            passwords.write_text("".join(f"{user}:{bcrypt(password)}\n" for user, password in users.items()), encoding="utf-8")
            settings["auth"] = {"htpasswd": {"realm": "tests", "path": str(passwords)}}
        if tokens:
            settings["auth"] = tokens.settings()
        return settings

    def start(self):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen([self.program, "serve", self.configuration], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self.listens, "docker-registry to listen", 20)

    def listens(self):
        check(self.process.poll() is None, f"docker-registry ended: {(self.directory / 'log').read_text(errors='replace')}")
        try:
            socket.create_connection((self.address, self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()

    def requests(self):
        """(method, path, status) of each so far."""
        words = [line.split('"') for line in (self.directory / "log").read_text(errors="replace").splitlines() if ' HTTP/1.1" ' in line and
                 not line.startswith("time=")]
        return [(*row[1].split()[:2], int(row[2].split()[0])) for row in words]

    def reference(self, repository, tag="1"):
        return f"{self.host}/{repository}@{tag}" if tag.startswith("sha256:") else f"{self.host}/{repository}:{tag}"

    # -- pushing by hand, for what no tool makes; anonymously --

    def ask(self, method, path, body=None, kind=None, accept=None):
        """(status, headers, body)"""
        context = ssl._create_unverified_context() if self.tls else None
        connection = http.client.HTTPSConnection(self.address, self.port, context=context) if self.tls else \
            http.client.HTTPConnection(self.address, self.port)
        headers = {name: value for name, value in (("Content-Type", kind), ("Accept", accept)) if value}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def asked(self, method, path, wanted, **options):
        status, headers, body = self.ask(method, path, **options)
        if status != wanted:
            raise Fail(f"{method} {path}: {status} {body!r}")
        return headers, body

    def blob_put(self, repository, data):
        """A descriptor's size and digest."""
        headers, _ = self.asked("POST", f"/v2/{repository}/blobs/uploads/", 202)
        where = urllib.parse.urlsplit(headers["Location"])
        digest = digest_of(data)
        self.asked("PUT", f"{where.path}?{where.query}&digest={digest}", 201, body=data, kind="application/octet-stream")
        return {"size": len(data), "digest": digest}

    def manifest_put(self, repository, tag, manifest):
        """Its digest; `tag` None: the digest is its only name."""
        data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        digest = digest_of(data)
        self.asked("PUT", f"/v2/{repository}/manifests/{tag or digest}", 201, body=data, kind=json.loads(data)["mediaType"])
        return digest

    def manifest_get(self, repository, tag):
        """(its bytes, its digest)"""
        _, body = self.asked("GET", f"/v2/{repository}/manifests/{tag}", 200, accept=", ".join((MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_LIST)))
        return body, digest_of(body)

    def blob_get(self, repository, digest):
        return self.asked("GET", f"/v2/{repository}/blobs/{digest}", 200)[1]

    def tags(self, repository):
        return json.loads(self.asked("GET", f"/v2/{repository}/tags/list", 200)[1])["tags"] or []
