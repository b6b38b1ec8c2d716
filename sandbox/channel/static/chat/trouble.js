// The Trouble panel: have this Teams behave as Teams does on a bad day.
import { make } from "./dom.js";

// A number, with the unit behind it.
const number = (label, value, attributes) => {
  const input = make("input", { type: "number", min: 0, max: 1000, value, required: true, ...attributes });
  return { input, element: make("label", { class: "trouble-field" }, make("span", {}, label), input) };
};

const button = (words, id, deed) => {
  const element = make("button", { type: "button", class: "small-button", "data-testid": `trouble-${id}` }, words);
  element.addEventListener("click", deed);
  return element;
};

export class TroublePanel {
  // *api* is the chat API's; `placeNow()` is the place that is open.
  constructor({ toggle, panel, api, placeNow }) {
    Object.assign(this, { toggle, panel, api, placeNow });
    this.words = make("p", { class: "trouble-words", role: "status", "data-testid": "trouble-words" });
    this.times = number("requests", 3, { min: 1, "data-testid": "trouble-times" });
    this.seconds = number("seconds", 30, { min: 1, "data-testid": "trouble-seconds" });
    this.retryAfter = number("seconds as Retry-After", 2, { "data-testid": "trouble-retry-after" });
    this.here = make("input", { type: "checkbox", id: "trouble-here" });
    this.delay = number("seconds", 5, { max: 120, "data-testid": "trouble-delay" });
    this.offline = make("input", { type: "checkbox", id: "trouble-offline", "data-testid": "trouble-offline" });
    this.offline.addEventListener("change", () => this.change({ offline: this.offline.checked }));
    const part = (title, hint, ...children) => make("fieldset", {}, make("legend", {}, title), make("p", { class: "hint" }, hint), ...children);
    panel.replaceChildren(
      make("h2", { id: "trouble-title" }, "Trouble"),
      make("p", { class: "hint" }, "What Teams does to a bot on a bad day. It holds for everybody here."),
      this.words,
      part("Too many requests", "The bot is answered with 429.",
        make("div", { class: "trouble-row" }, button("Refuse the next", "refuse-times", () => this.refuse({ times: this.times.input })), this.times.element),
        make("div", { class: "trouble-row" }, button("Refuse for", "refuse-seconds", () => this.refuse({ seconds: this.seconds.input })), this.seconds.element),
        this.retryAfter.element,
        make("label", { class: "trouble-check" }, this.here, make("span", {}, "Only in this conversation"))),
      part("Deliver again", "The bot gets what somebody last did once more.",
        make("div", { class: "trouble-row" },
          button("Same id", "same-id", () => this.redeliver(false)), button("New id", "new-id", () => this.redeliver(true)))),
      part("Lost messages", "Edits of what the bot has posted so far are answered with 404.",
        make("div", { class: "trouble-row" }, button("Lose them", "lose", () => this.change({ lost: true })))),
      part("Slow", "What the bot asks is done at once, and answered late.",
        make("div", { class: "trouble-row" }, button("Answer after", "slow", () => this.slow()), this.delay.element)),
      part("Offline", "The bot is answered with 503, and what people say reaches it later.",
        make("label", { class: "trouble-check" }, this.offline, make("span", {}, "Teams is offline"))),
      make("div", { class: "trouble-row" }, this.over = button("Stop all trouble", "over", () => this.change({ refusing: null, slow: 0, lost: false, offline: false }))));
  }

  async refuse(what) {
    const [[key, input]] = Object.entries(what);
    if (![input, this.retryAfter.input].every((each) => each.reportValidity())) return;
    await this.change({ refusing: {
      [key]: Number(input.value), retryAfter: Number(this.retryAfter.input.value),
      conversation: this.here.checked ? this.placeNow().id : "",
    } });
  }

  async slow() {
    if (this.delay.input.reportValidity()) await this.change({ slow: Number(this.delay.input.value) });
  }

  async redeliver(newId) {
    try {
      const { status, failure } = await this.api.redeliver(newId);
      this.say(failure || `Delivered again, under ${newId ? "a new id" : "the same id"}: the bot answered ${status}.`);
    } catch (error) {
      this.say(error.message);
    }
  }

  async change(what) {
    try {
      this.show(await this.api.setTrouble(what));
    } catch (error) {
      this.say(error.message);
    }
  }

  async load() {
    this.show(await this.api.trouble());
  }

  show(state) {
    const parts = said(state);
    this.offline.checked = state.offline;
    this.over.disabled = !parts.length;
    this.toggle.classList.toggle("active", parts.length > 0);
    this.toggle.setAttribute("aria-label", parts.length ? `Trouble: ${parts.join(" ")}` : "Trouble");
    this.toggle.title = parts.join(" ") || "Have this Teams misbehave";
    this.say(parts.join(" ") || "Nothing is wrong.");
  }

  say(words) {
    if (this.words.textContent !== words) this.words.textContent = words;
  }
}

// What is wrong, in sentences.
function said({ refusing, slow, lost, offline, held }) {
  const parts = [];
  if (refusing) {
    const where = refusing.conversation ? " to one conversation" : "";
    const what = refusing.left === null
      ? `All requests${where} until ${new Date(refusing.until).toLocaleTimeString("en-GB")}`
      : refusing.left === 1 ? `The next request${where}` : `The next ${refusing.left} requests${where}`;
    parts.push(`${what} ${refusing.left === 1 ? "is" : "are"} answered with ${refusing.status}.`);
  }
  if (slow) parts.push(`Answers take ${slow} ${slow === 1 ? "second" : "seconds"}.`);
  if (lost) parts.push("What the bot posted is lost to it.");
  if (offline) parts.push(`Teams is offline${held ? `; ${held} ${held === 1 ? "activity waits" : "activities wait"}` : ""}.`);
  return parts;
}
