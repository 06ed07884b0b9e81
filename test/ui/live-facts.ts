import type { EngineState, Operation, Overview, QueueRow } from "../../ui/src/api/types.ts";

export const engineUp: EngineState = {
  kind: "redis",
  status: "up",
  since: 0,
  roundTrip: 1,
  problem: null,
  nextTry: null,
};

export function queueRow(queue: string, facts: Partial<QueueRow> = {}): QueueRow {
  return {
    queue,
    paused: false,
    size: 0,
    pending: 0,
    active: 0,
    scheduled: 0,
    retry: 0,
    archived: 0,
    completed: 0,
    aggregating: 0,
    groups: 0,
    oldestAt: null,
    processedToday: 0,
    failedToday: 0,
    processedTotal: 0,
    failedTotal: 0,
    inRate: null,
    outRate: null,
    failureRate: null,
    drainsIn: null,
    priority: null,
    servers: null,
    ...facts,
  };
}

export function overview(facts: Partial<Overview> = {}): Overview {
  return {
    health: { status: "good", sentence: "All good.", findings: [] },
    totals: {
      queues: 2,
      servers: 1,
      slots: 10,
      slotsBusy: 0,
      failures: 0,
      oldestAt: null,
      processedToday: 0,
      failedToday: 0,
      processedYesterday: null,
      failedYesterday: null,
    },
    queues: [],
    series: [],
    ...facts,
  };
}

export function operation(id: string, facts: Partial<Operation> = {}): Operation {
  return {
    id,
    action: "run",
    filter: "",
    fingerprint: null,
    group: null,
    queues: null,
    states: null,
    dryRun: false,
    status: "running",
    startedBy: null,
    startedAt: 0,
    endedAt: null,
    done: 0,
    total: null,
    matched: null,
    changed: 0,
    sample: [],
    canUndo: null,
    undoUntil: null,
    undone: null,
    error: null,
    command: null,
    ...facts,
  };
}
