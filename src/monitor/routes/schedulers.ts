import { explainSpec, SchedulerEntryExistsError, SchedulerEntryNotFoundError } from "../../index.ts";
import type { RouteName, SchedulerDefinition, SchedulerRoutes } from "../api.ts";
import { taskOptions } from "../enqueue-options.ts";
import { HttpError } from "../http-error.ts";
import { eventsOf, RUNS, schedulerEntry, seesEntry } from "../scheduler-rows.ts";
import type { Visitor } from "../scope.ts";
import type { Call, House, Rules } from "./rule.ts";
import { seeQueue } from "./scope.ts";
import { detailOf, hiddenFrom } from "./shown.ts";

export function schedulerRules(house: House): Rules<SchedulerRoutes> {
  const { config, engine, inspector, scheduler } = house;
  const now = () => engine.broker.now();
  return {
    "GET /api/schedulers": {
      role: "view",
      handle: async ({ visitor }) => {
        const entries = await inspector.schedulerEntries();
        return {
          now: now(),
          entries: entries
            .filter((entry) => seesEntry(visitor, entry))
            .map((entry) => schedulerEntry(entry, now(), hiddenFrom(house, visitor))),
        };
      },
    },
    "POST /api/schedulers": {
      role: "operate",
      handle: async ({ body: { id = config.runtime.uuid(), ...definition }, visitor, named }) => {
        const known = await inspector.schedulerEntries();
        if (known.some((entry) => entry.id === id))
          throw new SchedulerEntryExistsError(id, "choose another id");
        named(id);
        return putEntry(house, id, definition, visitor);
      },
    },
    "POST /api/schedulers/{id}": {
      role: "operate",
      handle: async (call) => {
        const { id } = await storedEntryOf(house, call as Call<RouteName>);
        return putEntry(house, id, call.body, call.visitor);
      },
    },
    "DELETE /api/schedulers/{id}": {
      role: "operate",
      handle: async (call) => {
        await scheduler.remove((await storedEntryOf(house, call)).id);
        return null;
      },
    },
    "GET /api/spec": {
      role: "view",
      handle: async ({ query: { spec, timezone } }) => {
        const meant = explainSpec(spec, { timezone });
        const nextRuns = meant.runs(new Date(now()), RUNS).map((at) => at.getTime());
        return { now: now(), spec: meant.spec, words: meant.words ?? null, nextRuns };
      },
    },
    "GET /api/schedulers/{id}/events": {
      role: "view",
      handle: async (call) => {
        const entry = await entryOf(house, call as Call<RouteName>);
        const { page, page_size: pageSize } = call.query;
        return { events: await eventsOf(inspector, entry, { page, pageSize }) };
      },
    },
    "POST /api/schedulers/{id}/run": {
      role: "operate",
      handle: async (call) => {
        const { id } = await storedEntryOf(house, call);
        return detailOf(house, await scheduler.runNow(id), call.visitor);
      },
    },
    "POST /api/schedulers/{id}/pause": {
      role: "operate",
      handle: async (call) => {
        await scheduler.pause((await entryOf(house, call)).id);
        return null;
      },
    },
    "POST /api/schedulers/{id}/unpause": {
      role: "operate",
      handle: async (call) => {
        await scheduler.resume((await entryOf(house, call)).id);
        return null;
      },
    },
  };
}

async function entryOf({ inspector }: House, { visitor, params }: Call<RouteName>) {
  const entries = await inspector.schedulerEntries();
  const entry = entries.find(({ id }) => id === params["id"]);
  if (entry === undefined || !seesEntry(visitor, entry)) {
    throw new HttpError(404, "SCHEDULER_ENTRY_NOT_FOUND", "there is no such scheduler entry");
  }
  return entry;
}

async function storedEntryOf(house: House, call: Call<RouteName>) {
  const entry = await entryOf(house, call);
  if (entry.stored) return entry;
  throw new HttpError(409, "NOT_STORED", "the entry belongs to the program that registers it");
}

async function putEntry(house: House, id: string, definition: SchedulerDefinition, visitor: Visitor) {
  const { spec, timezone, type, payload, missed } = definition;
  const options = taskOptions(definition.options ?? {});
  seeQueue(visitor, options.queue ?? house.definitions.queueOf(type));
  const task = await house.definitions.task(type, payload);
  await house.scheduler.put(id, { spec, task, options, timezone, missed });
  const entry = (await house.inspector.schedulerEntries()).find((each) => each.id === id);
  if (entry === undefined) throw new SchedulerEntryNotFoundError(id);
  return schedulerEntry(entry, house.engine.broker.now(), hiddenFrom(house, visitor));
}
