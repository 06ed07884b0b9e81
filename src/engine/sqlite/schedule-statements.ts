/** The statements for what schedulers share. */
export const SCHEDULE_SQL = {
  lastTick: `SELECT at, started_at, claim_until, digest, task_id FROM ticks
    WHERE queue = ? AND entry = ? AND forget_at > ?`,
  writeTick: "INSERT OR REPLACE INTO ticks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  forgetTicks: "DELETE FROM ticks WHERE forget_at <= ?",
  clearTicks: "DELETE FROM ticks WHERE queue = ?",

  writeSchedulerEntry: "INSERT INTO scheduler_entries VALUES (?, ?, ?, ?)",
  clearSchedulerEntries: "DELETE FROM scheduler_entries WHERE scheduler = ?",
  forgetSchedulerEntries: "DELETE FROM scheduler_entries WHERE expires_at <= ?",
  schedulerEntries: "SELECT entry FROM scheduler_entries WHERE expires_at > ?",

  writeScheduleEvent: "INSERT INTO schedule_events (entry, at, event) VALUES (?, ?, ?)",
  trimScheduleEvents: `DELETE FROM schedule_events WHERE entry = ?1 AND key <= (SELECT key FROM schedule_events
    WHERE entry = ?1 ORDER BY key DESC LIMIT 1 OFFSET ?2 + 0)`,
  forgetScheduleEvents: "DELETE FROM schedule_events WHERE at <= ?",
  scheduleEvents: `SELECT event FROM schedule_events WHERE entry = ? ORDER BY key DESC LIMIT ? + 0 OFFSET ? + 0`,

  schedules: "SELECT id, definition, paused FROM schedules ORDER BY id",
  schedule: "SELECT definition, paused FROM schedules WHERE id = ?",
  writeSchedule: "INSERT OR REPLACE INTO schedules VALUES (?, ?, ?)",
  removeSchedule: "DELETE FROM schedules WHERE id = ?",
  schedulesVersion: "SELECT version FROM schedules_version WHERE only_row = 1",
  countSchedulesVersion: "UPDATE schedules_version SET version = version + 1 WHERE only_row = 1",
} as const;
