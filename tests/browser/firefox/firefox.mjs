// A stock Firefox without a window, driven by WebDriver BiDi: https://w3c.github.io/webdriver-bidi/

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";

const PLACES = [process.env.FIREFOX, "/usr/bin/firefox-esr", "/usr/bin/firefox"];
/// How long something is waited for, and how often it is looked for, in milliseconds.
const PATIENCE = 20_000;
const LOOK = 50;
/// Keys that are no letters, as WebDriver names them.
const KEYS = { Enter: "\uE007", Escape: "\uE00C", ArrowLeft: "\uE012", ArrowUp: "\uE013", ArrowRight: "\uE014", ArrowDown: "\uE015", Shift: "\uE008", Control: "\uE009" };

/// Nothing is asked of the user, and nobody is called.
const preferences = (downloads) => ({
  "app.normandy.enabled": false,
  "app.update.disabledForTesting": true,
  "browser.aboutwelcome.enabled": false,
  "browser.download.always_ask_before_handling_new_types": false,
  "browser.download.dir": downloads,
  "browser.download.folderList": 2,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.page": 0,
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.update.enabled": false,
  "intl.accept_languages": "en-GB",
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,",
  "toolkit.telemetry.enabled": false,
});

export class Firefox {
  #next = 0;
  #waiting = new Map();
  #listeners = [];

  static async start() {
    const path = PLACES.find((place) => place && existsSync(place));
    assert.ok(path, "no Firefox found; name it in FIREFOX");
    const home = await mkdtemp(join(tmpdir(), "glimpse-firefox-"));
    const lines = Object.entries(preferences(home)).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
    await writeFile(join(home, "user.js"), lines);
    const program = spawn(path, ["--headless", "--no-remote", "--profile", home, "--remote-debugging-port", "0", "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
    const address = await new Promise((found, failed) => {
      let text = "";
      program.stderr.on("data", (data) => {
        text += data;
        const [, address] = /BiDi listening on (ws:\S+)/.exec(text) ?? [];
        if (address) found(address);
      });
      program.on("exit", (code) => failed(new Error(`${path} ended with ${code}: ${text}`)));
    });
    const socket = new WebSocket(`${address}/session`);
    await new Promise((done, failed) => socket.on("open", done).on("error", failed));
    const firefox = new Firefox();
    Object.assign(firefox, { downloads: home, program, socket });
    socket.on("message", (data) => firefox.#hear(JSON.parse(data)));
    await firefox.send("session.new", { capabilities: {} });
    await firefox.send("session.subscribe", { events: ["log.entryAdded"] });
    return firefox;
  }

  #hear({ id, type, method, params, result, error, message }) {
    if (type === "event") return this.#listeners.forEach((listen) => listen(method, params));
    const { done, failed } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (type === "error") failed(new Error(`${error}: ${message}`));
    else done(result);
  }

  send(method, params) {
    const id = ++this.#next;
    this.socket.send(JSON.stringify({ id, method, params }));
    return new Promise((done, failed) => this.#waiting.set(id, { done, failed }));
  }

  listen(listener) {
    this.#listeners.push(listener);
  }

  async newPage({ width, height }) {
    const { context } = await this.send("browsingContext.create", { type: "tab" });
    await this.send("browsingContext.setViewport", { context, viewport: { width, height } });
    return new Page(this, context);
  }

  async stop() {
    const ended = new Promise((done) => this.program.on("exit", done));
    this.program.removeAllListeners("exit");
    this.program.on("exit", () => {});
    await Promise.race([this.send("browser.close", {}), ended]);
    await ended;
    await rm(this.downloads, { recursive: true, force: true });
  }
}

class Page {
  /// What the page said that it should not.
  complaints = [];

  constructor(firefox, context) {
    Object.assign(this, { firefox, context });
    firefox.listen((method, { level, text, source }) => {
      if (method === "log.entryAdded" && source?.context === context && ["warn", "error"].includes(level)) this.complaints.push(text);
    });
  }

  async goto(url) {
    await this.firefox.send("browsingContext.navigate", { context: this.context, url, wait: "complete" });
  }

  /// Calls a function in the page, with values that JSON can hold.
  async evaluate(act, ...values) {
    const functionDeclaration = `async () => JSON.stringify(await (${act})(...${JSON.stringify(values)}))`;
    const { result, exceptionDetails } = await this.firefox.send("script.callFunction", {
      functionDeclaration, awaitPromise: true, target: { context: this.context },
    });
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result.value === undefined ? undefined : JSON.parse(result.value);
  }

  /// Waits until a function in the page gives something that is true, and gives it.
  async until(act, ...values) {
    const end = Date.now() + PATIENCE;
    for (;;) {
      const found = await this.evaluate(act, ...values);
      if (found) return found;
      if (Date.now() > end) throw new Error(`waited in vain for ${act} ${values}`);
      await new Promise((done) => setTimeout(done, LOOK));
    }
  }

  /// Waits for an element that can be seen.
  see(selector) {
    return this.until((selector) => Boolean(document.querySelector(selector)?.checkVisibility()), selector);
  }

  #act(actions) {
    return this.firefox.send("input.performActions", { context: this.context, actions });
  }

  /// Presses on an element with the mouse, or with a finger.
  async press(selector, { pointerType = "mouse" } = {}) {
    await this.see(selector);
    const { nodes: [{ sharedId }] } = await this.firefox.send("browsingContext.locateNodes", { context: this.context, locator: { type: "css", value: selector }, maxNodeCount: 1 });
    const actions = [{ type: "pointerMove", x: 0, y: 0, origin: { type: "element", element: { sharedId } } }, { type: "pointerDown", button: 0 }, { type: "pointerUp", button: 0 }];
    await this.#act([{ type: "pointer", id: pointerType, parameters: { pointerType }, actions }]);
  }

  /// Types letters.
  async type(text) {
    await this.keys(...text);
  }

  /// Presses keys one after another; `Shift+ArrowRight` presses both.
  async keys(...names) {
    const actions = names.flatMap((name) => {
      const held = name.length > 1 ? name.split("+").map((part) => KEYS[part] ?? part) : [name];
      return [...held.map((value) => ({ type: "keyDown", value })), ...held.toReversed().map((value) => ({ type: "keyUp", value }))];
    });
    await this.#act([{ type: "key", id: "keys", actions }]);
  }

  async close() {
    await this.firefox.send("browsingContext.close", { context: this.context });
  }
}
