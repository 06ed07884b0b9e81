/** Bytes of a user, made readable. Never HTML: show it as text. */
export interface Content {
  /** Of the whole, in bytes. */
  bytes: number;
  /**
   * `json`: `text` is the JSON as it is stored, unless it is `truncated`. `text`: UTF-8. `hex`: two lower-case digits a
   * byte. `none`: there is nothing.
   */
  kind: "none" | "json" | "text" | "hex";
  text: string;
  /** Only the beginning is here: `GET …/payload` has all of it. */
  truncated: boolean;
  /** Values were replaced by `"[redacted]"`; or all of it was left out, and `text` is empty. */
  redacted: boolean;
}

/** A payload that a person wrote. */
export interface WrittenContent {
  /** `json`: `text` must be JSON. `hex`: an even number of hexadecimal digits. */
  kind: "none" | "json" | "text" | "hex";
  text: string;
}
