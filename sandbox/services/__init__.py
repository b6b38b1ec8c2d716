"""The demo's services: really running, from really released versions.

`running.Services` starts and stops them. Nothing is imported here: the release program, which has
to start fast, shares the light modules of this package.
"""
