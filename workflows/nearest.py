"""What somebody probably meant."""

from collections.abc import Iterable

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
    close = nearest(name, names, limit)
    return f" Did you mean {' or '.join(f'`{each}`' for each in close)}?" if close else ""
