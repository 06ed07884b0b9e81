-- Why the attempt fence refuses: `refusal.ts` reads them.
local FENCED, GONE, UNLEASED, GHOST = 1, 2, 3, 4
