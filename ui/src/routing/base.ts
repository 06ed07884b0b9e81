/**
 * Where the monitor is mounted, with a slash at its end. The built script lies in `assets/` below it, wherever that is, and
 * whatever page it was loaded from.
 */
export const base = new URL(/* @vite-ignore */ "../", import.meta.url);
