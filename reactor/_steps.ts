/** The inside of a reactor, for those who drive it in their own way. */
export interface Steps {
  /** How many steps have begun. */
  readonly steps: number;
  /** Nobody waits for the reactor any more: it keeps no program alive. */
  rest(): void;
}

/** The inside of each reactor. */
export const steppers: WeakMap<object, Steps> = new WeakMap();
