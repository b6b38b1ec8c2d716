"""What a typed line gives."""

from collections.abc import Mapping, Sequence

from hypothesis import given as for_any
from hypothesis import strategies as st
import pytest

from bot.parsing import bind, bind_partly, complete, given, head
from domain.errors import BadArguments
from domain.field import Field, FieldType
from workflows.syntax import parse

DEPLOY = parse("deploy <service> <version> to <environment>")
FIELDS = (
    Field(name="service", type=FieldType.SERVICE),
    Field(name="version", type=FieldType.VERSION),
    Field(name="environment", type=FieldType.ENVIRONMENT),
    Field(name="reason", required=False, flag_only=True),
    Field(name="dry_run", type=FieldType.BOOLEAN, required=False, flag_only=True),
)
CATALOGUE = {
    FieldType.SERVICE: ("shop", "billing"),
    FieldType.ENVIRONMENT: ("staging", "prod"),
}
PLAIN = {"service": "shop", "version": "v1.1.0", "environment": "prod"}


def known(field: Field, before: Mapping[str, str]) -> Sequence[str] | None:
    return CATALOGUE.get(field.type)


def bound(line: str) -> Mapping[str, str]:
    return bind(line, DEPLOY, FIELDS, known)


def sentence(line: str) -> str:
    with pytest.raises(BadArguments) as refused:
        bound(line)
    return refused.value.words


STATUS = parse("status [service] [in environment] [id]")
LOOKED_FOR = (
    Field(name="service", type=FieldType.SERVICE, required=False),
    Field(name="environment", type=FieldType.ENVIRONMENT, required=False),
    Field(name="id", type=FieldType.RUN, required=False),
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("prod", {"environment": "prod"}),
        ("PROD", {"environment": "prod"}),
        ("in prod", {"environment": "prod"}),
        ("prod shop", {"service": "shop", "environment": "prod"}),
        ("shop prod", {"service": "shop", "environment": "prod"}),
        ("shop", {"service": "shop"}),
        ("shop k7f3q2ma", BadArguments),  # a misspelled environment is no run
        ("k7f3q2ma", BadArguments),
        ("prod staging", BadArguments),
        ("--service prod", BadArguments),  # who names it means it
        ("prdo", BadArguments),
    ],
)
def test_what_may_be_left_out_is_passed_over_for_a_later_ones_value(line, expected):
    if expected is BadArguments:
        with pytest.raises(BadArguments):
            bind(line, STATUS, LOOKED_FOR, known)
    else:
        assert bind(line, STATUS, LOOKED_FOR, known) == expected
        assert bind_partly(line, STATUS, LOOKED_FOR, known) == expected


def test_a_service_called_like_an_environment_is_a_service():
    def both(field: Field, before: Mapping[str, str]) -> Sequence[str] | None:
        return ("prod", "staging") if field.type is not FieldType.RUN else None

    assert bind("prod", STATUS, LOOKED_FOR, both) == {"service": "prod"}


def test_what_must_be_given_is_never_passed_over():
    assert sentence("prod v1.1.0 shop").startswith("I know no service `prod`.")


@pytest.mark.parametrize(
    "line",
    [
        "shop v1.1.0 to prod",
        "shop v1.1.0 prod",
        "  shop   v1.1.0\n to\tprod ",
        "shop v1.1.0 in prod",  # another filler says the same
        "to prod shop v1.1.0",
        "Shop v1.1.0 to Prod",  # as phones write
        '"shop" v1.1.0 to prod',
        "\u201cshop\u201d v1.1.0 to prod",
        "--environment prod --service=shop v1.1.0",
        "shop --Version v1.1.0 prod",
        "shop v1.1.0 TO prod",
    ],
)
def test_words_find_their_placeholders(line):
    assert bound(line) == PLAIN


@pytest.mark.parametrize(
    "flag",
    [
        '--reason "PAY-812 refund fix"',
        "--reason \u201cPAY-812 refund fix\u201d",
        "--reason \u201ePAY-812 refund fix\u201c",
        "--reason \u00abPAY-812 refund fix\u00bb",
        "\u2014reason \u201cPAY-812 refund fix\u201d",
        "\u2013reason=\u201cPAY-812 refund fix\u201d",
        '--reason="PAY-812 refund fix"',
        '--reason "PAY-812\nrefund fix"',
    ],
)
def test_quotes_and_dashes_are_taken_as_keyboards_make_them(flag):
    reason = {"reason": "PAY-812 refund fix"}
    assert bound(f"shop v1.1.0 to prod {flag}") == PLAIN | reason
    assert bound(f"{flag} shop v1.1.0 to prod") == PLAIN | reason


def test_a_quote_may_hold_quotes_flags_and_fillers():
    assert bound(r'shop v1.1.0 prod --reason "say \"go\" to --all"')["reason"] == (
        'say "go" to --all'
    )


def test_a_quoted_word_is_a_value_and_nothing_else():
    assert "to" in sentence('shop v1.1.0 "to" prod')
    assert sentence('shop v1.1.0 "--reason" prod').startswith("`prod` is more than it takes.")


