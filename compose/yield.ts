export const Yield: unique symbol = Symbol("Yield");
