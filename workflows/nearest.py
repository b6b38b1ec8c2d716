"""What somebody probably meant."""

from collections.abc import Iterable, Sequence

from rapidfuzz.distance import OSA

_LONGEST = 64
_CLOSE_ENOUGH = 0.55


def nearest(name: str, names: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Those of *names* that *name* may stand for, the likeliest first; at most *limit*.

    Two letters swapped count as one mistake; a beginning counts as a good guess.
    """
    wanted = name[:_LONGEST].lower()
    if not wanted:
        return ()
    scored = []
    for each in dict.fromkeys(names):
        known = each[:_LONGEST].lower()
        score = OSA.normalized_similarity(wanted, known)
        if known.startswith(wanted):
            score = max(score, 0.9)
        if score >= _CLOSE_ENOUGH:
            scored.append((-score, each))
    return tuple(each for _, each in sorted(scored)[:limit])


def did_you_mean(name: str, names: Iterable[str], limit: int = 3) -> str:
    """What to add to a sentence about an unknown *name*: ` Did you mean `x`?`, or nothing."""
    return offered(nearest(name, names, limit))


def offered(names: Sequence[str]) -> str:
    """What to add to a sentence where one of *names* may be meant: ` Did you mean `x` or `y`?`."""
    if not names:
        return ""
    *others, last = (f"`{each}`" for each in names)
    meant = f"{', '.join(others)} or {last}" if others else last
    return f" Did you mean {meant}?"
