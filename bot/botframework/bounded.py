"""Answers of others, as far as we read them."""

import aiohttp


class NotBounded(ValueError):
    """The answer is larger than it has any reason to be."""


async def bounded_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body of *response*.

    Raises:
        NotBounded: it is longer than *limit* bytes.
        aiohttp.ClientError: it broke off.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise NotBounded(f"more than {limit} bytes")
    return bytes(body)
