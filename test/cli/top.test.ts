import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import { Task } from "../../src/task.ts";
import { installationForFile } from "./installation.ts";
import { liveServer } from "./live-server.ts";
import { Operator } from "./operator.ts";
import { TmuxTerminal } from "./tmux.ts";

const installation = await installationForFile();

/** An operator at a terminal, with a queue of each name that has one task. */
async function atTerminal(...queues: string[]) {
  const at = new Operator(installation);
  for (const queue of queues) await at.client.enqueue(new Task("report"), { queue, taskId: "one" });
  const terminal = await TmuxTerminal.open({ cwd: at.directory, env: { TITANQUEUE_URL: at.url } });
  const titanqueue = (words: string) =>
    terminal.line(`'${process.execPath}' '${at.bin}' ${words}; echo "ended $?"`);
  return { at, terminal, titanqueue };
}

describe("titanqueue top", () => {
  it("shows queues, acts by keys, and gives the terminal back", async () => {
    const { at, terminal, titanqueue } = await atTerminal("default", "low");
    await titanqueue("top --refresh 250ms");
    const screen = await terminal.shows(/^low .*runs/m);
    expect(screen).toMatch(/^titanqueue top {2}\[queues\] servers workers {2}sqlite:.*tasks\.db$/m);
    expect(screen).toMatch(/^2 queues {2}0 servers {2}0 workers {2}2 pending {2}0 active {2}latency /m);
    expect(screen).toMatch(
      /^QUEUE +PENDING +ACTIVE +SCHEDULED +RETRY +ARCHIVED +DONE\/S +FAIL\/S +LATENCY +STATE/m,
    );
    expect(await terminal.modes()).toEqual({ second: true, cursor: false });

    await terminal.key("Down");
    await terminal.key("p");
    await terminal.shows(/^low is paused/m);
    expect((await at.inspector.getQueueInfo("low")).paused).toBe(true);
    await terminal.shows(/^low .*paused/m);
    await terminal.key("Space");
    await terminal.shows(/^low runs again/m);
    expect((await at.inspector.getQueueInfo("low")).paused).toBe(false);

    await terminal.key("?");
    await terminal.shows(/pause or resume the queue/);
    await terminal.key("?");
    await terminal.key("Tab");
    await terminal.shows(/queues \[servers\] workers/);
    await terminal.key("q");
    await terminal.shows(/ended 0/);
    expect(await terminal.modes()).toEqual({ second: false, cursor: true });
    await terminal.line("echo $((40 + 2))");
    await terminal.shows(/^42/m);
  });

  it("shows the servers that are alive, and what they run", async () => {
    const { at, terminal, titanqueue } = await atTerminal();
    await liveServer(at);
    await terminal.resize(140, 24);
    await titanqueue("top --refresh 250ms");
    const queues = await terminal.shows(/^default +0 +1 .*runs/m);
    expect(queues).toMatch(/^1 queues {2}1 servers {2}1 workers {2}0 pending {2}1 active {2}/m);

    const name = `${hostname()}:${process.pid}`.replaceAll(".", "\\.");
    await terminal.key("Tab");
    const servers = await terminal.shows(/^HOST +SINCE +STATUS +BUSY +QUEUES +VERSION/m);
    expect(servers).toMatch(
      new RegExp(`^${name} +20\\S+Z +active +1/7 +default:3 low:1 +titanqueue/\\d`, "m"),
    );
    await terminal.key("Tab");
    const workers = await terminal.shows(/^SERVER +QUEUE +TYPE +ID +SINCE +PAYLOAD/m);
    expect(workers).toMatch(new RegExp(`^${name} +default +report +one +20\\S+Z +\\{"day":1\\}`, "m"));
    await terminal.key("q");
    await terminal.shows(/ended 0/);
  });

  it("sees what happens meanwhile, at the size that the terminal has", async () => {
    const { at, terminal, titanqueue } = await atTerminal("default");
    await titanqueue("top --refresh 250ms");
    await terminal.shows(/^default +1 /m);
    await terminal.resize(50, 10);
    await terminal.shows(/^titanqueue top .{34}…$/m);
    for (let i = 0; i < 3; i += 1) await at.client.enqueue(new Task("report"));
    await terminal.shows(/^default +4 /m);
    await terminal.resize(120, 30);
    await terminal.shows(/tasks\.db *$/m);
    await terminal.key("C-c");
    await terminal.shows(/ended 0/);
  });

  it.each(["TERM", "HUP", "INT"])("gives the terminal back at SIG%s", async (signal) => {
    const { terminal, titanqueue } = await atTerminal("default");
    await titanqueue("top");
    await terminal.shows(/^default /m);
    await terminal.signal(signal);
    await terminal.shows(/ended 0/);
    expect(await terminal.modes()).toEqual({ second: false, cursor: true });
  });

  it("does nothing that a queue's name says", async () => {
    const { at, terminal, titanqueue } = await atTerminal("default");
    await at.client.enqueue(new Task("report"), { queue: "evil\x1b[2J\x1b]0;owned\x07" });
    await titanqueue("top");
    await terminal.shows(/^evil\\x1b\[2J\\x1b\]0;owne/m);
  });

  it("asks for a terminal where there is none", async () => {
    const at = new Operator(installation);
    expect(await at.run(["top"])).toEqual({
      code: 2,
      out: "",
      err: "titanqueue: top needs a terminal; --json prints one look, --jsonl one after the other\n",
    });
  });
});

