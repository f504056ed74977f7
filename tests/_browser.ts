/** Headless Chromium, driven by its DevTools protocol. */
import { PATIENCE_MS } from "./_leaks.ts";

interface Message {
  id?: number;
  method?: string;
  params?: {
    entry?: { level: string; text: string; url?: string };
    exceptionDetails?: unknown;
    type?: string;
    args?: unknown;
  };
  result?: { result?: { value?: unknown }; exceptionDetails?: unknown; sessionId?: string };
  error?: { message: string };
}

export class Browser implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;
  readonly #said: Promise<unknown>;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number | string, (message: Message) => void>();
  #sessionId: string | undefined;
  #last = 0;
  /** What the pages have complained about since the start: errors that nobody caught, on the console, and of requests. */
  readonly problems: string[] = [];

  private constructor(
    process: Deno.ChildProcess,
    folder: string,
    said: Promise<unknown>,
    socket: WebSocket,
  ) {
    this.#process = process;
    this.#folder = folder;
    this.#said = said;
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const message: Message = JSON.parse(data);
      this.#note(message);
      const key = message.id ?? message.method!;
      this.#waiting.get(key)?.(message);
      this.#waiting.delete(key);
    };
  }

  /** Starts it, with one empty page. */
  static async start(): Promise<Browser> {
    const folder = await Deno.makeTempDir();
    const process = new Deno.Command("chromium", {
      args: [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        ...["--remote-debugging-port=0", `--user-data-dir=${folder}`, "about:blank"],
      ],
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const errors = process.stderr.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    let url: string | undefined;
    while ((url = said.match(/DevTools listening on (\S+)\s/)?.[1]) === undefined) {
      const { value, done } = await errors.read();
      if (done) throw new Error(`Chromium ended before it listened: ${said}`);
      said += value;
    }
    const rest = (async () => {
      while (!(await errors.read()).done);
    })();
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    const browser = new Browser(process, folder, rest, socket);
    const { targetId } = await browser.#send("Target.createTarget", { url: "about:blank" });
    const session = await browser.#send("Target.attachToTarget", { targetId, flatten: true });
    browser.#sessionId = session.sessionId as string;
    for (const domain of ["Page", "Log", "Runtime"]) await browser.#send(`${domain}.enable`);
    return browser;
  }

  /** Loads a page. */
  async open(url: string): Promise<void> {
    await this.loaded(() => this.#send("Page.navigate", { url }));
    // The event may have been that of the page before.
    const isThere = "document.readyState === 'complete' && document.documentElement !== null";
    while (!await this.evaluate(isThere)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Takes all certificates from now on, whoever has signed them. */
  async trustAll(): Promise<void> {
    await this.#send("Security.setIgnoreCertificateErrors", { ignore: true });
  }

  /** Gives the pages a width in pixels, as that of a telephone. */
  async narrow(width: number): Promise<void> {
    const metrics = { width, height: 800, deviceScaleFactor: 1, mobile: true };
    await this.#send("Emulation.setDeviceMetricsOverride", metrics);
  }

  #note({ method, params }: Message): void {
    if (method === "Log.entryAdded" && params!.entry!.level === "error") {
      this.problems.push(`${params!.entry!.text} ${params!.entry!.url}`);
    } else if (method === "Runtime.exceptionThrown") {
      this.problems.push(JSON.stringify(params!.exceptionDetails));
    } else if (method === "Runtime.consoleAPICalled" && params!.type === "error") {
      this.problems.push(JSON.stringify(params!.args));
    }
  }

  /** Does something that loads a page. */
  async loaded(act: () => Promise<unknown>): Promise<void> {
    const event = this.#message("Page.loadEventFired");
    await act();
    await event;
  }

  /** The value of an expression in the page; of a promise its result. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    }) as NonNullable<Message["result"]>;
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return result?.value;
  }

  /** Waits until an expression has a value in the page. */
  async until(expression: string): Promise<void> {
    await this.evaluate(`new Promise((resolve) => {
      const look = () => {
        if (${expression}) resolve(); else requestAnimationFrame(look);
      };
      look();
    })`);
  }

  async #send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#last;
    const answer = this.#message(id);
    const sessionId = this.#sessionId;
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) }));
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as Record<string, unknown>;
  }

  #message(key: number | string): Promise<Message> {
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const timer = setTimeout(
      () => reject(new Error(`Waited in vain for ${key} of Chromium`)),
      PATIENCE_MS,
    );
    this.#waiting.set(key, (message) => {
      clearTimeout(timer);
      resolve(message);
    });
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    await this.#send("Browser.close");
    await closed;
    await this.#process.status;
    await this.#said;
    await Deno.remove(this.#folder, { recursive: true });
  }
}
