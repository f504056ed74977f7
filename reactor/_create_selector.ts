import { DenoSelector } from "./_deno_selector.ts";
import { EpollSelector } from "./linux/_epoll_selector.ts";
import type { SelectorName } from "./reactor_options.ts";

export function createSelector(name: SelectorName): DenoSelector {
  switch (name) {
    case "auto":
      return EpollSelector.supported ? new EpollSelector() : new DenoSelector();
    case "deno":
      return new DenoSelector();
    case "epoll":
      return new EpollSelector();
    default:
      throw new TypeError(
        `Cannot use selector ${JSON.stringify(name)}: it must be "auto", "deno" or "epoll"`,
      );
  }
}