def test_a_truth_value_needs_no_word_after_its_flag():
    assert bound("shop v1.1.0 --dry-run prod") == PLAIN | {"dry_run": "true"}
    assert bound("shop v1.1.0 prod --dry-run=no") == PLAIN | {"dry_run": "false"}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("shop to prod", "The version is missing."),
        ("", "The service is missing."),
        ("shop v1.1.0", "The environment is missing."),
        ("shop v1.1.0 to", "The environment is missing."),
        ("shop v1.1.0 to prod now", "`now` is more than it takes."),
        ("shop v1.1.0 prod --reason a b", "Put several words in quotes."),
        ("shop v1.1.0 prod --reson x", "There is no `--reson` here. Did you mean `--reason`?"),
        ("shop v1.1.0 prod --reason", "What comes after `--reason`?"),
        ("shop v1.1.0 prod --reason --dry-run", "What comes after `--reason`?"),
        ('shop v1.1.0 prod --reason ""', "The reason is empty."),
        ('shop v1.1.0 prod --reason "x', 'The quote that begins at `"x` does not end.'),
        (
            "shop v1.1.0 prod to staging",
            "The environment is given twice: `prod` and `staging`.",
        ),
        ("shop v1.1.0 --version v2 prod", "The version is given twice: `v1.1.0` and `v2`."),
        ("shpo v1.1.0 prod", "I know no service `shpo`. Known: shop, billing."),
        ("\uff53hop v1.1.0 prod", "I know no service"),  # a full-width letter is another one
        ("* v1.1.0 prod", "I know no service `*`."),
        ("../shop v1.1.0 prod", "I know no service `../shop`."),
        ("shop $(id) prod", "`$(id)` is no version, such as v1.2.3."),
        ("shop v1.1.0 prod --reason a\x00b", "control character"),
        ("shop " * 2000, "That is longer than 8000 characters."),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(line, says):
    assert says in sentence(line)


def test_a_missing_argument_is_told_with_the_syntax_line():
    assert sentence("shop to prod") == (
        "The version is missing. The command is `deploy <service> <version> to <environment>`."
    )


WHY = parse("can <person> <command…>")
WHY_FIELDS = (Field(name="person"), Field(name="command", type=FieldType.REST))


def test_the_rest_of_a_line_stays_as_it_was_typed():
    line = 'dev-1  deploy shop  v1 to prod --reason "half a quote'
    assert given(line, WHY, WHY_FIELDS) == {
        "person": "dev-1",
        "command": 'deploy shop  v1 to prod --reason "half a quote',
    }


def test_a_question_may_leave_arguments_out():
    assert bind_partly("shop to prod", DEPLOY, FIELDS, known) == {
        "service": "shop",
        "environment": "prod",
    }


def test_a_default_stands_in_for_what_was_not_given():
    lines = Field(name="lines", type=FieldType.NUMBER, required=False, default="30")
    assert complete({}, parse("logs [--lines n]"), [lines], known) == {"lines": "30"}


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("", ("", "")),
        ("  ", ("", "")),
        ("help", ("help", "")),
        (" deploy  shop  v1 ", ("deploy", "shop  v1")),
        ("deploy\nshop v1", ("deploy", "shop v1")),
    ],
)
def test_the_first_word_names_the_command(line, parts):
    assert head(line) == parts


@for_any(st.text(max_size=200))
def test_any_line_is_bound_or_refused(line):
    try:
        values = bind(line, DEPLOY, FIELDS, known)
    except BadArguments:
        return
    assert values["service"] in CATALOGUE[FieldType.SERVICE]
    assert values["environment"] in CATALOGUE[FieldType.ENVIRONMENT]


VISIBLE = st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])


@for_any(st.text(alphabet=VISIBLE, min_size=1))
def test_whatever_is_quoted_comes_out_as_it_went_in(reason):
    quoted = reason.translate(
        str.maketrans({'"': '\\"', "\\": "\\\\"} | dict.fromkeys("“”»", "'"))
    )
    expected = reason.translate(str.maketrans(dict.fromkeys("“”»", "'")))
    assert bound(f'shop v1.1.0 prod --reason "{quoted}"')["reason"] == expected


@pytest.mark.parametrize(
    ("line", "comment"),
    [
        ("k7f3q2ma looks fine", "looks fine"),
        ('k7f3q2ma "looks fine"', "looks fine"),
        ('k7f3q2ma --comment "looks fine"', "looks fine"),
        ("k7f3q2ma --comment=fine", "fine"),
        ('k7f3q2ma "all" is fine', '"all" is fine'),
        ("k7f3q2ma to be sure", "to be sure"),
        ("k7f3q2ma -- no flag", "-- no flag"),
        ("k7f3q2ma", None),
    ],
)
def test_words_behind_a_run_are_the_comment(line, comment):
    asked = parse("approve <id> [comment…]")
    fields = (
        Field(name="id", type=FieldType.RUN),
        Field(name="comment", required=False),
    )

    assert given(line, asked, fields).get("comment") == comment


def test_a_command_in_a_command_keeps_its_flags():
    asked = parse("why <command…>")
    fields = (Field(name="command", type=FieldType.REST),)

    assert given("deploy --command x", asked, fields) == {"command": "deploy --command x"}
