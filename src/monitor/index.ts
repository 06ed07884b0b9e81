export type * from "./api.ts";
export type { Credentials, MonitorToken, MonitorUser } from "./authentication.ts";
export { createMonitor, type ListenOptions, type Monitor } from "./create-monitor.ts";
export { type AuthorizedVisitor, checkCredentials, type MonitorOptions } from "./monitor-options.ts";
export { hashPassword } from "./password.ts";
