"""Object stores: SeaweedFS with real signatures, moto, and Azurite."""

import base64
import functools
import hashlib
import hmac
import json
import shutil
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import httpx
import obstore
import pytest
from obstore.store import AzureStore, ObjectStore, S3Store

from tests.machine import unavailable
from tests.state import servers
from tests.state.places import Place

LEASE = 5.0
"""Seconds: short, because tests wait for the leases of the dead; long enough for a machine that is busy with tests."""

BUCKET = "access"
ACCOUNT, ACCOUNT_KEY = "devstoreaccount1", base64.b64encode(b"a key that only this test knows!").decode()

AWS_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class BucketPlace(Place):
    """An object of its own in a bucket that all tests share."""

    lease = LEASE
    scheme: ClassVar[str]

    def __init__(self) -> None:
        self.environment = self.server()
        self.key = f"{uuid.uuid4()}/reconciler.lock"
        self.url = f"{self.scheme}://{BUCKET}/{self.key}"

    @staticmethod
    def server() -> Mapping[str, str]:
        """Start it if that was not done yet; the environment of its clients."""
        raise NotImplementedError

    def store(self) -> ObjectStore:
        """The bucket, for what happens behind every client's back."""
        raise NotImplementedError

    def put(self, data: bytes) -> None:
        """See :class:`Place`."""
        obstore.put(self.store(), self.key, data)

    def remove(self) -> None:
        """See :class:`Place`."""
        obstore.delete(self.store(), self.key)

    def remnants(self) -> set[str]:
        """See :class:`Place`; an emptied lock object stays, because it can't be removed under a condition."""
        store, folder = self.store(), self.key.rpartition("/")[0]
        paths = {found["path"] for found in obstore.list(store, folder).collect()}
        paths = {path for path in paths if path != self.key and not path.startswith(f"{self.key}.history/")}
        return {path for path in paths if bytes(obstore.get(store, path).bytes()) != b"{}"}

    @contextmanager
    def wrong_credentials(self) -> Iterator[None]:
        """See :class:`Place`."""
        with pytest.MonkeyPatch.context() as patch:
            self.become_nobody(patch)
            yield

    @contextmanager
    def readable_only(self) -> Iterator[None]:
        """See :class:`Place`."""
        with pytest.MonkeyPatch.context() as patch:
            self.become_reader(patch)
            yield

    def become_nobody(self, patch: pytest.MonkeyPatch) -> None:
        """Take the credentials of somebody whom the server does not know."""
        raise NotImplementedError

    def become_reader(self, patch: pytest.MonkeyPatch) -> None:
        """Take the credentials of somebody who may only read."""
        raise NotImplementedError


class S3Place(BucketPlace):
    """What speaks the protocol of S3."""

    scheme = "s3"

    def store(self) -> ObjectStore:
        """See :class:`BucketPlace`."""
        return s3_store(self.environment)


class SeaweedPlace(S3Place):
    """SeaweedFS: a real server that checks signatures and rights."""

    @staticmethod
    @functools.cache
    def server() -> Mapping[str, str]:
        """See :class:`BucketPlace`."""
        weed = Path(sys.executable).with_name("weed")
        if not weed.exists():
            unavailable("SeaweedFS")
        data = servers.folder()
        identities = [
            {"name": name, "actions": actions, "credentials": [{"accessKey": name, "secretKey": f"{name}-s3cret"}]}
            for name, actions in {"admin": ["Admin", "Read", "Write", "List"], "reader": ["Read", "List"]}.items()
        ]
        (data / "s3.json").write_text(json.dumps({"identities": identities}))
        names = ("master", "volume", "filer", "s3")
        numbers = servers.free_ports(8)
        ports = dict(zip(names, numbers[:4], strict=True))
        options = [f"-{name}.port={port}" for name, port in ports.items()]
        options += [f"-{name}.port.grpc={port}" for name, port in zip(names, numbers[4:], strict=True)]
        servers.start(
            [str(weed), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={data}", "-filer", "-s3", *options,
             f"-s3.config={data / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false",
             "-volume.max=20", "-s3.autoCreateBucket=true"],
            data / "log", lambda: servers.listens(ports["s3"]),
        )  # fmt: skip
        environment = s3_environment(ports["s3"], "admin", "admin-s3cret")
        servers.until(lambda: takes_writes(environment))
        return environment

    def become_nobody(self, patch: pytest.MonkeyPatch) -> None:
        """See :class:`BucketPlace`."""
        patch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-s3cret")

    def become_reader(self, patch: pytest.MonkeyPatch) -> None:
        """See :class:`BucketPlace`."""
        for name, value in zip(AWS_NAMES, ("reader", "reader-s3cret"), strict=True):
            patch.setenv(name, value)


