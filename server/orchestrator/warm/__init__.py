"""Starts flow processes by forking one that has already imported everything.

A flow run in a fresh interpreter spends its first seconds importing Prefect.
The worker's engine command is therefore :mod:`.client`, a few lines without
imports of weight, which asks :mod:`.server` over a Unix socket for a fork that
runs ``prefect.engine`` in its place. Prefect's own process worker still starts,
watches and cancels that command; when no server listens the client becomes
``python -m prefect.engine`` itself, and only time is lost.
"""
