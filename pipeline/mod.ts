/**
 * Join coroutines into pipelines, and components into a graph that stays configurable.
 *
 * @module
 */
export * from "./be.ts";
export * from "./decline_message.ts";
export type * from "./messages.ts";
export * from "./none_of_the_observers_respond.ts";
export * from "./observable.ts";
export * from "./transparent.ts";
