"""Telling people and systems outside what happened.

::

    message.py      what is said: a template, the author's words, details  →  Message
    slack.py        Message → Block Kit            email.py      Message → HTML and text
    pagerduty.py    Message → Events v2            webhook.py    Message → signed JSON
    delivery.py     retries, throttling, dry runs: sending never changes the run's outcome
    http.py         the HTTP request step
    exchange.py     one guarded HTTP exchange, on transport.py, on addresses.py
    preview.py      what would be sent, for the editor

Everything that leaves goes through one guard (:mod:`.transport`), which looks at the address
that is really connected to.
"""
