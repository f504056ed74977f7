/** The part of `@std/testing/types` that the tests use: it began as this package. */
export { assert as assertType, type IsExact } from "npm:conditional-type-checks@^1";
