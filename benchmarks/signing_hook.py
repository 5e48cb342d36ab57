"""Valid credentials for Schemathesis: a hook that signs every request, as a careful user of it would write one.

Loaded by Schemathesis in its own process (``SCHEMATHESIS_HOOKS``). The environment names the file of the account's key.
"""

import json
import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import requests
import schemathesis
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key


class Signed(requests.auth.AuthBase):
    """Signs method, path and body parameters, as the documented dialect wants it."""

    def __init__(self, key_id: str, pem: bytes) -> None:
        self._key_id = key_id
        self._key: Any = load_pem_private_key(pem, password=None)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the two headers."""
        payload = f"{request.method}:{request.path_url}".encode()
        try:
            document = json.loads(request.body or b"")
        except (ValueError, TypeError):
            document = None
        if isinstance(document, dict):
            pairs = ((name, value) for name, value in sorted(document.items()) if value is not None)
            payload += b":" + "&".join(f"{name}={_text(value)}" for name, value in pairs).encode("utf-8", "replace")
        request.headers["X-API-Key"] = self._key_id
        request.headers["X-API-Signature"] = b64encode(self._key.sign(payload, PKCS1v15(), SHA256())).decode()
        return request


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True)


schemathesis.auth.set_from_requests(
    Signed(os.environ["SIDE_BY_SIDE_KEY_ID"], Path(os.environ["SIDE_BY_SIDE_KEY_FILE"]).read_bytes())
)
