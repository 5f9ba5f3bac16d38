"""JSON Web Tokens: what the issuer signed for us is let in, and nothing that only looks like it."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from db import Database
from graphql_api.security import jwks
from tests.api_server import ApiServer
from tests.api_tokens import bearer, make_token

ISSUER, AUDIENCE = "https://issuer.example", "execgraph"
TYPENAME = {"query": "{ __typename }"}
CREATE = {"query": 'mutation { createWorkflow(input: { name: "Flow" }) { __typename } }'}
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_JWK = {**jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True), "kid": "rsa", "use": "sig"}
EC_JWK = {**jwt.algorithms.ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), "kid": "ec", "alg": "ES256"}
SHARED = base64.urlsafe_b64encode(b"shared secret of 32 bytes length").decode()
KEYS = [RSA_JWK, EC_JWK, {"kty": "oct", "kid": "oct", "k": SHARED}, {"kty": "RSA", "kid": "broken", "n": "AQ"}]


def claims(**changes: Any) -> dict[str, Any]:
    """What a good token says; None leaves a claim out."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": time.time() + 300, "role": "viewer"}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(payload: dict[str, Any], key: Any = RSA_KEY, algorithm: str = "RS256", kid: str | None = "rsa") -> str:
    return jwt.encode(payload, key, algorithm, headers={"kid": kid} if kid else {})


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("oidc") / "jwks.json"
    path.write_text(json.dumps({"keys": KEYS}))
    return path


@pytest.fixture
def trusting(database_url: str, keys_file: Path) -> Iterator[ApiServer]:
    settings = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks": str(keys_file)}
    with ApiServer(database_url, authentication="required", **settings) as server:
        yield server


def post(server: ApiServer, token: str, body: Any = TYPENAME) -> httpx.Response:
    headers = {**bearer(token), "accept": "application/graphql-response+json"}
    return server.http.post("/graphql", json=body, headers=headers)


def test_what_the_issuer_signed_for_us_is_let_in_with_its_role(trusting: ApiServer) -> None:
    for token in (
        signed(claims()),
        signed(claims(), EC_KEY, "ES256", "ec"),
        signed(claims(), algorithm="PS512"),
        signed(claims(aud=["other", AUDIENCE])),
    ):
        assert post(trusting, token).json() == {"data": {"__typename": "Query"}}
        assert post(trusting, token, CREATE).status_code == 403
    for role in ("engine", ["viewer", "engine", "unknown"]):
        assert post(trusting, signed(claims(role=role)), CREATE).status_code == 200


async def test_an_api_token_is_accepted_beside(trusting: ApiServer, database: Database) -> None:
    assert post(trusting, await make_token(database, "beside")).json() == {"data": {"__typename": "Query"}}
    assert post(trusting, "exg_a.b.c").status_code == 401


@pytest.mark.parametrize("content", ["", "[]", "5", "{}", '{"keys": 1}', "[" * 100_000, "\x00", '{"keys": [5]}'])
async def test_a_file_that_is_no_key_set_lets_nobody_in(tmp_path: Path, content: str) -> None:
    (tmp_path / "jwks.json").write_text(content)
    keys = jwks.Jwks(str(tmp_path / "jwks.json"))
    with contextlib.suppress(jwks.KeysUnknownError):
        assert await keys.key("rsa", "RS256") is None


