"""A message as an e-mail with a text and an HTML part, sent by SMTP.

The server is a URL: ``smtp://user:password@host:587?from=dataroll@example.org``; ``smtps://``
speaks TLS from the first byte, ``smtp://`` upgrades when the server can, and a password never
goes over a connection that is not encrypted unless ``?tls=none`` says so.
"""

from __future__ import annotations

import os
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from email.message import EmailMessage
from email.utils import formatdate
from html import escape
from threading import Timer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from runtime_tasks.errors import StepConfigError
from runtime_tasks.notifications.delivery import NotDelivered
from runtime_tasks.notifications.exchange import Unreachable
from runtime_tasks.notifications.html import harmless
from runtime_tasks.notifications.message import Message, Severity
from runtime_tasks.notifications.slack import cut
from runtime_tasks.notifications.transport import Guard, tls
from runtime_tasks.notifications.webhook import message_id

SMTP_URL = "DATAROLL_SMTP_URL"
SMTP_FROM = "DATAROLL_SMTP_FROM"
SECONDS = 30.0
ATOM = r"[^\s@.,;:<>\"()\[\]\\]+"
ADDRESS = re.compile(rf"{ATOM}(\.{ATOM})*@{ATOM}(\.{ATOM})*")
"""What needs no quoting in a header, and is one address there; RFC 5322 knows stranger ones."""

COLOURS: dict[Severity, str] = {
    "success": "#1a7f37",
    "failure": "#cf222e",
    "attention": "#9a6700",
    "info": "#0969da",
}


def send_email(smtp: str, to: list[str], message: Message, *, subject: str = "") -> str:
    """Hand one mail for all of ``to`` to the server. Raises NotDelivered, Unreachable."""
    server = smtp or os.environ.get(SMTP_URL, "")
    if not server:
        raise StepConfigError(f"no mail server is set: give 'smtp', or {SMTP_URL} to the worker")
    try:
        parts = urlsplit(server)
        port = parts.port or (465 if parts.scheme == "smtps" else 587)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise StepConfigError("the mail server's URL looks like smtp://user:password@host:587")
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    sender = options.get("from") or os.environ.get(SMTP_FROM) or f"dataroll@{parts.hostname}"
    mail = email(message, sender=sender, to=to, subject=subject)
    try:
        with _session(parts.scheme == "smtps", parts.hostname, port) as session:
            if parts.scheme == "smtp" and options.get("tls") != "none":
                session.ehlo()
                if session.has_extn("starttls"):
                    session.starttls(context=tls())
                elif parts.password:
                    raise NotDelivered(
                        "the mail server offers no encryption, so it gets no password; "
                        "?tls=none in its URL would allow that",
                        again=False,
                    )
            if parts.username:
                session.login(unquote(parts.username), unquote(parts.password or ""))
            refused = session.send_message(mail)
    except smtplib.SMTPResponseException as error:
        raise NotDelivered(
            f"the mail server answered {error.smtp_code}", again=400 <= error.smtp_code < 500
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        raise NotDelivered(
            f"the mail server refused every recipient ({', '.join(map(str, codes))})",
            again=all(400 <= code < 500 for code in codes),
        ) from None
    except smtplib.SMTPServerDisconnected:
        raise NotDelivered("the mail server hung up", again=True) from None
    except ssl.SSLError as error:
        raise NotDelivered(
            f"the mail server's certificate or TLS does not hold: {type(error).__name__}",
            again=False,
        ) from None
    except smtplib.SMTPException as error:
        raise NotDelivered(f"the mail server: {type(error).__name__}", again=False) from None
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"no connection to the mail server: {type(error).__name__}") from None
    if refused:
        raise NotDelivered(f"refused for {len(refused)} of {len(to)} recipients", again=False)
    return f"accepted for {len(to)} recipient{'s' if len(to) > 1 else ''}"


def email(message: Message, *, sender: str, to: list[str], subject: str = "") -> EmailMessage:
    """The mail itself: one text part, and the same as HTML."""
    mail = EmailMessage()
    mail["From"] = _address(sender)
    if not to:
        raise StepConfigError("nobody is named in 'to'")
    mail["To"] = ", ".join(_address(recipient) for recipient in to)
    said = subject or message.summary or "dataroll"
    words = "".join(each if each.isprintable() else " " for each in said).split()
    mail["Subject"] = cut(" ".join(words), 200)
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{message_id()}@dataroll>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(email_text(message))
    mail.add_alternative(email_html(message), subtype="html")
    return mail


def email_text(message: Message) -> str:
    lines = [message.title, message.text]
    if message.facts:
        lines.append("\n".join(f"{label}: {value}" for label, value in message.facts))
    if message.items:
        lines.append("\n".join(f"- {item}" for item in message.items))
    lines += [message.document, message.link or ""]
    return "\n\n".join(line for line in lines if line) + "\n"


def email_html(message: Message) -> str:
    """Inline styles only, as mail programs want; every text is escaped, foreign HTML cleaned."""
    body = [
        f'<h2 style="margin:0 0 12px;color:{COLOURS[message.severity]}">{escape(message.title)}</h2>'
        if message.title
        else "",
        "".join(f"<p>{escape(line)}</p>" for line in message.text.split("\n") if line),
    ]
    if message.facts:
        rows = "".join(
            f'<tr><td style="padding:2px 16px 2px 0;color:#57606a">{escape(label)}</td>'
            f"<td>{escape(value)}</td></tr>"
            for label, value in message.facts
        )
        body.append(f"<table>{rows}</table>")
    if message.items:
        body.append(f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in message.items)}</ul>")
    if message.html:
        body.append(harmless(message.html))
    elif message.document:
        body.append(f"<pre>{escape(message.document)}</pre>")
    if message.link:
        body.append(f'<p><a href="{escape(message.link)}">Open the run</a></p>')
    content = "\n".join(part for part in body if part)
    return (
        f'<!doctype html><html><body style="font-family:sans-serif">\n{content}\n</body></html>\n'
    )


def _address(text: str) -> str:
    if not text.isprintable() or not ADDRESS.fullmatch(text):
        raise StepConfigError("one of the addresses is no e-mail address")
    return text


@contextmanager
def _session(encrypted: bool, host: str, port: int) -> Iterator[smtplib.SMTP]:
    """A session over a socket that the guard has opened, and that is cut off at the end of the
    time: smtplib's timeout is for single reads, and a server can drip."""
    guard = Guard(SECONDS)

    class Plain(smtplib.SMTP):
        def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
            return cut_off_later(guard.connect(host, port))

    class Encrypted(smtplib.SMTP_SSL):
        def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
            opened = cut_off_later(guard.connect(host, port))
            return tls().wrap_socket(opened, server_hostname=host)

    def cut_off_later(opened: socket.socket) -> socket.socket:
        # A duplicate, because wrapping a socket for TLS takes the original away.
        twin = opened.dup()

        def cut_off() -> None:
            with suppress(OSError):
                twin.shutdown(socket.SHUT_RDWR)

        timer = Timer(guard.left(), cut_off)
        timer.daemon = True
        timer.start()
        cleanup.callback(twin.close)
        cleanup.callback(timer.cancel)
        return opened

    with ExitStack() as cleanup:
        session = (Encrypted if encrypted else Plain)(host, port, timeout=SECONDS)
        with session:
            yield session
