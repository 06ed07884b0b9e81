/** A small fact beside the tasks: a number by place, name and id. */
export interface Mark {
  readonly name: string;
  readonly id: string;
  readonly value: number;
}

/** Where limits keep what they know. In every place and name, marks are ordered by value, then by id. */
export interface Marks {
  get(place: string, name: string, id: string): number | undefined;
  set(place: string, name: string, id: string, value: number): void;
  /** False: there was none. */
  delete(place: string, name: string, id: string): boolean;
  /** Deletes all of a place. */
  clear(place: string): void;
  /** How many that name has in that place. */
  count(place: string, name: string): number;
  /** Up to `count` of that name, the lowest value first. */
  list(place: string, name: string, count: number): Mark[];
  /** The one of that name with the highest value. */
  last(place: string, name: string): Mark | undefined;
  /** Up to `count` of the place, whatever their name, the lowest value first. */
  lowest(place: string, count: number): Mark[];
}
