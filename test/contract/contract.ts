import { afterEach, describe } from "vitest";
import { aggregationContract } from "./aggregation.ts";
import { attemptContract } from "./attempts.ts";
import { cancelationContract } from "./cancelation.ts";
import { changeContract } from "./changes.ts";
import { delayContract } from "./delays.ts";
import { engineContract } from "./engine.ts";
import { enqueueContract } from "./enqueue.ts";
import { exchangeContract } from "./exchange.ts";
import { forwardContract } from "./forward.ts";
import { fsckContract } from "./fsck.ts";
import { groupContract } from "./groups.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import { inspectionContract } from "./inspection.ts";
import { leaseContract } from "./leases.ts";
import { limitContract } from "./limits.ts";
import { metricsContract } from "./metrics.ts";
import { operatingContract } from "./operating.ts";
import { operatorContract } from "./operator.ts";
import { pauseContract } from "./pause.ts";
import { presenceContract } from "./presence.ts";
import { quarantineContract } from "./quarantine.ts";
import { recoveryContract } from "./recovery.ts";
import { retentionContract } from "./retention.ts";
import { rollupContract } from "./rollups.ts";
import { scheduleContract } from "./schedules.ts";
import { semaphoreContract } from "./semaphore.ts";
import { uniqueContract } from "./unique.ts";
import { watchContract } from "./watch.ts";

/** Everything that every engine promises. Closes whatever it opens. */
export function brokerContract(open: OpenEngine): void {
  const opened: EngineHarness[] = [];
  const opening: OpenEngine = async () => {
    const harness = await open();
    opened.push(harness);
    return harness;
  };
  afterEach(async () => {
    for (const harness of opened.splice(0)) await harness.close();
  });

  describe("an engine", () => engineContract(opening));
  describe("enqueueing", () => enqueueContract(opening));
  describe("unique tasks", () => uniqueContract(opening));
  describe("the exchange", () => exchangeContract(opening));
  describe("leases and results", () => leaseContract(opening));
  describe("failed attempts", () => attemptContract(opening));
  describe("recovery", () => recoveryContract(opening));
  describe("forwarding", () => forwardContract(opening));
  describe("delays below a minute", () => delayContract(opening));
  describe("groups", () => groupContract(opening));
  describe("aggregation", () => aggregationContract(opening));
  describe("retention and the archive", () => retentionContract(opening));
  describe("pausing", () => pauseContract(opening));
  describe("fsck", () => fsckContract(opening));
  describe("inspection", () => inspectionContract(opening));
  describe("changing tasks", () => changeContract(opening));
  describe("operating", () => operatingContract(opening));
  describe("an operator", () => operatorContract(opening));
  describe("unreadable messages", () => quarantineContract(opening));
  describe("limits", () => limitContract(opening));
  describe("what servers measure", () => rollupContract(opening));
  describe("metrics", () => metricsContract(opening));
  describe("semaphores", () => semaphoreContract(opening));
  describe("watching", () => watchContract(opening));
  describe("presence", () => presenceContract(opening));
  describe("cancelation", () => cancelationContract(opening));
  describe("schedules", () => scheduleContract(opening));
}