def public_pem(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def hmac_token(secret: bytes, kid: str = "rsa", alg: str = "HS256") -> str:
    content = f"{encoded({'alg': alg, 'kid': kid, 'typ': 'JWT'})}.{encoded(claims(role='admin'))}"
    signature = hmac.new(secret, content.encode(), hashlib.sha256).digest()
    return f"{content}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


FORGERIES: dict[str, Callable[[], str]] = {
    "no algorithm": lambda: f"{encoded({'alg': 'none', 'kid': 'rsa'})}.{encoded(claims(role='admin'))}.",
    "no algorithm, in other letters": lambda: f"{encoded({'alg': 'nOnE'})}.{encoded(claims(role='admin'))}.",
    "no algorithm, with a signature": lambda: f"{encoded({'alg': 'none'})}.{signed(claims()).split('.', 1)[1]}",
    "the public key as a shared secret": lambda: hmac_token(public_pem(RSA_KEY)),
    "the key's modulus as a shared secret": lambda: hmac_token(RSA_JWK["n"].encode()),
    "a shared secret of the key set": lambda: hmac_token(b"shared secret of 32 bytes length", "oct"),
    "another key": lambda: signed(claims(), OTHER_KEY),
    "another key under an unknown name": lambda: signed(claims(), OTHER_KEY, kid="other"),
    "another key, brought along": lambda: jwt.encode(
        claims(),
        OTHER_KEY,
        "RS256",
        headers={"kid": "rsa", "jwk": jwt.algorithms.RSAAlgorithm.to_jwk(OTHER_KEY.public_key(), as_dict=True)},
    ),
    "a key for another algorithm": lambda: signed(claims(), EC_KEY, "ES256", "rsa"),
    "a key that is broken": lambda: signed(claims(), OTHER_KEY, kid="broken"),
    "no name of a key, of several": lambda: signed(claims(), OTHER_KEY, kid=None),
    "a payload that was changed": lambda: ".".join(
        [(parts := signed(claims()).split("."))[0], encoded(claims(role="admin")), parts[2]]
    ),
    "a signature that was cut off": lambda: signed(claims()).rsplit(".", 1)[0] + ".",
    "another issuer": lambda: signed(claims(iss="https://issuer.example.evil")),
    "another audience": lambda: signed(claims(aud="other")),
    "expired": lambda: signed(claims(exp=time.time() - 60)),
    "not valid yet": lambda: signed(claims(nbf=time.time() + 3600)),
    "no end": lambda: signed(claims(exp=None)),
    "no audience": lambda: signed(claims(aud=None)),
    "no issuer": lambda: signed(claims(iss=None)),
    "nobody": lambda: signed(claims(sub=None)),
    "an end that is no time": lambda: signed(claims(exp="never")),
    "no JSON": lambda: "eyJ.eyJ.eyJ",
    "nothing": lambda: "..",
    "a name that is none": lambda: f"{encoded({'alg': 'RS256', 'kid': {'a': 1}})}.{encoded(claims())}.AA",
    "very long": lambda: signed(claims(x="x" * 20_000)),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_only_looks_like_a_token_of_the_issuer_is_refused(trusting: ApiServer, forgery: str) -> None:
    response = post(trusting, FORGERIES[forgery]())
    assert response.status_code == 401
    assert response.json() == {
        "errors": [{"message": "The token is not valid", "extensions": {"code": "UNAUTHENTICATED"}}]
    }


@pytest.mark.parametrize("role", [None, "root", "", 5, {"viewer": True}, ["ADMIN"]])
def test_a_token_without_a_role_of_ours_may_do_nothing(trusting: ApiServer, role: Any) -> None:
    response = post(trusting, signed(claims(role=role)))
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")


def test_roles_and_namespaces_are_in_the_claims_that_are_set(database_url: str, keys_file: Path) -> None:
    settings = {
        "oidc_issuer": ISSUER,
        "oidc_audience": AUDIENCE,
        "oidc_jwks": str(keys_file),
        "oidc_role_claim": "realm_access.roles",
        "oidc_namespaces_claim": "https://execgraph/namespaces",
    }
    access = {"realm_access": {"roles": ["engine"]}}
    create = 'mutation { createWorkflow(input: { name: "Flow", namespace: "a" }) { __typename } }'
    with ApiServer(database_url, authentication="required", **settings) as server:
        for namespaces, made in ((["a"], "Workflow"), ("a", "Workflow"), (["b"], "InvalidInput"), ([], "InvalidInput")):
            token = signed(claims(role="admin", **access, **{"https://execgraph/namespaces": namespaces}))
            answer = post(server, token, {"query": create}).json()
            assert answer == {"data": {"createWorkflow": {"__typename": made}}}
        assert post(server, signed(claims(**access))).status_code == 403


class Issuer:
    """Serves a key set that can be changed, and counts how often it is asked."""

    def __init__(self) -> None:
        self.keys: list[Any] = [RSA_JWK]
        self.asked = 0
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = json.dumps({"keys": issuer.keys}).encode()
                moved = self.path == "/moved"
                self.send_response(302 if moved else 200)
                if moved:
                    self.send_header("location", "/jwks")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.server.shutdown()
    issuer.server.server_close()


async def test_a_new_key_of_the_issuer_is_found_and_asking_for_unknown_ones_does_not_flood_it(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "UNKNOWN_KEY_SECONDS", 0.3)
    keys = jwks.Jwks(issuer.url)
    assert await keys.key("rsa", "RS256") is not None
    issuer.keys = [EC_JWK]
    await asyncio.gather(*(keys.key(f"unknown {number}", "RS256") for number in range(50)))
    assert issuer.asked == 1
    async with asyncio.timeout(5):
        while await keys.key("ec", "ES256") is None:  # noqa: ASYNC110 - the limit of the rate passes
            await asyncio.sleep(0.05)
    assert issuer.asked == 2
    assert await keys.key("rsa", "RS256") is None


@pytest.mark.parametrize("source", ["http://127.0.0.1:1/jwks", "/nowhere/jwks.json", "moved"])
async def test_keys_that_cannot_be_read_let_nobody_in(issuer: Issuer, source: str) -> None:
    keys = jwks.Jwks(issuer.url.replace("jwks", "moved") if source == "moved" else source)
    with pytest.raises(jwks.KeysUnknownError):
        await keys.key("rsa", "RS256")


def test_a_server_that_cannot_ask_the_issuer_says_that_it_is_unavailable(database_url: str) -> None:
    settings = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks": "http://127.0.0.1:1/jwks"}
    with ApiServer(database_url, authentication="required", **settings) as server:
        response = post(server, signed(claims()))
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")


async def test_a_stream_ends_when_its_token_expires(
    database_url: str, keys_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphql_api.security.oidc.LEEWAY_SECONDS", 0)
    settings = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks": str(keys_file)}
    follow = {"query": "subscription { workflowExecutionsChanged { removedIds } }"}
    with ApiServer(database_url, authentication="required", **settings) as server:
        headers = {**bearer(signed(claims(exp=time.time() + 2))), "accept": "text/event-stream"}
        async with asyncio.timeout(10), httpx.AsyncClient() as client:
            response = await client.post(server.url, json=follow, headers=headers, timeout=10)
    assert '"UNAUTHENTICATED"' in response.text
    assert response.text.rstrip().endswith("event: complete\ndata:")
