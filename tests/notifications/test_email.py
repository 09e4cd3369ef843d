"""What arrives at a mail server."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from runtime_tasks.errors import StepConfigError, StepError
from runtime_tasks.notifications.email import email
from runtime_tasks.notifications.html import harmless
from runtime_tasks.notifications.message import compose
from runtime_tasks.notifications.transport import tls
from runtime_tasks.secrets import secret
from runtime_tasks.steps import notify_email
from tests.notifications.conftest import Run

REPORT = {
    "pending": 2,
    "connections": [{}, {}],
    "markdown": "# Report\n\n2 pending",
    "html": "<h1 onclick='x()'>Report</h1><script>alert(1)</script><p>2 pending",
}


@dataclass
class Mailbox:
    url: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """What DATA answers, in order; then 250."""
    refused: frozenset[str] = frozenset()

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        self.envelopes.append(envelope)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == b"p@ss word", handled=False)


@contextmanager
def serving(**options: Any) -> Iterator[Mailbox]:
    mailbox = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(
        mailbox, hostname="127.0.0.1", port=port, authenticator=mailbox.authenticate, **options
    )
    controller.start()
    mailbox.url = f"smtp://127.0.0.1:{port}"
    try:
        yield mailbox
    finally:
        controller.stop()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with serving() as box:
        yield box


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that nobody trusts yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "mail.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + built.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return file, context


def test_a_mail_arrives_as_text_and_html(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAROLL_SMTP_URL", f"{mailbox.url}?from=dataroll@example.org")
    monkeypatch.setenv("DATAROLL_PUBLIC_URL", "https://dataroll.example.org")
    result = notify_email(
        to=["ops@example.org", "lead@example.org"],
        message="The <weekly> audit",
        template="report",
        details=REPORT,
    )
    assert (result.delivered, result.detail) == (True, "accepted for 2 recipients")
    [mail] = mailbox.mails
    assert mailbox.envelopes[0].rcpt_tos == ["ops@example.org", "lead@example.org"]
    assert mail["Subject"] == "Migration report: The <weekly> audit"
    assert mail["From"] == "dataroll@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = (part.get_content() for part in mail.iter_parts())  # type: ignore[attr-defined]
    assert "Pending: 2" in text
    assert "# Report" in text
    assert "https://dataroll.example.org/executions/execution-1" in text
    assert "<p>The &lt;weekly&gt; audit</p>" in html
    assert "<h1>Report</h1><p>2 pending</p>" in html
    assert "alert" not in html
    assert 'href="https://dataroll.example.org/executions/execution-1"' in html


def test_a_subject_cannot_add_headers(mailbox: Mailbox) -> None:
    result = notify_email(
        to=["ops@example.org"], subject="Hi\r\nBcc: all@example.org", smtp=mailbox.url
    )
    assert result.delivered
    assert mailbox.mails[0]["Subject"] == "Hi Bcc: all@example.org"
    assert mailbox.mails[0]["Bcc"] is None


@pytest.mark.parametrize(
    "to", [["ops@example.org\r\nBcc: x@y.z"], ["a@b.c, d@e.f"], ["nobody"], []]
)
def test_a_recipient_that_is_no_address_is_refused(mailbox: Mailbox, to: list[str]) -> None:
    result = notify_email(to=to, message="x", smtp=mailbox.url)
    assert (result.delivered, result.attempts, mailbox.mails) == (False, 1, [])


def test_a_server_that_is_busy_is_asked_again(mailbox: Mailbox, run: Run) -> None:
    mailbox.answers = ["451 later", "421 later"]
    result = notify_email(to=["ops@example.org"], message="x", smtp=mailbox.url)
    assert (result.delivered, result.attempts, len(mailbox.mails)) == (True, 3, 1)


def test_a_server_that_says_no_is_not_asked_again(mailbox: Mailbox, run: Run) -> None:
    mailbox.answers = ["554 no"]
    result = notify_email(to=["ops@example.org"], message="x", smtp=mailbox.url)
    assert (result.detail, run.waits) == ("the mail server answered 554", [])


def test_one_refused_recipient_is_said(mailbox: Mailbox) -> None:
    mailbox.refused = frozenset({"gone@example.org"})
    both = notify_email(to=["gone@example.org", "ops@example.org"], message="x", smtp=mailbox.url)
    assert both.detail == "refused for 1 of 2 recipients"
    assert len(mailbox.mails) == 1
    none = notify_email(to=["gone@example.org"], message="x", smtp=mailbox.url)
    assert none.detail == "the mail server refused every recipient (550)"


def test_nobody_listening_does_not_fail_the_run_and_names_no_password(
    monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.setenv("DATAROLL_SECRET_SMTP", "smtp://user:hush@127.0.0.1:1")
    result = notify_email(to=["ops@example.org"], message="x", smtp=secret("smtp"))
    assert result.detail == "no connection to the mail server: ConnectionRefusedError"
    assert len(run.waits) == 3


def test_must_deliver_fails_the_node(run: Run) -> None:
    with pytest.raises(StepError, match="no connection to the mail server") as caught:
        notify_email(
            to=["ops@example.org"], message="x", smtp="smtp://u:hush@127.0.0.1:1", must_deliver=True
        )
    assert "hush" not in repr(caught.value)


def test_a_password_is_not_sent_in_clear(mailbox: Mailbox) -> None:
    server = mailbox.url.replace("//", "//user:p%40ss%20word@")
    result = notify_email(to=["ops@example.org"], message="x", smtp=server)
    assert "no encryption" in result.detail
    assert mailbox.logins == []


@pytest.mark.filterwarnings("ignore:Session.login_data:DeprecationWarning")  # the server's own
def test_the_password_goes_over_tls_to_a_server_that_is_trusted(
    certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, context = certificate
    with serving(tls_context=context, require_starttls=True) as mailbox:
        server = mailbox.url.replace("//", "//user:p%40ss%20word@")
        stranger = notify_email(to=["ops@example.org"], message="x", smtp=server)
        assert stranger.detail == (
            "the mail server's certificate or TLS does not hold: SSLCertVerificationError"
        )
        assert mailbox.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        tls.cache_clear()
        try:
            trusted = notify_email(to=["ops@example.org"], message="x", smtp=server)
            assert trusted.delivered, trusted.detail
            wrong = server.replace("p%40ss", "wrong")
            denied = notify_email(to=["ops@example.org"], message="x", smtp=wrong)
            assert denied.detail == "the mail server answered 535"
        finally:
            tls.cache_clear()
        assert mailbox.logins[0] == (b"user", b"p@ss word")


def test_a_server_that_drips_is_cut_off(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime_tasks.notifications.email.SECONDS", 0.4)
    monkeypatch.setattr("runtime_tasks.notifications.delivery.PAUSES", ())
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                while not stop.wait(0.05):
                    connection.sendall(b"220-still here\r\n")

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        port = server.getsockname()[1]
        result = notify_email(to=["a@b.c"], message="x", smtp=f"smtp://127.0.0.1:{port}")
        took = time.monotonic() - began
        stop.set()
        thread.join()
    assert not result.delivered
    assert took < 3


def test_html_from_elsewhere_keeps_its_structure_and_loses_the_rest() -> None:
    assert harmless("<p>a<b>b") == "<p>a<b>b</b></p>"
    assert harmless('<a href="https://evil">x</a><img src=x onerror=y>') == "x"
    assert harmless("<style>p{}</style><SCRIPT>x</SCRIPT>&lt;b&gt;") == "&lt;b&gt;"
    assert harmless("</p></b>x<!-- c --><?php y ?>") == "x"


ANYTHING = st.text(st.characters(exclude_categories=()), max_size=200)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
    max_leaves=6,
)


@given(ANYTHING, ANYTHING, st.lists(ANYTHING | ANYTHING.map("{}@b.example".format)), JSON)
def test_no_text_becomes_a_header_or_another_recipient(
    subject: str, words: str, to: list[str], details: Any
) -> None:
    message = compose("report", words, details={"markdown": details, "pending": details})
    for recipients in (["a@b.example"], to):
        try:
            mail = email(message, sender="d@x.example", to=recipients, subject=subject)
        except StepConfigError:
            continue
        back = message_from_bytes(mail.as_bytes(), policy=policy.default)
        assert {name.lower() for name in back} == {name.lower() for name in mail}
        assert len(back["to"].addresses) == len(recipients)


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nBcc: c@d.example",
        "a@b\x00.example",
        "a b@c.d",
        "a@b.example, c@d.example",
        "<a@b.example>",
        ".a@b.example",
        "a@b@c.example",
        "a:b@c.example",
        "",
    ],
)
def test_an_address_that_is_several_things_is_refused(mailbox: Mailbox, address: str) -> None:
    result = notify_email(to=["ann@example.org", address], message="x", smtp=mailbox.url)
    assert not result.delivered
    assert mailbox.envelopes == []
