import { FIELD_OVERHEAD } from "./_field_list.ts";

interface Field {
  readonly named: Named;
  readonly value: string;
  readonly size: number;
  /** How many fields were added before it. */
  readonly before: number;
  /** The one that was added after it. */
  next: Field | undefined;
}

/** The fields in the table that have the same name. */
interface Named {
  readonly name: string;
  readonly values: Map<string, Field>;
  /** The last one that was added, which is evicted last. */
  newest: Field;
}

/**
 * The dynamic table of an encoder (RFC 7541 2.3.2). It has no field twice.
 *
 * Indices are those within the table: 1 for the newest field, 0 for none.
 */
export class SentTable {
  #names: Map<string, Named> | undefined = undefined;
  #oldest: Field | undefined = undefined;
  #newest: Field | undefined = undefined;
  /** How many fields were added, ever. */
  #added = 0;
  #size = 0;
  #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** RFC 7541 4.1: what all fields may have together. */
  get capacity(): number {
    return this.#capacity;
  }

  /** The index of a field. */
  find(name: string, value: string): number {
    return this.#indexOf(this.#names?.get(name)?.values.get(value));
  }

  /** The index of a field with this name. */
  findName(name: string): number {
    return this.#indexOf(this.#names?.get(name)?.newest);
  }

  /** RFC 7541 4.3: evicts what does not fit any more. */
  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#evict(capacity);
  }

  /** Adds a field that is not in the table, and is not larger than it. */
  insert(name: string, value: string): void {
    const size = name.length + value.length + FIELD_OVERHEAD;
    this.#evict(this.#capacity - size);
    const names = this.#names ??= new Map();
    const named = names.get(name) ?? { name, values: new Map() };
    const field: Field = { named, value, size, before: this.#added++, next: undefined };
    named.newest = field;
    named.values.set(value, field);
    names.set(name, named);
    if (this.#newest === undefined) this.#oldest = field;
    else this.#newest.next = field;
    this.#newest = field;
    this.#size += size;
  }

  #indexOf(field: Field | undefined): number {
    return field === undefined ? 0 : this.#added - field.before;
  }

  /** Removes the oldest fields until the others have at most `size`. */
  #evict(size: number): void {
    while (this.#size > size && this.#oldest !== undefined) {
      const { named, value, size, next } = this.#oldest;
      named.values.delete(value);
      if (named.values.size === 0) this.#names!.delete(named.name);
      this.#size -= size;
      this.#oldest = next;
    }
    if (this.#oldest === undefined) this.#newest = undefined;
  }
}
