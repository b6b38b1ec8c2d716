"""Cedar text with positions: Cedar says what is wrong, here is where.

Cedar's parser and validator name a policy by its number (`policy0`, in the order of the file) and
quote the word they stumbled over, but give no line.
https://docs.cedarpolicy.com/policies/syntax-grammar.html
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
import json
import re

from workflows.yaml_source import Fault

_TOKEN = re.compile(r"""(?P<skip>\s+|//[^\n]*)|"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|::|.""", re.DOTALL)
_QUOTED = re.compile(r"`([^`]+)`")
_ENTITY_ID = re.compile(r'"[^"]*"$')
_NAMESPACE = ("namespace", "Signalbox", "{")
_DECLARED_ACTION = re.compile(r'^ *action ("(?:[^"\\]|\\.)*")', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a string or a sign."""

    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One policy: from its first word to its semicolon."""

    text: str
    tokens: tuple[Token, ...]

    @property
    def offset(self) -> int:
        """Where it begins."""
        return self.tokens[0].offset

    def annotation(self, name: str) -> int:
        """Where `@name` stands; the beginning, where it does not."""
        for sign, word in zip(self.tokens, self.tokens[1:], strict=False):
            if sign.text == "@" and word.text == name:
                return sign.offset
        return self.offset

    def blamed(self, message: str) -> int:
        """Where the word stands that *message* quotes; the beginning, if that is not certain."""
        for quoted in _QUOTED.findall(message):
            entity = _ENTITY_ID.search(quoted)
            word = entity.group() if entity else quoted
            places = [token.offset for token in self.tokens if token.text == word]
            if len(places) == 1:
                return places[0]
        return self.offset


@dataclass(frozen=True, slots=True)
class CedarText:
    """A file of Cedar: a policy set, or a schema."""

    file: str
    text: str

    def statements(self) -> tuple[Statement, ...]:
        """The policies, in order. What follows the last semicolon counts as one more."""
        return tuple(self._statements())

    def _statements(self) -> Iterator[Statement]:
        tokens: list[Token] = []
        for token in _tokens(self.text):
            tokens.append(token)
            if token.text == ";":
                yield self._statement(tokens)
                tokens = []
        if tokens:
            yield self._statement(tokens)

    def _statement(self, tokens: list[Token]) -> Statement:
        end = tokens[-1].offset + len(tokens[-1].text)
        return Statement(self.text[tokens[0].offset : end], tuple(tokens))

    def fault(self, offset: int, sentence: str) -> Fault:
        """A fault at *offset*."""
        line = self.text.count("\n", 0, offset) + 1
        column = offset - self.text.rfind("\n", 0, offset)
        return Fault(file=self.file, line=line, column=column, sentence=sentence)

    def first(self, word: str) -> int:
        """Where *word* stands first; the beginning, where it does not."""
        return next((token.offset for token in _tokens(self.text) if token.text == word), 0)

    def first_bad_declaration(self, parses: Callable[[str], bool]) -> int:
        """Where the first declaration of the schema begins that *parses* refuses.

        Each is tried together with all before it, because a schema may refer backwards.
        """
        opening = self._namespace()
        if opening is None:
            return 0
        head = self.text[: opening.offset + 1]
        depth, start = 0, None
        for token in _tokens(self.text, opening.offset + 1):
            if token.text == "}" and depth == 0:
                break
            start = token.offset if start is None else start
            depth += {"{": 1, "}": -1}.get(token.text, 0)
            if token.text == ";" and depth == 0:
                if not parses(head + self.text[opening.offset + 1 : token.offset + 1] + "}"):
                    return start
                start = None
        return start or 0

    def with_actions(self, groups: Mapping[str, str]) -> str:
        """The schema with an action for each name in *groups* (name → group of actions).

        They stand at the end of the namespace, so that every line keeps its number.
        """
        opening = self._namespace()
        if opening is None:
            return self.text
        depth = 0
        for token in _tokens(self.text, opening.offset):
            depth += {"{": 1, "}": -1}.get(token.text, 0)
            if depth == 0:
                lines = (
                    f"action {json.dumps(name)} in [{json.dumps(group)}] appliesTo "
                    "{ principal: User, resource: Target, context: Context };"
                    for name, group in groups.items()
                )
                return self.text[: token.offset] + " ".join(lines) + self.text[token.offset :]
        return self.text

    def _namespace(self) -> Token | None:
        tokens = list(_tokens(self.text))
        for three in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if tuple(token.text for token in three) == _NAMESPACE:
                return three[2]
        return None


def declared_actions(rendered: str) -> frozenset[str]:
    """The actions of a schema, from what Cedar prints of it."""
    return frozenset(json.loads(quoted) for quoted in _DECLARED_ACTION.findall(rendered))


def _tokens(text: str, start: int = 0) -> Iterator[Token]:
    for match in _TOKEN.finditer(text, start):
        if match["skip"] is None:
            yield Token(match.start(), match.group())
