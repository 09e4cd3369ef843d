/** Sign in: password, one-time link, or invitation. */
import { useEffect, useState, type FormEvent } from "react";
import { useLocation, useNavigate, useSearchParams } from "react-router";
import { auth } from "@/api/calls";
import { Button } from "@/components/Button";
import { TextField } from "@/components/Field";
import { useSession } from "@/store/session";

export default function Login() {
  const [query] = useSearchParams();
  const { pathname } = useLocation();
  const go = useNavigate();
  const signIn = useSession((session) => session.signIn);
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const invitation = pathname.startsWith("/invitation")
    ? (query.get("token") ?? pathname.split("/")[2])
    : undefined;
  const link = invitation ? null : query.get("token");
  const wish = query.get("to") ?? "/workflows";
  // Only ways inside this site: `//elsewhere` would leave it.
  const to = /^\/(?![/\\])/.test(wish) ? wish : "/workflows";

  useEffect(() => {
    if (!link) return;
    auth
      .loginLink(link)
      .then((me) => {
        signIn(me);
        void go(to, { replace: true });
      })
      .catch((reason: Error) => setError(reason.message));
  }, [link, signIn, go, to]);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      if (invitation) {
        const accepted = await auth.accept({
          token: invitation,
          name,
          password,
        });
        signIn(await auth.login(accepted.user.email, password));
      } else signIn(await auth.login(email, password));
      await go(to, { replace: true });
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className="flex min-h-full items-center justify-center bg-bg p-4">
      <div className="w-full max-w-[340px]">
        <div className="mb-5 flex items-center gap-2.5">
          <img src="/favicon.svg" alt="" className="size-8" />
          <h1 className="text-xl font-semibold tracking-tight">
            {invitation ? "Join dataroll" : "Sign in to dataroll"}
          </h1>
        </div>
        <form onSubmit={(event) => void submit(event)} className="panel flex flex-col gap-3 p-4 shadow-card">
          {invitation ? (
            <TextField
              label="Your name"
              required
              value={name}
              onChange={(event) => setName(event.target.value)}
              autoComplete="name"
            />
          ) : (
            <TextField
              label="E-mail"
              type="email"
              required
              value={email}
              onChange={(event) => setEmail(event.target.value)}
              autoComplete="username"
              autoFocus
            />
          )}
          <TextField
            label="Password"
            type="password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            autoComplete={invitation ? "new-password" : "current-password"}
          />
          {error && (
            <p role="alert" className="rounded-md bg-danger-soft px-2.5 py-1.5 text-sm text-danger">
              {error}
            </p>
          )}
          <Button type="submit" weight="primary" disabled={busy} className="w-full">
            {invitation ? "Join" : "Sign in"}
          </Button>
        </form>
        <p className="mt-3 text-center text-xs text-ink-3">
          First start? The server's terminal shows a link that signs the first admin in.
        </p>
      </div>
    </main>
  );
}
