"""Where credentials and the host come from, and that nobody sees them."""

import pytest

from reconciler.diagnostics import CredentialsError
from reconciler.emporix.credentials import DEFAULT_URL, Credentials, api_url, credentials_for

ID, SECRET, TOKEN = "EMPORIX_CLIENT_ID", "EMPORIX_CLIENT_SECRET", "EMPORIX_ACCESS_TOKEN"


def test_for_all_tenants() -> None:
    """Variables without a suffix serve every tenant; white space around them is a copying accident."""
    assert credentials_for("acme", {ID: " a ", SECRET: "b\n"}) == Credentials("a", "b")


def test_the_tenants_own_win() -> None:
    """A tenant's own client wins over a token for all, and its own token over its own client."""
    environ = {TOKEN: "all", f"{ID}_ACME": "a", f"{SECRET}_ACME": "b"}
    assert credentials_for("acme", environ) == Credentials("a", "b")
    assert credentials_for("acme", environ | {f"{TOKEN}_ACME": "own"}) == Credentials(access_token="own")
    assert credentials_for("other", environ) == Credentials(access_token="all")


def test_half_of_a_tenants_own_client_may_be_that_of_all() -> None:
    """One secret serves clients that differ by their ids, and the other way round."""
    everybody = {ID: "all", SECRET: "shared"}
    assert credentials_for("acme", {**everybody, f"{ID}_ACME": "mine"}) == Credentials("mine", "shared")
    assert credentials_for("acme", {**everybody, f"{SECRET}_ACME": "own"}) == Credentials("all", "own")
    assert credentials_for("acme", {TOKEN: "t", SECRET: "shared", f"{ID}_ACME": "a"}) == Credentials("a", "shared")


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, [ID, SECRET, TOKEN, f"{ID}_ACME"]),
        ({ID: "a"}, [SECRET]),
        ({SECRET: "b"}, [ID]),
        ({ID: "a", SECRET: ""}, [SECRET]),
        ({f"{ID}_ACME": "a", f"{TOKEN}_OTHER": "t"}, [f"{SECRET}_ACME"]),
    ],
)
def test_what_is_missing_is_named(environ: dict[str, str], named: list[str]) -> None:
    """The error says which variables are missing, by the tenant's own name where one half has it."""
    with pytest.raises(CredentialsError) as caught:
        credentials_for("acme", environ)
    assert all(name in caught.value.message + caught.value.remedy for name in named)


@pytest.mark.parametrize("value", ["a\nb", "a\x00b", "pässword", "a\u200bb"])
def test_what_cannot_be_sent(value: str) -> None:
    """A value that no header can hold is refused by the variable's name, without being shown."""
    with pytest.raises(CredentialsError, match=TOKEN) as caught:
        credentials_for("acme", {TOKEN: value})
    assert value not in caught.value.message + caught.value.remedy


def test_secrets_are_not_shown() -> None:
    """The repr names the client and hides the rest."""
    shown = repr(Credentials("robot", "s3cr3t", "t0k3n"))
    assert "robot" in shown
    assert "s3cr3t" not in shown
    assert "t0k3n" not in shown


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (None, DEFAULT_URL),
        ("", DEFAULT_URL),
        ("https://api.example/ ", "https://api.example"),
        ("https://gateway.example/emporix/", "https://gateway.example/emporix"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://emporix.localhost", "http://emporix.localhost"),
    ],
)
def test_api_url(given: str | None, url: str) -> None:
    """The host comes from the environment, without a slash at its end."""
    assert api_url({} if given is None else {"EMPORIX_API_URL": given}) == url


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("http://api.emporix.io", "in clear"),
        ("http://10.0.0.1", "in clear"),
        ("http://localhost.evil.example", "in clear"),
        ("ftp://api.emporix.io", "not an http"),
        ("api.emporix.io", "not an http"),
        ("https://", "not an http"),
        ("https://api.emporix.io:port", "not an http"),
        ("https://[::1", "not an http"),
        ("https://user:pass@api.emporix.io", "no user name"),
        ("https://api.emporix.io?x=1", "query"),
        ("https://api.emporix.io#x", "fragment"),
    ],
)
def test_urls_that_are_refused(given: str, said: str) -> None:
    """Secrets go over https only, and the URL, which is shown, holds none."""
    with pytest.raises(CredentialsError, match=said) as caught:
        api_url({"EMPORIX_API_URL": given})
    assert "pass" not in caught.value.message
