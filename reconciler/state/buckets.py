"""How the object stores are opened, each with its own ecosystem's credentials, and what their errors mean.

Credentials come from the usual variables and files only: ``AWS_*`` and the profiles of the AWS command line,
``AZURE_STORAGE_*`` and ``AZURE_*``, ``GOOGLE_*`` and the application default credentials.
"""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reconciler.diagnostics import StateError
from reconciler.extras import required

if TYPE_CHECKING:
    from obstore.store import ObjectStore

TIMEOUT: Final = timedelta(seconds=30)
"""For one request: a quarter of a lease, so that one that hangs does not cost the lease."""

RETRIES: Final[dict[str, Any]] = {"max_retries": 3, "retry_timeout": TIMEOUT}
"""For what a store may answer once in a while; who needs more patience runs again."""


class Kind(NamedTuple):
    """One kind of object store: obstore's class for it, the extra that brings that, and what its conditions name.

    ``credentials`` is how variables begin that go into requests as they are, and so have one line; Google's have many.
    ``endpoints`` are the variables that name another host than the vendor's, the first that is set wins.
    """

    store: str
    extra: str
    condition: str
    credentials: str
    endpoints: tuple[str, ...]


KINDS: Final = {
    "s3": Kind("S3Store", "s3", "e_tag", "AWS_", ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")),
    "az": Kind("AzureStore", "azure", "e_tag", "AZURE_STORAGE_", ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")),
    "gs": Kind("GCSStore", "gcs", "version", "", ()),
}
"""By scheme. Google counts generations; the others give each content a tag. ``gs:`` was never run against a server."""


def connect(scheme: str, bucket: str) -> "ObjectStore":
    """The bucket or container, open; asks nobody yet. Raises StateError for settings that can't work."""
    kind = KINDS[scheme]
    stores = required("obstore.store", kind.extra, f"a lockfile at {scheme}:", StateError)
    _refuse_unprintable(kind.credentials)
    is_plain = any(os.environ.get(name, "").startswith("http:") for name in kind.endpoints)
    settings: dict[str, Any] = {
        "client_options": {"timeout": TIMEOUT, "connect_timeout": timedelta(seconds=10), "allow_http": is_plain},
        "retry_config": RETRIES,
    }
    if scheme == "s3":
        settings["credential_provider"] = _profile()
    try:
        opened: ObjectStore = getattr(stores, kind.store)(bucket, **settings)
    except BaseException as error:
        if not is_ours_to_tell(error):
            raise
        why = reason(str(error))
        raise StateError(f"{scheme}://{bucket} can't be opened: {why}", remedy=remedy(why, "it")) from None
    return opened


def _profile() -> Any:
    """Where the AWS command line would take credentials from its files, a provider that does so too."""
    if os.environ.get("AWS_ACCESS_KEY_ID") or not _has_aws_files():
        return None
    boto3 = required("boto3", "s3", "reading the profiles of the AWS command line", StateError)
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        return Boto3CredentialProvider(boto3.Session())
    except Exception as error:  # noqa: BLE001 - botocore's have no common root; their text may repeat a secret
        raise StateError(
            f"the AWS profile can't be used ({type(error).__name__})", remedy="check AWS_PROFILE and the files"
        ) from None


def _has_aws_files() -> bool:
    home = Path("~/.aws").expanduser()
    files = (
        os.environ.get("AWS_SHARED_CREDENTIALS_FILE", home / "credentials"),
        os.environ.get("AWS_CONFIG_FILE", home / "config"),
    )
    return bool(os.environ.get("AWS_PROFILE")) or any(Path(file).is_file() for file in files)


def _refuse_unprintable(prefix: str) -> None:
    """Raise StateError for a line break in a variable that holds credentials, as mounted secrets often have one.

    The libraries would give up without a word about which one it is.
    """
    for name, value in os.environ.items():
        if prefix and name.startswith(prefix) and not value.isprintable():
            raise StateError(
                f"{name} has a line break or another unprintable character in it",
                remedy="take it out",
            )


def is_ours_to_tell(error: BaseException) -> bool:
    """Whether it is an error of the store's or its library's, to be told in words; a panic there is no Exception."""
    from obstore.exceptions import BaseError

    return isinstance(error, BaseError | FileNotFoundError | ValueError) or type(error).__name__ == "PanicException"


_STATUS: Final = re.compile(r"status code: (\d{3}[A-Za-z ]*)")
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_CAUSES: Final = {
    "169.254.169.254": "no credentials were found, access denied",
    "connection refused": "nobody answers there (connection refused)",
    "dns error": "there is no such host",
    "certificate": "its certificate is not trusted",
    "timed out": "it did not answer in time",
    "builder error": "the address can't be used",
    "account must be specified": "no storage account is named (AZURE_STORAGE_ACCOUNT_NAME), or it can't be used",
}


def reason(text: str) -> str:
    """What an error of the store means, in words of ours: its own may hold a signed address, which is a secret."""
    status, code = _STATUS.search(text), _CODE.search(text)
    if status:
        word = "access denied, " if status[1].startswith(("401", "403")) else ""
        return f"{word}{status[1].strip()}" + (f" ({code[1]})" if code else "")
    lowered = text.lower()
    return next((cause for sign, cause in _CAUSES.items() if sign in lowered), "it gave no answer that can be used")


def remedy(why: str, key: str) -> str:
    """What to do about such a reason."""
    if "denied" in why:
        return (
            f"check the credentials and their rights to read and write {key}, {key}.lck, {key}.clk and {key}.history/*"
        )
    return "check the bucket, its region and the network, then try again"
