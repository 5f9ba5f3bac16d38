import { connection } from "./api/live";
import { viewer } from "./api/permissions";
import { token } from "./api/session";
import { askForToken, LoginDialog, leave, sessions } from "./login";
import { navigate, place } from "./router";
import { RunPage } from "./run/run-page";
import { RunsPage } from "./runs/runs-page";
import { ThemeButton } from "./theme/theme";
import { Key, Keyboard, Leave } from "./ui/icons";
import { KeysDialog, showKeys, useKeys } from "./ui/keys";
import { Note } from "./ui/note";

const RUN = /^\/runs\/([0-9a-f-]{36})(?:\/(graph|logs|data))?\/?$/i;

export function App() {
  useKeys({ "?": showKeys, h: () => navigate("/") });
  return (
    <>
      <a class="skip-link" href="#main">
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href="/">
          <img src="/icon.svg" alt="" width="22" height="22" />
          execgraph
        </a>
        <nav aria-label="Main">
          <a href="/" aria-current={place.value.path === "/" ? "page" : undefined}>
            Runs
          </a>
          {viewer.value?.name === null && <a href="/graphql">API</a>}
        </nav>
        <span class="grow" />
        <ConnectionState />
        <button type="button" class="button quiet icon wide-only" title="Keys (?)" aria-label="Keys" onClick={showKeys}>
          <Keyboard />
        </button>
        <ThemeButton />
        <Session />
      </header>
      <Page key={sessions.value} />
      <LoginDialog />
      <KeysDialog />
    </>
  );
}

/** Who is logged in; without authentication nobody needs to be. */
function Session() {
  if (token.value !== null)
    return (
      <>
        {viewer.value?.name && (
          <span class="muted wide-only" title="Your token">
            {viewer.value.name} ({viewer.value.role.toLowerCase()})
          </span>
        )}
        <button type="button" class="button quiet icon" title="Log out" aria-label="Log out" onClick={leave}>
          <Leave />
        </button>
      </>
    );
  if (viewer.value !== null) return null;
  return (
    <button type="button" class="button quiet icon" title="Log in" aria-label="Log in" onClick={askForToken}>
      <Key />
    </button>
  );
}

function Page() {
  const { path } = place.value;
  if (path === "/") return <RunsPage />;
  const found = RUN.exec(path);
  if (found) return <RunPage key={found[1]} id={found[1]!.toLowerCase()} tab={found[2] ?? "timeline"} />;
  return (
    <main id="main" class="page" tabIndex={-1}>
      <Note alone title="There is no such page">
        <p>The address may have been cut off.</p>
        <a class="button" href="/">
          To the runs
        </a>
      </Note>
    </main>
  );
}

const WORDS = {
  idle: ["", ""],
  connecting: ["Connecting", "Connecting for live updates"],
  live: ["Live", "What you see is current"],
  reconnecting: ["Reconnecting", "The connection was lost; trying again by itself, nothing will be missing"],
} as const;

function ConnectionState() {
  const state = connection.value;
  const [word, title] = WORDS[state];
  return (
    <span class={`connection ${state}`} role="status" title={title}>
      <i />
      {word}
    </span>
  );
}
