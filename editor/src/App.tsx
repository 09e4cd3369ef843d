/** The screens and their addresses. Each screen is loaded when it is first visited. */
import { lazy, Suspense, useEffect } from "react";
import { Navigate, Route, Routes, useLocation } from "react-router";
import { Loading } from "./components/Page";
import { Shell } from "./components/Shell";
import { useSession } from "./store/session";

const Workflows = lazy(() => import("./screens/Workflows"));
const Editor = lazy(() => import("./screens/Editor"));
const Executions = lazy(() => import("./screens/Executions"));
const Execution = lazy(() => import("./screens/Execution"));
const Approvals = lazy(() => import("./screens/Approvals"));
const Triggers = lazy(() => import("./screens/Triggers"));
const Templates = lazy(() => import("./screens/Templates"));
const Metrics = lazy(() => import("./screens/Metrics"));
const Connections = lazy(() => import("./screens/Connections"));
const Variables = lazy(() => import("./screens/Variables"));
const Team = lazy(() => import("./screens/Team"));
const Tokens = lazy(() => import("./screens/Tokens"));
const Audit = lazy(() => import("./screens/Audit"));
const Login = lazy(() => import("./screens/Login"));

/** The wish's addresses begin with /dashboard; they lead to the same screens. */
function WithoutDashboard() {
  const { pathname, search } = useLocation();
  return <Navigate to={pathname.replace(/^\/dashboard\/?/, "/") + search} replace />;
}

export function App() {
  const state = useSession((session) => session.state);
  const load = useSession((session) => session.load);
  const { pathname, search } = useLocation();
  useEffect(() => void load(), [load]);

  if (state === "asking") return <Loading rows={3} />;
  if (pathname.startsWith("/login") || pathname.startsWith("/invitation")) {
    return (
      <Suspense fallback={<Loading rows={3} />}>
        <Login />
      </Suspense>
    );
  }
  if (state === "out") return <Navigate to={`/login?to=${encodeURIComponent(pathname + search)}`} replace />;
  return (
    <Shell>
      <Suspense fallback={<Loading />}>
        <Routes>
          <Route path="/" element={<Navigate to="/workflows" replace />} />
          <Route path="/dashboard/*" element={<WithoutDashboard />} />
          <Route path="/workflows" element={<Workflows />} />
          <Route path="/workflows/:id" element={<Navigate to="editor" replace />} />
          <Route path="/workflows/:id/editor" element={<Editor />} />
          <Route path="/workflows/:id/executions" element={<Executions />} />
          <Route path="/workflows/:id/triggers" element={<Triggers />} />
          <Route path="/executions" element={<Executions />} />
          <Route path="/executions/:id" element={<Execution />} />
          <Route path="/approvals" element={<Approvals />} />
          <Route path="/approvals/:id" element={<Approvals />} />
          <Route path="/templates" element={<Templates />} />
          <Route path="/metrics" element={<Metrics />} />
          <Route path="/connections" element={<Connections />} />
          <Route path="/variables" element={<Variables />} />
          <Route path="/team" element={<Team />} />
          <Route path="/tokens" element={<Tokens />} />
          <Route path="/audit" element={<Audit />} />
          <Route path="*" element={<NotHere />} />
        </Routes>
      </Suspense>
    </Shell>
  );
}

function NotHere() {
  return (
    <main id="main" className="flex h-full flex-col items-center justify-center gap-2">
      <h1 className="text-xl font-semibold">There is nothing here</h1>
      <a className="text-accent-ink underline" href="/workflows">
        Go to the workflows
      </a>
    </main>
  );
}
