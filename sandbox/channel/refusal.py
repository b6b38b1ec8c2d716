"""What the simulated Teams says no with."""

from http import HTTPStatus


class Refusal(Exception):
    """An answer other than 2xx, in the Bot Connector's words.

    https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference#errorresponse-object
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        sentence: str,
        *,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.retry_after_seconds = retry_after_seconds


def malformed(sentence: str) -> Refusal:
    """The request makes no sense."""
    return Refusal(HTTPStatus.BAD_REQUEST, "BadSyntax", sentence)


def unknown_conversation() -> Refusal:
    """There is no such conversation, or it is not theirs to see."""
    return Refusal(HTTPStatus.NOT_FOUND, "ConversationNotFound", "There is no such conversation.")


def unknown_message() -> Refusal:
    """There is no such message in that conversation, or it was deleted."""
    sentence = "There is no such message in the conversation."
    return Refusal(HTTPStatus.NOT_FOUND, "ActivityNotFoundInConversation", sentence)
