"""Which address, lock, credentials and certificates a URL and Terraform's variables mean."""

import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from reconciler.diagnostics import StateError
from reconciler.state import open_backend
from reconciler.state.http_settings import Request, Settings, beside, settings
from tests.state.http_server import Dialect, StateServer
from tests.state.place_http import environment

OURS = "https://host/state/ours"
GITLAB = "https://gitlab.example/api/v4/projects/group%2Fproject/terraform/state/ours"


def of(url: str, **variables: str) -> Settings:
    return settings(url, {f"TF_HTTP_{name}": value for name, value in variables.items()})


def locks(url: str, **variables: str) -> tuple[Request, Request]:
    found = of(url, **variables)
    return found.lock, found.unlock


def test_by_default_the_lock_is_at_the_address() -> None:
    """With verbs of its own, as Terraform's documentation has it."""
    assert locks(OURS) == (Request("LOCK", OURS), Request("UNLOCK", OURS))


@pytest.mark.parametrize(
    "url", [GITLAB, GITLAB.replace("group%2Fproject", "7"), GITLAB.replace("example/", "example/sub/")]
)
def test_gitlabs_lock_is_below_the_address(url: str) -> None:
    """So that nobody has to set what is the same for all."""
    assert locks(url) == (Request("POST", f"{url}/lock"), Request("DELETE", f"{url}/lock"))


def test_the_variables_of_the_lock_win() -> None:
    """The lock may be anywhere; who names one address for it means both."""
    assert locks(OURS, LOCK_ADDRESS="https://host/lock", LOCK_METHOD="put", UNLOCK_METHOD="delete") == (
        Request("PUT", "https://host/lock"),
        Request("DELETE", "https://host/lock"),
    )
    assert locks(GITLAB, LOCK_METHOD="LOCK", UNLOCK_ADDRESS="https://host/unlock") == (
        Request("LOCK", f"{GITLAB}/lock"),
        Request("DELETE", "https://host/unlock"),
    )


AUDIT = "https://host/state/ours-audit"


@pytest.mark.parametrize("address", [OURS, ""])
@pytest.mark.parametrize(
    ("theirs", "lock"),
    [
        (f"{OURS}/lock", Request("POST", f"{AUDIT}/lock")),
        (OURS, Request("POST", AUDIT)),
        (f"{OURS}?lock=1", Request("POST", f"{AUDIT}?lock=1")),
        (f"{OURS}2/lock", Request("POST", AUDIT)),
        ("https://host/lock", Request("POST", AUDIT)),
    ],
)
def test_another_place_at_the_lockfiles_server(address: str, theirs: str, lock: Request) -> None:
    """What the variables say of the lockfile is no lock of another place: that one's is made as the lockfile's was."""
    said = {"ADDRESS": address, "LOCK_ADDRESS": theirs, "LOCK_METHOD": "POST", "USERNAME": "me", "PASSWORD": "x"}
    environ = {f"TF_HTTP_{name}": value for name, value in said.items()}
    found = settings(AUDIT, beside(environ, OURS, AUDIT))
    assert (found.lock, found.username, found.read.address) == (lock, "me", AUDIT)


def test_another_place_elsewhere() -> None:
    """Another server is told no credentials; where the lockfile is at none, they are for whatever is given."""
    environ = {"TF_HTTP_USERNAME": "me", "TF_HTTP_LOCK_ADDRESS": "https://else/lock"}
    withheld = settings(AUDIT, beside(environ, "https://else/state", AUDIT))
    assert (withheld.lock, withheld.username, withheld.withheld) == (Request("LOCK", AUDIT), "", True)
    given = settings(AUDIT, beside(environ, "s3://bucket/reconciler.lock", AUDIT))
    assert (given.lock.address, given.username) == ("https://else/lock", "me")