class MotoPlace(S3Place):
    """moto: what others test their S3 programs with; it knows no rights."""

    lacks = frozenset({"rights"})

    @staticmethod
    @functools.cache
    def server() -> Mapping[str, str]:
        """See :class:`BucketPlace`."""
        (port,) = servers.free_ports(1)
        servers.start(
            [sys.executable, str(Path(__file__).with_name("moto_server.py")), str(port)],
            servers.folder() / "log",
            lambda: servers.listens(port),
        )
        httpx.put(f"http://127.0.0.1:{port}/{BUCKET}").raise_for_status()
        return s3_environment(port, "moto", "moto-s3cret")


class AzuritePlace(BucketPlace):
    """Azurite: the vendor's own stand-in for Azure Blob Storage."""

    scheme = "az"

    @staticmethod
    @functools.cache
    def server() -> Mapping[str, str]:
        """See :class:`BucketPlace`."""
        azurite = shutil.which("azurite-blob")
        if azurite is None:
            unavailable("Azurite")
        (port,) = servers.free_ports(1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AZURITE_ACCOUNTS", f"{ACCOUNT}:{ACCOUNT_KEY}")
            servers.start(
                [azurite, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--silent",
                 "--skipApiVersionCheck", "--disableTelemetry"],
                servers.folder() / "log", lambda: servers.listens(port),
            )  # fmt: skip
        endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
        httpx.put(f"{endpoint}/{BUCKET}?restype=container&{signature('rwdlacup')}").raise_for_status()
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY,
            "AZURE_STORAGE_ENDPOINT": endpoint,
        }

    def store(self) -> ObjectStore:
        """See :class:`BucketPlace`."""
        return AzureStore(
            BUCKET, account_name=ACCOUNT, account_key=ACCOUNT_KEY, client_options={"allow_http": True},
            endpoint=self.environment["AZURE_STORAGE_ENDPOINT"],
        )  # fmt: skip

    def become_nobody(self, patch: pytest.MonkeyPatch) -> None:
        """See :class:`BucketPlace`."""
        patch.setenv("AZURE_STORAGE_ACCOUNT_KEY", base64.b64encode(b"a key that nobody knows").decode())

    def become_reader(self, patch: pytest.MonkeyPatch) -> None:
        """See :class:`BucketPlace`."""
        patch.delenv("AZURE_STORAGE_ACCOUNT_KEY")
        patch.setenv("AZURE_STORAGE_SAS_TOKEN", signature("rl"))


def takes_writes(environment: Mapping[str, str]) -> bool:
    """Whether the server is so far: it listens before it has a volume."""
    try:
        obstore.put(s3_store(environment), "first", b"x")
    except obstore.exceptions.BaseError:
        return False
    return True


def s3_environment(port: int, key: str, secret: str) -> dict[str, str]:
    """What a client of an S3 look-alike finds in its environment."""
    return {
        **dict(zip(AWS_NAMES, (key, secret), strict=True)),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": "us-east-1",
    }


def s3_store(environment: Mapping[str, str]) -> ObjectStore:
    """The bucket with an administrator's rights, whatever the environment says now."""
    return S3Store(
        BUCKET, endpoint=environment["AWS_ENDPOINT_URL"], access_key_id=environment["AWS_ACCESS_KEY_ID"],
        secret_access_key=environment["AWS_SECRET_ACCESS_KEY"], region="us-east-1",
        client_options={"allow_http": True}, retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=5)},
    )  # fmt: skip


def signature(rights: str) -> str:
    """A shared access signature of the account, as Azure's documentation has it."""
    end = (datetime.now(UTC) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {
        "sp": rights,
        "ss": "b",
        "srt": "sco",
        "st": "",
        "se": end,
        "sip": "",
        "spr": "",
        "sv": "2021-08-06",
    }
    text = "\n".join([ACCOUNT, *fields.values(), "", ""])
    digest = hmac.new(base64.b64decode(ACCOUNT_KEY), text.encode(), hashlib.sha256).digest()
    fields["sig"] = base64.b64encode(digest).decode()
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items() if value)
