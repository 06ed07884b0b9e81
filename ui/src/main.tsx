import "./styles/tokens.css";
import "./styles/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { prefetchSession } from "./api/session.tsx";
import { App } from "./app.tsx";
import { pageAt } from "./pages.ts";
import { placeNow } from "./routing/router.tsx";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no place for the monitor");
const tree = createRoot(root);

/** A script that does not come is told by the page that is drawn without it. */
const draw = () =>
  tree.render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
// Who is asking and the page's own script are fetched side by side, and drawn once: a page that is still without its
// script when it is drawn shows it a third of a second late, for React holds back what follows a placeholder so closely.
void prefetchSession();
(pageAt(placeNow().path)?.page.preload() ?? Promise.resolve()).then(draw, draw);