@pytest.mark.parametrize(
    ("named", "about_us"),
    [
        ("", True),
        (OURS, True),
        ("https://HOST:443/state/ours", True),
        ("https://host/state/theirs", False),
        ("https://host/state/ours?other", False),
        ("http://host/state/ours", False),
        ("https://[bad", False),
    ],
)
def test_the_lock_of_another_state_is_not_ours(named: str, about_us: bool) -> None:
    """Pipelines set the variables for Terraform's own state: its lock must not be taken for ours, nor freed."""
    variables = {"LOCK_ADDRESS": "https://host/lock", "LOCK_METHOD": "POST", "UNLOCK_METHOD": "DELETE"}
    found = of(OURS, ADDRESS=named, UPDATE_METHOD="PUT", **variables)
    assert (found.lock == Request("POST", "https://host/lock")) == about_us
    assert (found.lock == Request("LOCK", OURS)) != about_us
    assert (found.write.method == "PUT") == about_us


@pytest.mark.parametrize("url", ["http:", "https:", "HTTPS:"])
def test_a_scheme_alone_is_the_address_in_the_variable(url: str) -> None:
    """A configuration that names no server can be the same in every pipeline."""
    found = of(url, ADDRESS=OURS, LOCK_ADDRESS="https://host/lock")
    assert (found.url, found.read, found.lock.address) == (OURS, Request("GET", OURS), "https://host/lock")
    with pytest.raises(StateError, match="TF_HTTP_ADDRESS, which is not set"):
        of(url)


def test_credentials_are_for_the_server_that_is_named() -> None:
    """Whoever can change a configuration must not be able to send Terraform's password to a server of theirs."""
    named = {"ADDRESS": OURS, "USERNAME": "ana", "PASSWORD": "s3cret", "SKIP_CERT_VERIFICATION": "true"}
    same, other = of("https://host/state/other", **named), of("https://elsewhere/state", **named)
    assert (same.username, same.password, same.withheld, same.trust.verify) == ("ana", "s3cret", False, False)
    assert (other.username, other.password, other.withheld, other.trust.verify) == ("", "", True, True)


def test_withheld_credentials_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or nobody would find out why they do not help."""
    for name, value in environment(ADDRESS=OURS).items():
        monkeypatch.setenv(name, value)
    with StateServer() as server, pytest.raises(StateError, match="denied") as caught:
        open_backend(server.url).read()
    assert "not sent, for TF_HTTP_ADDRESS names another server" in caught.value.remedy
    assert "Authorization" not in server.state.seen[0].headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETRY_MAX", "-1"),
        ("RETRY_MAX", "many"),
        ("RETRY_WAIT_MIN", "1.5"),
        ("RETRY_WAIT_MAX", "²"),
        ("RETRY_WAIT_MAX", "9" * 5000),
        ("SKIP_CERT_VERIFICATION", "maybe"),
        ("LOCK_METHOD", "LO CK"),
        ("UNLOCK_METHOD", "DELETE\r\nX: y"),
        ("UPDATE_METHOD", "PÖST"),
        ("LOCK_ADDRESS", "host/lock"),
        ("UNLOCK_ADDRESS", "ftp://host/lock"),
        ("LOCK_ADDRESS", "https://ana:hush@host/lock"),
        ("LOCK_ADDRESS", "https://host/lock?token=hush"),
        ("LOCK_ADDRESS", "https://[hush/lock"),
        ("LOCK_ADDRESS", "https://ana:hush@ho\u2100st/lock"),
        ("CLIENT_CERTIFICATE_PEM", "hush"),
        ("CLIENT_PRIVATE_KEY_PEM", "hush"),
    ],
)
def test_what_can_not_be_meant_is_refused_by_name(name: str, value: str) -> None:
    """The variable is named and its value, which may be secret, is not shown."""
    with pytest.raises(StateError, match=f"TF_HTTP_{name}") as caught:
        of(OURS, **{name: value})
    assert caught.value.remedy
    assert "hush" not in str(caught.value) + caught.value.remedy


@pytest.mark.parametrize(
    "url", ["http:host", "https://", "http:///path", "https://host:x/", "https://ho st/", "http://h:0/"]
)
def test_what_names_no_server_is_refused(url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(StateError) as caught:
        open_backend(url)
    assert ": URL" in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("url", ["https://ana:hush@host/x", "https://host/x?private_token=hush", "https://hu[sh@host"])
def test_an_address_with_a_secret_is_refused_without_showing_it(url: str) -> None:
    """Nor one that is broken, for what is wrong with it may be the secret."""
    for act in (lambda: open_backend(url), lambda: of("http:", ADDRESS=url)):
        with pytest.raises(StateError) as caught:
            act()
        assert "hu" not in str(caught.value) + caught.value.remedy


def test_waits_and_tries_are_terraforms() -> None:
    """Two more tries after one second at least and thirty at most; a most below the least means the least."""
    assert (of(OURS).tries, of(OURS).waits) == (3, (1, 30))
    assert (of(OURS, RETRY_MAX="0", RETRY_WAIT_MIN="40").tries, of(OURS, RETRY_WAIT_MIN="40").waits) == (1, (40, 40))


def test_secrets_are_not_in_the_representation() -> None:
    """Logs and tracebacks are shared."""
    shown = repr(of(OURS, USERNAME="ana", PASSWORD="hush", CLIENT_CERTIFICATE_PEM="c", CLIENT_PRIVATE_KEY_PEM="hush"))
    assert "hush" not in shown
    assert "ana" in shown


# Certificates


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def secured(authority: trustme.CA) -> Iterator[StateServer]:
    """A server that asks for a certificate and knows only our own authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    with StateServer(Dialect(), context) as server:
        yield server


