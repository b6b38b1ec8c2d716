"""Buttons are known again, and nothing else is."""

import base64
import hashlib
import hmac
import json

from hypothesis import given
from hypothesis import strategies as st
import pytest

from bot.card_tokens import BadToken, CardTokens, Press
from domain.errors import Bug

NEW, OLD, FOREIGN = b"n" * 32, b"o" * 32, b"f" * 32
TOKENS = CardTokens([NEW, OLD])
APPROVE = Press(verb="approve", run_id="k7f3q2ma", gate_id="gate-1")
TOKEN = TOKENS.sign(APPROVE)


def payload(token: str) -> dict[str, object]:
    head = token.partition(".")[0]
    return dict(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))))


def test_a_button_stands_for_what_it_was_made_for():
    assert TOKENS.verify(TOKEN, "approve") == APPROVE


def test_an_old_client_sends_no_verb_and_the_token_says_it():
    assert TOKENS.verify(TOKEN, "") == APPROVE


def test_a_button_made_under_an_older_key_still_works_and_new_ones_use_the_newest():
    before = CardTokens([OLD]).sign(APPROVE)

    assert TOKENS.verify(before, "approve") == APPROVE
    assert CardTokens([NEW]).sign(APPROVE) == TOKEN


def test_a_button_says_nothing_about_who_may_press_it():
    assert payload(TOKEN).keys() == {"v", "k", "c", "r", "g"}


@pytest.mark.parametrize("verb", ["reject", "confirm", "run", "APPROVE", "approve "])
def test_a_button_is_good_for_no_other_verb(verb):
    with pytest.raises(BadToken):
        TOKENS.verify(TOKEN, verb)


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        ".",
        "a.b",
        7,
        [TOKEN],
        {"t": TOKEN},
        f"{TOKEN}.",
        f"{TOKEN}=",
        f" {TOKEN}",
        f"{TOKEN}\n",
        TOKEN[:-1],
        TOKEN.partition(".")[0],
        TOKEN.replace(".", ""),
        "x" * 100_000,
        "\u00e9" + TOKEN[1:],
        CardTokens([FOREIGN]).sign(APPROVE),
    ],
)
def test_what_we_did_not_make_is_refused(token):
    with pytest.raises(BadToken):
        TOKENS.verify(token, "approve")


def test_the_signature_of_one_button_does_not_fit_another():
    reject = TOKENS.sign(Press(verb="reject", run_id="k7f3q2ma", gate_id="gate-1"))
    swapped = f"{reject.partition('.')[0]}.{TOKEN.partition('.')[2]}"

    with pytest.raises(BadToken):
        TOKENS.verify(swapped, "reject")


def test_a_button_signed_by_us_for_another_purpose_is_refused():
    head = TOKEN.partition(".")[0]
    raw = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))
    mac = base64.urlsafe_b64encode(hmac.new(NEW, raw, hashlib.sha256).digest())

    with pytest.raises(BadToken):
        TOKENS.verify(f"{head}.{mac.rstrip(b'=').decode()}", "approve")


@given(st.integers(0, len(TOKEN) - 1), st.integers(1, 127))
def test_any_changed_sign_is_refused(place, by):
    changed = chr((ord(TOKEN[place]) + by) % 128)
    with pytest.raises(BadToken):
        TOKENS.verify(TOKEN[:place] + changed + TOKEN[place + 1 :], "approve")


@given(st.binary(max_size=200), st.binary(max_size=64))
def test_any_invented_token_is_refused(head, tail):
    invented = ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (head, tail)
    )
    with pytest.raises(BadToken):
        TOKENS.verify(invented, "")


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=40))
def test_every_press_survives_the_way_there_and_back(verb, run_id, gate_id):
    try:
        press = Press(verb=verb, run_id=run_id, gate_id=gate_id)
        token = TOKENS.sign(press)
    except ValueError:  # half a surrogate pair is no JSON
        return
    assert TOKENS.verify(token, verb) == press


def test_without_a_key_there_are_no_buttons():
    with pytest.raises(Bug):
        CardTokens([])
