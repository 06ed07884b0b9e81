export interface GroupList {
  groups: GroupRow[];
}

export interface GroupRow {
  queue: string;
  group: string;
  size: number;
}

export interface GroupRoutes {
  /** Groups with tasks that wait to be aggregated. */
  "GET /api/queues/{queue}/groups": { answer: GroupList };
}
