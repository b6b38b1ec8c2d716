"""What a typed line means, and in which thread it is said."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from bot.terminal.threads import Threads, asks
from bot.terminal.typed import (
    Answer,
    Become,
    Begin,
    Enter,
    Help,
    Press,
    Quit,
    Say,
    Unknown,
    typed,
)

FIELD = {"type": "Input.Text", "id": "in.service", "label": "Service", "isRequired": True}
QUESTION = {"body": [{"type": "TextBlock", "text": "Which service?", "style": "heading"}]}
FORM = {"body": [FIELD]}
RUN = {
    "body": [{"type": "TextBlock", "text": "Deploy shop"}, FIELD | {"isRequired": False}],
    "actions": [{"type": "Action.ShowCard", "title": "Reject", "card": {"body": [FIELD]}}],
}


def message(number: int, root: int, sender: str, *cards: Any, text: str = "") -> dict[str, Any]:
    return {
        "id": str(number),
        "root": str(root) if root else "",
        "senderName": sender,
        "isFromBot": sender == "Signalbox",
        "text": text,
        "cards": list(cards),
        "isDeleted": False,
    }


def threads(*messages: dict[str, Any]) -> Threads:
    known = Threads("dev-1", "Signalbox")
    for each in messages:
        known.note(each)
    return known


MINE = message(1, 1, "dev-1", text="@Signalbox deploy")
ASKED = message(2, 1, "Signalbox", QUESTION)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("deploy shop", Say("deploy shop")),
        ("  help ", Say("help")),
        ("", None),
        ("   ", None),
        (">", None),
        ("> shop", Answer("shop")),
        (">shop", Answer("shop")),
        ("> 2", Answer("2")),
        ("2", Press(2, "2", is_certain=False)),
        (":2", Press(2, ":2", is_certain=True)),
        ("12345", Say("12345")),
        (":as sre-1", Become("sre-1")),
        (":as", Become("")),
        (":in chat", Enter("chat")),
        (":IN  Ops Team ", Enter("Ops Team")),
        (":new", Begin("")),
        (":new deploy shop", Begin("deploy shop")),
        (":help", Help()),
        (":quit", Quit()),
        (":depoly", Unknown(":depoly")),
    ],
)
def test_a_line_means(line: str, meant: Any) -> None:
    assert typed(line) == meant


@given(st.text(max_size=12))
def test_what_is_no_word_of_ours_is_said_as_it_is(line: str) -> None:
    meant = typed(line)

    assert not isinstance(meant, Say) or meant.text == line.strip()
    assert isinstance(meant, Say) or meant is None or line.strip()[0] in ":>0123456789"


@pytest.mark.parametrize(
    ("said", "is_question"),
    [
        (message(2, 1, "Signalbox", QUESTION), True),
        (message(2, 1, "Signalbox", FORM), True),
        (message(2, 1, "Signalbox", text="**Which service?**"), True),
        (message(2, 1, "Signalbox", RUN), False),
        (
            message(2, 1, "Signalbox", text="I know no command `x`. Did you mean `y`? Say so."),
            False,
        ),
        (message(2, 1, "Signalbox", FORM) | {"isDeleted": True}, False),
    ],
)
def test_fields_and_questions_ask_and_forms_behind_buttons_do_not(
    said: dict[str, Any], is_question: bool
) -> None:
    assert asks(said) is is_question


def test_the_next_line_answers_where_i_was_asked() -> None:
    known = threads(MINE, ASKED)

    assert (known.asking, known.question, known.words("1")) == ("1", "2", "deploy")


def test_it_begins_a_post_where_nothing_is_asked_any_more() -> None:
    done = threads(MINE, ASKED, message(3, 1, "Signalbox", RUN))
    edited = threads(MINE, ASKED, ASKED | {"cards": [RUN]})

    assert (done.asking, edited.asking) == ("", "")


def test_words_about_a_wrong_answer_leave_the_question_open() -> None:
    wrong = message(3, 1, "dev-1", text="shop")
    remark = message(4, 1, "Signalbox", text="I know no version `shop`.")

    known = threads(MINE, ASKED, wrong, remark)
    assert (known.asking, known.question) == ("1", "2")
    known.note(ASKED | {"cards": [RUN]})
    assert known.asking == ""


def test_an_older_card_that_changes_does_not_hide_the_question() -> None:
    first = message(2, 1, "Signalbox", RUN)
    question = message(3, 1, "Signalbox", QUESTION)

    assert threads(MINE, first, question, first).asking == "1"


def test_what_somebody_else_is_asked_is_not_for_me() -> None:
    others = message(3, 3, "sre-1", text="@Signalbox deploy")

    assert threads(MINE, others, message(4, 3, "Signalbox", QUESTION)).asking == ""


def test_only_my_latest_thread_counts() -> None:
    later = message(3, 3, "dev-1", text="@Signalbox status")

    assert threads(MINE, ASKED, later).asking == ""
    assert threads(later, MINE, ASKED).asking == ""
    assert threads(MINE, ASKED, later, message(4, 1, "dev-1", text="shop")).asking == "1"


def test_a_thread_can_be_left() -> None:
    known = threads(MINE, ASKED)

    known.leave()
    assert (known.asking, known.question) == ("", "")
    known.note(ASKED)
    assert known.asking == ""


def test_the_latest_thread_is_the_one_in_which_the_bot_was_heard() -> None:
    others = message(3, 3, "sre-1", text="@Signalbox deploy")

    known = threads(MINE, ASKED, others, message(4, 3, "Signalbox", RUN))

    assert known.latest == "3"


def test_in_a_chat_there_are_questions_and_no_threads() -> None:
    known = threads(message(1, 0, "dev-1", text="deploy"), message(2, 0, "Signalbox", QUESTION))

    assert (known.asking, known.question, known.latest) == ("", "2", "")
    known.leave()
    assert known.question == ""
