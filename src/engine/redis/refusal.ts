/** How the scripts of `lua/process` say why an attempt may not touch its task (`lua/shared/refusals.lua`); 2 is "gone". */
export const FENCED = 1;
/** Its lease was lost; a proof that the attempt is the task's last one lets it go on. */
export const UNLEASED = 3;
/** A requeue found no hash to put back; it is repeated with the bytes. */
export const GHOST = 4;
