/**
 * Finds a Chromium for the tests in a browser: `TITANQUEUE_TEST_CHROMIUM`, then the PATH; else it is installed, if it may:
 * `apt-get install chromium`, as root; not with `TITANQUEUE_TEST_NO_INSTALL=1`.
 */
import { installByApt, onPath, type Surroundings, thisMachine } from "./install.ts";

export async function findChromium(surroundings: Surroundings = thisMachine): Promise<string> {
  const found = installedChromium(surroundings);
  if (found !== undefined) return found;
  await installByApt("chromium", surroundings);
  const installed = installedChromium(surroundings);
  if (installed !== undefined) return installed;
  throw new NoChromiumError();
}

class NoChromiumError extends Error {
  override readonly name = "NoChromiumError";

  constructor() {
    super(
      [
        "The tests of the monitor's pages need a Chromium and found none. Any one of these will do:",
        "  - install chromium or google-chrome, so that it is on the PATH;",
        "  - set TITANQUEUE_TEST_CHROMIUM to the program's path;",
        "  - run as root on Debian or Ubuntu, without TITANQUEUE_TEST_NO_INSTALL, to have it installed by apt-get.",
      ].join("\n"),
    );
  }
}

function installedChromium({ env }: Surroundings): string | undefined {
  const named = env["TITANQUEUE_TEST_CHROMIUM"] || undefined;
  return (
    named ?? ["chromium", "chromium-browser", "google-chrome"].map((name) => onPath(name, env)).find(Boolean)
  );
}
