"""Where keys come from, what is no key, and what a passphrase takes."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from reconciler.state import Seal
from reconciler.state.keys import COST, KEY, OLD_KEY, OLD_PASSPHRASE_FILE, PASSPHRASE_FILE, Passphrase, Scrypt
from reconciler.state.seal import PLAIN
from tests.state.test_lockfile import refused
from tests.state.test_seal import OTHER, RANDOM, SEAL, SECRET, SMALL, WORDS, changed, wrong


def test_a_passphrase(words: str) -> None:
    """Its salt and cost stand in the envelope; another run with the same passphrase opens it, and keeps the salt."""
    data = Seal.of({PASSPHRASE_FILE: words}).encode(SMALL)
    found = json.loads(data)
    assert (found["kdf"]["name"], found["kdf"]["n"], found["kdf"]["r"], found["kdf"]["p"]) == ("scrypt", *COST)
    later = Seal.of({PASSPHRASE_FILE: words})
    assert later.decode(data, "L") == SMALL
    assert later.has_form_of(data)
    again = json.loads(later.encode(SMALL))
    assert (again["kdf"], again["key"]) == (found["kdf"], found["key"])
    assert again["nonce"] != found["nonce"]
    with wrong("L is sealed with a passphrase", f"{KEY} is e3e16780"):
        SEAL.decode(data, "L")
    with wrong("L is sealed with a passphrase", f"set {PASSPHRASE_FILE}"):
        PLAIN.decode(data, "L")
    with refused("changed after it was sealed"):
        later.decode(changed(data, '"serial": 7', '"serial": 8'), "L")


def test_another_passphrase(words: str, tmp_path: Path) -> None:
    """It is told as what it is, and so is one where a random key is needed; each has a salt of its own."""
    (tmp_path / "other").write_text("wrong horse battery staple")
    mine, other = Seal.of({PASSPHRASE_FILE: words}), Seal.of({PASSPHRASE_FILE: str(tmp_path / "other")})
    data = mine.encode(SMALL)
    with wrong("L is sealed with a passphrase", f"{PASSPHRASE_FILE} has another one"):
        other.decode(data, "L")
    assert json.loads(other.encode(SMALL))["kdf"]["salt"] != json.loads(data)["kdf"]["salt"]
    with wrong("L is sealed with key e3e16780", f"{PASSPHRASE_FILE} has a passphrase"):
        mine.decode(SEAL.encode(SMALL), "L")
    assert Seal.of({KEY: RANDOM, OLD_PASSPHRASE_FILE: words}).decode(data, "L") == SMALL


def test_a_cheaper_salt_is_read_and_not_kept(words: str) -> None:
    """Who raised the cost wants it for the next write, and a stranger must not lower it."""
    cheap = Passphrase(PASSPHRASE_FILE, WORDS.encode(), _mine=Scrypt(b"s" * 16, 2**14, 8, 1))
    data = Seal(cheap, (cheap,), plain=False).encode(SMALL)
    seal = Seal.of({PASSPHRASE_FILE: words})
    assert seal.decode(data, "L") == SMALL
    assert json.loads(seal.encode(SMALL))["kdf"]["n"] == COST[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"n": 131072', '"n": 524288'),
        ('"n": 131072', '"n": 1099511627776'),
        ('"n": 131072', '"n": 131073'),
        ('"n": 131072', '"n": 2'),
        ('"n": 131072', '"n": -131072'),
        ('"r": 8', '"r": 1024'),
        ('"r": 8', '"r": 0'),
        ('"p": 1', '"p": 1000000'),
        ('"name": "scrypt"', '"name": "argon2id"'),
        ('"salt": "', '"salt": "AAAA'),
        ('"salt": "', '"salt": "", "was": "'),
    ],
)
def test_hostile_costs_are_refused_before_they_cost_anything(old: str, new: str) -> None:
    """The parameters come from whoever may write the place, and must not take all memory or an hour."""
    kdf = msgspec.json.format(msgspec.json.encode(Scrypt(b"s" * 16, *COST)))
    data = changed(SEAL.encode(SMALL), '"nonce"', f'"kdf": {kdf.decode()},\n  "nonce"')
    passphrase = Passphrase(PASSPHRASE_FILE, WORDS.encode())
    with refused("no lockfile"):
        Seal(passphrase, (passphrase,), plain=False).decode(changed(data, old, new), "L")
    assert passphrase._made == {}


@pytest.mark.parametrize(
    "form", [RANDOM, f" {RANDOM}\n", RANDOM.rstrip("="), RANDOM.replace("+", "-").replace("/", "_")]
)
def test_a_key_is_taken_as_tools_print_it(form: str) -> None:
    """With padding or without, in both alphabets, with the newline that a pipeline's secret often ends with."""
    assert Seal.of({KEY: form}).decode(SEAL.encode(SMALL), "L") == SMALL