describe("a person at a terminal", () => {
  it("is asked before tasks are deleted, and may say no", async () => {
    const { at, terminal, titanqueue } = await atTerminal("default");
    await titanqueue("task deleteall -q default -s pending");
    await terminal.shows(/delete all 1 pending tasks of queue "default" at sqlite:[\s\S]*\? \[y\/N\]/);
    await terminal.line("n");
    await terminal.shows(/titanqueue: nothing was done\s+ended 1/);
    expect((await at.inspector.getQueueInfo("default")).pending).toBe(1);

    await terminal.line("clear");
    await titanqueue("task deleteall -q default -s pending");
    await terminal.shows(/\[y\/N\]/);
    await terminal.line("y");
    await terminal.shows(/1 task is deleted\s+ended 0/);
    expect((await at.inspector.getQueueInfo("default")).pending).toBe(0);
  });

  it("types the name of a queue that is to go, or leaves by Ctrl+C", async () => {
    const { at, terminal, titanqueue } = await atTerminal("low");
    await titanqueue("queue rm low --force");
    await terminal.shows(/remove queue "low" and its 1 task at .*\? type "low" to go on:/);
    await terminal.key("C-c");
    await terminal.shows(/nothing was done\s+ended 1/);
    expect(await at.inspector.queues()).toEqual(["low"]);
    await terminal.line("clear");
    await titanqueue("queue rm low --force");
    await terminal.shows(/remove queue "low" and its 1 task at .*\? type "low" to go on:/);
    await terminal.line("low");
    await terminal.shows(/low is removed\s+ended 0/);
    expect(await at.inspector.queues()).toEqual([]);
  });

  it("sees a bar while bulk work goes on, stops it by Ctrl+C, and is told how to go on", async () => {
    const { at, terminal, titanqueue } = await atTerminal();
    await at.client.enqueueBatch(Array.from({ length: 500 }, () => new Task("report")));
    await titanqueue("task archiveall -q default -s pending --rate 40 --yes");
    await terminal.shows(/█+░* archiving [1-9]\d* of 500/);
    await terminal.key("C-c");
    await terminal.shows(
      /stopped after \d+ of 500; what was done is done\s+the same command goes on from there\s+ended 1/,
    );
    const { archived, pending } = await at.inspector.getQueueInfo("default");
    expect(archived).toBeGreaterThan(0);
    expect(archived + pending).toBe(500);
    await terminal.line("clear");
    await titanqueue("task archiveall -q default -s pending --yes");
    await terminal.shows(/tasks are archived\s+ended 0/);
    expect((await at.inspector.getQueueInfo("default")).archived).toBe(500);
  });
});