def pem(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def read(server: StateServer, monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in environment(**variables).items():
        monkeypatch.setenv(name, value)
    assert open_backend(server.url).read() is None


def test_an_authority_of_ones_own_is_believed(
    secured: StateServer, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only if it is given; who is not believed is not tried again."""
    with pytest.raises(StateError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        read(secured, monkeypatch)
    assert "TF_HTTP_CLIENT_CA_CERTIFICATE_PEM" in caught.value.remedy
    read(secured, monkeypatch, CLIENT_CA_CERTIFICATE_PEM=pem(authority))
    with pytest.raises(StateError, match="CERTIFICATE_VERIFY_FAILED"):
        read(secured, monkeypatch, CLIENT_CA_CERTIFICATE_PEM=pem(trustme.CA()))


def test_verification_can_be_left_out(secured: StateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in Terraform, by whoever knows why."""
    read(secured, monkeypatch, SKIP_CERT_VERIFICATION="true")


def test_a_client_can_have_a_certificate(authority: trustme.CA, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that insists on one lets us in; its file is gone at once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    ours = authority.issue_cert("ana@acme.example")
    with StateServer(Dialect(), context) as server:
        trusted = {"CLIENT_CA_CERTIFICATE_PEM": pem(authority), "RETRY_MAX": "0"}
        with pytest.raises(StateError, match="no answer"):
            read(server, monkeypatch, **trusted)
        read(
            server, monkeypatch, **trusted,
            CLIENT_CERTIFICATE_PEM=ours.cert_chain_pems[0].bytes().decode(),
            CLIENT_PRIVATE_KEY_PEM=ours.private_key_pem.bytes().decode(),
        )  # fmt: skip
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("broken", ["authority", "certificate", "key", "foreign key"])
def test_broken_certificates_are_told_without_showing_them(
    secured: StateServer, authority: trustme.CA, folder: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """With the variables that hold them; no file with a key stays behind."""
    ours = authority.issue_cert("ana@acme.example")
    foreign = authority.issue_cert("bo@acme.example")
    key = {"key": "hush", "foreign key": foreign.private_key_pem.bytes().decode()}
    with pytest.raises(StateError, match="can't be used") as caught:
        read(
            secured, monkeypatch,
            CLIENT_CA_CERTIFICATE_PEM="hush" if broken == "authority" else pem(authority),
            CLIENT_CERTIFICATE_PEM="hush" if broken == "certificate" else ours.cert_chain_pems[0].bytes().decode(),
            CLIENT_PRIVATE_KEY_PEM=key.get(broken, ours.private_key_pem.bytes().decode()),
        )  # fmt: skip
    assert "TF_HTTP_CLIENT_PRIVATE_KEY_PEM" in caught.value.remedy
    assert "hush" not in str(caught.value) + caught.value.remedy
    assert list(folder.iterdir()) == []
