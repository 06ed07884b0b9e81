/** What the archive of one queue keeps; asynq's. Milliseconds, and tasks. */
export const ARCHIVE_AGE = 90 * 86_400_000;
export const ARCHIVE_SIZE = 10_000;
