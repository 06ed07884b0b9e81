import { basename } from "node:path";
import { systemClock } from "../runtime/clock.ts";
import { VERSION } from "../version.ts";
import { DevProcess } from "./dev-process.ts";
import { chooseUrl } from "./engine-url.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { sign } from "./file-signature.ts";
import { Leaving } from "./leaving.ts";
import { PrettyLog } from "./pretty-log.ts";
import { shownUrl } from "./shown-url.ts";
import { findTypeScript } from "./typescript.ts";
import { findUserFile } from "./user-file.ts";
import { WatchedFiles } from "./watched-files.ts";

/** Where `titanqueue dev` keeps tasks when it is not told. */
const DEVELOPMENT_URL = "sqlite:tasks.db";

export interface DevCommandOptions {
  readonly url?: string;
}

/**
 * `titanqueue dev`: runs a worker file in a process that is replaced whenever the file, or one that it imports, has
 * changed; running tasks may finish first. A file that does not load, or a worker that crashes, waits for the next
 * change; an engine that cannot be used is not mended by one, and ends the command. Ends at Ctrl+C or SIGTERM; a second one hurries, a third kills.
 */
export async function runDev(file: string, options: DevCommandOptions): Promise<ExitCode> {
  const path = findUserFile(file, "worker");
  findTypeScript(path, file);
  const url = chooseUrl(options.url, DEVELOPMENT_URL);
  const log = new PrettyLog((text) => process.stdout.write(text), systemClock);
  log.tell("dev", `titanqueue ${VERSION}: ${file} on ${shownUrl(url)}`);

  let current: DevProcess | undefined;
  const leaving = new Leaving(systemClock, {
    first() {
      log.tell("dev", "ending; a second Ctrl+C hurries");
      current?.shutDown();
    },
    second() {
      log.tell("dev", "hurrying; a third Ctrl+C kills");
      current?.hurry();
    },
    third: () => current?.kill(),
  });
  for (;;) {
    const files = new WatchedFiles(systemClock, (directory, error) => {
      log.warn({ directory, error }, "cannot watch; changes there are not seen");
    });
    files.add(sign(path));
    const running = new DevProcess({
      path,
      shown: file,
      clock: systemClock,
      onLoaded: (loaded) => files.add(loaded),
      onKill: () => log.tell("dev", "the worker does not end; killing it"),
    });
    current = running;
    let reloading = false;
    const changed = files.changed.then((name) => {
      reloading = true;
      log.tell("dev", `${basename(name)} has changed: reloading`);
      running.shutDown();
    });
    const code = await running.ended;
    current = undefined;
    if (leaving.begun || running.hopeless) return code;
    if (!reloading) {
      const what = running.serving ? `the worker ended with code ${code}; ` : "";
      log.tell("dev", `${what}waiting for a change`);
      files.addNewFiles();
      await Promise.race([changed, leaving.asked]);
      if (leaving.begun) return EXIT.ok;
    }
    files.close();
  }
}
