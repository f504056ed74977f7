// deno-lint-ignore-file no-explicit-any
import type { Coroutine } from "../compose/mod.ts";

/*
 * The types of `this.do` and the other verbs, made from the type of the messages. Each verb offers
 * the messages whose handlers return what fits it, and the same again for each name of an observer.
 * Without a type of messages (`any`) every message is possible.
 */

/**
 * What `this.do` offers: the messages whose handlers return nothing.
 *
 * @typeParam M The messages.
 * @typeParam Names Names of observers that messages can be directed to.
 *
 * @category Messages
 */
export type DoOf<M, Names extends string = never> = 0 extends 1 & M ? any
  :
    & {
      [
        K in keyof M as M[K] extends (...args: any[]) => infer R ? [R] extends [void] ? K : never
          : never
      ]: M[K];
    }
    & { unknown(message: string, ...args: any[]): void }
    & { [Name in Names]: DoOf<M> };

/**
 * What `this.call` offers: the messages whose handlers are plain methods.
 *
 * @typeParam M The messages.
 * @typeParam Names Names of observers that messages can be directed to.
 *
 * @category Messages
 */
export type CallOf<M, Names extends string = never> = 0 extends 1 & M ? any
  :
    & {
      [
        K in keyof M as M[K] extends (...args: any[]) => infer R
          ? [R] extends [Coroutine] ? 0 extends 1 & R ? K : never : K
          : never
      ]: M[K];
    }
    & { unknown(message: string, ...args: any[]): any }
    & { [Name in Names]: CallOf<M> };

/**
 * What `this.any` offers: the messages whose handlers are coroutines.
 *
 * @typeParam M The messages.
 * @typeParam Names Names of observers that messages can be directed to.
 *
 * @category Messages
 */
export type AnyOf<M, Names extends string = never> = 0 extends 1 & M ? any
  :
    & {
      [
        K in keyof M as M[K] extends (...args: any[]) => infer R
          ? [R] extends [Coroutine] ? K : never
          : never
      ]: M[K];
    }
    & { unknown(message: string, ...args: any[]): Coroutine }
    & { [Name in Names]: AnyOf<M> };

/**
 * What `this.all` offers: the messages whose handlers are coroutines.
 *
 * @typeParam M The messages.
 * @typeParam Names Names of observers that messages can be directed to.
 *
 * @category Messages
 */
export type AllOf<M, Names extends string = never> = 0 extends 1 & M ? any
  :
    & {
      [
        K in keyof M as M[K] extends (...args: any[]) => infer R
          ? [R] extends [Coroutine] ? K : never
          : never
      ]: M[K] extends (...args: infer A) => any ? (...args: A) => Coroutine<void> : never;
    }
    & { unknown(message: string, ...args: any[]): Coroutine<void> }
    & { [Name in Names]: AllOf<M> };

/**
 * What `this.once` offers: all messages.
 *
 * @typeParam M The messages.
 * @typeParam Names Names of observers that messages can be directed to.
 *
 * @category Messages
 */
export type OnceOf<M, Names extends string = never> = 0 extends 1 & M ? any
  :
    & {
      [K in keyof M]: M[K] extends (...args: infer A) => any ? (...args: A) => Coroutine<void>
        : never;
    }
    & { unknown(message: string, ...args: any[]): Coroutine<void> }
    & { [Name in Names]: OnceOf<M> };