def test_both_alphabets_of_base64() -> None:
    """What the two have different: the bytes 0xfb and 0xff are ``+/`` in one and ``-_`` in the other."""
    secret = b"\xfb\xff" * 16
    one, two = base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode()
    assert one != two
    assert Seal.of({KEY: two}).decode(Seal.of({KEY: one}).encode(SMALL), "L") == SMALL


@pytest.mark.parametrize(
    "value",
    ["", " ", "hunter2hunter2", RANDOM[:-2], RANDOM + "AAAA", SECRET.hex(), RANDOM[:9] + "!" + RANDOM[10:], "ü" * 32],
)
@pytest.mark.parametrize("variable", [KEY, OLD_KEY])
def test_what_is_no_key_is_refused_and_not_repeated(variable: str, value: str) -> None:
    """It may be a key with a typo in it; an empty one is a pipeline's secret that is missing."""
    environ = {KEY: RANDOM, variable: value}
    if (variable, value) == (OLD_KEY, ""):
        assert Seal.of(environ).reads == SEAL.reads
        return
    with wrong(variable, "openssl rand", never=tuple(filter(str.strip, [value, RANDOM]))):
        Seal.of(environ)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "empty"), (b"\r\n\n", "empty"), (b"hunter2", "too short"), (b"\0" * 5000, "too long")],
)
def test_what_is_no_passphrase_is_refused_and_not_repeated(tmp_path: Path, content: bytes, says: str) -> None:
    """An empty file would seal with nothing, and a word is guessed."""
    path = tmp_path / "words"
    path.write_bytes(content)
    with wrong(PASSPHRASE_FILE, says, never=("hunter2",)):
        Seal.of({PASSPHRASE_FILE: str(path)})


@pytest.mark.parametrize("path", [WORDS, "", ".", "\0", "x" * 5000])
def test_a_path_that_is_none_is_not_repeated(path: str) -> None:
    """Somebody may have put the passphrase itself there."""
    with wrong(PASSPHRASE_FILE, "can't be read", never=(WORDS,)):
        Seal.of({PASSPHRASE_FILE: path})


def test_the_end_of_a_passphrases_line_is_no_part_of_it(tmp_path: Path) -> None:
    """An editor ends the line, ``printf`` does not; a blank before it was typed."""
    texts = []
    for content in (b"twelve words", b"twelve words\n", b"twelve words\r\n", b"twelve words \n"):
        (tmp_path / "words").write_bytes(content)
        key = Seal.of({PASSPHRASE_FILE: str(tmp_path / "words")}).writes
        assert isinstance(key, Passphrase)
        texts.append(key.text)
    assert texts == [b"twelve words"] * 3 + [b"twelve words "]


def test_two_answers_to_one_question(words: str) -> None:
    """Both a key and a passphrase, or an old key without a new one."""
    with wrong(KEY, PASSPHRASE_FILE, "both set"):
        Seal.of({KEY: RANDOM, PASSPHRASE_FILE: words})
    with wrong(OLD_KEY, OLD_PASSPHRASE_FILE, "both set"):
        Seal.of({KEY: RANDOM, OLD_KEY: OTHER, OLD_PASSPHRASE_FILE: words})
    with wrong(OLD_KEY, "no key to seal with"):
        Seal.of({OLD_KEY: RANDOM})


WITHOUT = """
import sys
sys.modules["cryptography"] = None
from reconciler.diagnostics import StateError
from reconciler.state import Seal, new
for variable, value in zip(sys.argv[1::2], sys.argv[2::2]):
    seal = Seal.of({variable: value})
    for work in (lambda: seal.encode(new("one")), lambda: seal.decode(sys.stdin.buffer.read(), "L")):
        try:
            work()
        except StateError as error:
            print(error, "-", error.remedy)
"""


def test_the_package_may_be_missing(words: str) -> None:
    """Then the message says how to get it: most installations never seal anything."""
    arguments = [sys.executable, "-c", WITHOUT, KEY, RANDOM, PASSPHRASE_FILE, words]
    done = subprocess.run(arguments, input=SEAL.encode(SMALL), capture_output=True, check=True, env={**os.environ})
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 4
    missing = [line for line in lines if "pip install 'emporix-reconciler[encryption]'" in line]
    assert len(missing) == 3
    assert all("Python package cryptography" in line for line in missing)


CRAMPED = """
import resource, sys
import cryptography.hazmat.primitives.kdf.scrypt, hashlib
from reconciler.diagnostics import StateError
from reconciler.state import Seal, new
seal = Seal.of({sys.argv[1]: sys.argv[2]})
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 2**26, size + 2**26))
try:
    seal.encode(new("one"))
except StateError as error:
    print(error, "-", error.remedy)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells how much memory a process has")
def test_a_small_machine_is_told_what_a_passphrase_takes(words: str) -> None:
    """A container with too little memory can seal with a random key, which takes none."""
    arguments = [sys.executable, "-c", CRAMPED, PASSPHRASE_FILE, words]
    done = subprocess.run(arguments, capture_output=True, check=True, text=True)
    assert "128 MiB" in done.stdout
    assert KEY in done.stdout
