/**
 * @module
 */
export * from "./compose/mod.ts";
