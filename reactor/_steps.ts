/** For each reactor: what counts its steps. */
export const steppers: WeakMap<object, { readonly steps: number }> = new WeakMap();
