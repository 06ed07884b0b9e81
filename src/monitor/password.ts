import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";

const COST = 16_384;
const BLOCK = 8;
const LANES = 1;
const LENGTH = 32;
/** A file that asks for more work than this per password is refused. */
const MOST_COST = 2 ** 18;

/**
 * A password as it may be kept: `scrypt$16384$8$1$<salt>$<key>`, for `auth.users` and the lines of an auth file.
 * Each call answers another text, because the salt is drawn anew.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const options = { N: COST, r: BLOCK, p: LANES };
  const key = await derive(password, salt, LENGTH, options);
  return `scrypt$${COST}$${BLOCK}$${LANES}$${salt.toString("base64url")}$${key.toString("base64url")}`;
}

interface ParsedHash {
  readonly options: { readonly N: number; readonly r: number; readonly p: number };
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** `undefined`: it is no text that {@link hashPassword} gives. */
export function parseHash(hash: string): ParsedHash | undefined {
  const [, n, r, p, salt = "", key = ""] =
    /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([\w-]{16,})\$([\w-]{32,})$/.exec(hash) ?? [];
  if (n === undefined) return undefined;
  const options = { N: Number(n), r: Number(r), p: Number(p) };
  const possible = options.N > 1 && options.N <= MOST_COST && Number.isInteger(Math.log2(options.N));
  if (!possible || options.r < 1 || options.p < 1) return undefined;
  return { options, salt: Buffer.from(salt, "base64url"), key: Buffer.from(key, "base64url") };
}

/** Takes as long for a wrong password as for the right one. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const parsed = parseHash(hash);
  if (parsed === undefined) return false;
  const { options, salt, key } = parsed;
  return timingSafeEqual(await derive(password, salt, key.length, options), key);
}

function derive(
  password: string,
  salt: Buffer,
  length: number,
  { N, r, p }: ParsedHash["options"],
): Promise<Buffer> {
  const options: ScryptOptions = { N, r, p, maxmem: 256 * N * r };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
