const FIRST_SIZE = 1_024;

/**
 * Remembers which ids were seen, in about 16 bytes each: a queue may hold millions. It keeps their hashes of 53 bits;
 * that two of a million are equal happens once in twenty thousand times.
 */
export class IdSet {
  #slots = new Float64Array(FIRST_SIZE);
  #size = 0;

  /** False: it was there. */
  add(id: Uint8Array): boolean {
    if (2 * this.#size >= this.#slots.length) this.#grow();
    const added = insert(this.#slots, hashOf(id));
    if (added) this.#size += 1;
    return added;
  }

  has(id: Uint8Array): boolean {
    return this.#slots[find(this.#slots, hashOf(id))] !== 0;
  }

  #grow(): void {
    const slots = new Float64Array(2 * this.#slots.length);
    for (const hash of this.#slots) if (hash !== 0) insert(slots, hash);
    this.#slots = slots;
  }
}

function insert(slots: Float64Array, hash: number): boolean {
  const at = find(slots, hash);
  if (slots[at] === hash) return false;
  slots[at] = hash;
  return true;
}

/** Where it is, or where it would go. */
function find(slots: Float64Array, hash: number): number {
  let at = hash % slots.length;
  while (slots[at] !== 0 && slots[at] !== hash) at = (at + 1) % slots.length;
  return at;
}

/** Two multiplicative hashes side by side; 0 marks an empty slot. */
function hashOf(id: Uint8Array): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (const byte of id) {
    high = Math.imul(high ^ byte, 2_654_435_761);
    low = Math.imul(low ^ byte, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return (2_097_151 & low) * 4_294_967_296 + (high >>> 0) || 1;
}
