"""The wall: the only package that imports Bot Framework, whose SDK is archived.

Nothing of the SDK's comes out of here. In go HTTP requests and `domain` values, out come `Inbound`
and the port `Transport`.
"""
