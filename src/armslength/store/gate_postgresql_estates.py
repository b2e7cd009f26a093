"""The estates that gates on one PostgreSQL database have adopted, for those whose folder lacks one.

Each stands there under a MAC of the gates' own key: what makes an estate its own, its digest tells, but not how old its
rows are.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from armslength.store.failure import Damaged, StoreError
from armslength.store.gate_connection import ended, gate_connection
from armslength.store.gate_postgresql_tables import SHARED
from armslength.store.postgresql_place import PostgresqlPlace
from armslength.store.postgresql_server import postgresql_failure


class PostgresqlEstates:
    """`SharedEstates` in the database at `place`. Each call connects: there are few."""

    def __init__(self, place: PostgresqlPlace, site: str, row_key: bytes | None) -> None:
        """Without `row_key`, as suits whoever only reads, nobody looks at the MACs."""
        self._place, self._site = place, site
        said = b"armslength gates share estates"
        self._key = None if row_key is None else hmac.digest(row_key, said, hashlib.sha256)

    @property
    def sealed(self) -> bool:
        return self._key is not None

    def all(self) -> tuple[str, ...]:
        """The digests of those that are there. Raises `StoreError`."""
        return tuple(str(digest) for (digest,) in self._ask(f"SELECT digest FROM {SHARED}.estates"))

    def get(self, digest: str) -> Mapping[str, bytes] | None:
        """The files; None: not there. Raises `Damaged` for what no gate of this key put there."""
        rows = self._ask(f"SELECT files, mac FROM {SHARED}.estates WHERE digest = $1", digest)
        if not rows:
            return None
        data, mac = rows[0]
        if self.sealed and not hmac.compare_digest(mac, self._mac(digest, data)):
            raise Damaged(f"{self._place}: the estate {digest} there is not one that a gate put there")
        try:
            return {name: b64decode(text) for name, text in json.loads(data).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise Damaged(f"{self._place}: the estate {digest} there cannot be read") from error

    def put(self, digest: str, files: Mapping[str, bytes]) -> None:
        """In the place of what was there. Raises `StoreError`."""
        data = json.dumps({name: b64encode(files[name]).decode() for name in sorted(files)}).encode()
        self._ask(
            f"INSERT INTO {SHARED}.estates VALUES ($1, $2, $3, extract(epoch FROM now())::bigint)"
            " ON CONFLICT (digest) DO UPDATE SET files = excluded.files, mac = excluded.mac, at = excluded.at",
            digest,
            data,
            self._mac(digest, data),
        )

    def _mac(self, digest: str, data: bytes) -> bytes:
        if self._key is None:
            raise StoreError(f"{self._place}: estates are put there by whoever has row.key")
        return hmac.digest(self._key, f"{digest}\n".encode() + data, hashlib.sha256)

    def _ask(self, sql: str, *values: str | bytes) -> list[list[Any]]:
        with self._connection() as raw:
            return list(raw.execute_unnamed(sql, vals=values).rows or ())

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        raw = gate_connection(self._place, self._site)
        try:
            yield raw
        except StoreError:
            raise
        except Exception as error:
            raise postgresql_failure(self._place.address, error) from None
        finally:
            ended(raw)
