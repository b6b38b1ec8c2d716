// A card in a message: drawn anew when it changes, without losing what somebody is typing into it.
import { showDialog } from "./dialog.js";
import { make } from "./dom.js";

const WIDEST = 446; // a personal chat in Teams on a desktop
const hosts = {};

export async function loadHosts() {
  await Promise.all(["light", "dark", "contrast"].map(async (theme) => {
    hosts[theme] = await (await fetch(`/cards/host-${theme}.json`)).json();
  }));
}

// A view of one card. `press(action)` gets the button's JSON, the inputs' values in its data, and
// gives a promise of {kind, text, dialog}; `submit(action)` is the same for the buttons of the dialog
// that opens then; `search(query)` gives a promise of choices.
export class CardView {
  constructor(deeds, { widest = WIDEST } = {}) {
    this.deeds = deeds;
    this.widest = widest;
    this.known = new Map();
    this.element = make("div", { class: "card", "data-testid": "card" });
    this.notice = make("div", { class: "card-notice" });
    this.frame = make("div", { class: "card-frame" }, this.element, this.notice);
    this.isPending = false;
  }

  // Draw *json* at *width*, unless that is what is there.
  show(json, width) {
    const wide = Math.min(this.widest, Math.floor(width));
    const key = JSON.stringify([json, wide, Theme.theme()]);
    if (key === this.key || wide <= 0) return;
    this.key = key;
    const kept = this.keep();
    this.json = json;
    const { element } = TeamsCards.render(json, hosts[Theme.theme()], {
      width: wide,
      onAction: (action) => this.act(action),
      search: this.deeds.search,
      known: this.known,
      markdown: linksAway(TeamsCards.teamsMarkdown()),
    });
    this.element.replaceChildren(element);
    this.restore(kept);
    this.setPending(this.isPending);
  }

  async act(action) {
    const kind = action.getJsonTypeName();
    if (kind === "Action.OpenUrl") {
      if (/^https?:/i.test(action.url)) window.open(action.url, "_blank", "noopener,noreferrer");
      return;
    }
    if (this.isPending || !["Action.Execute", "Action.Submit"].includes(kind)) return;
    const pressed = { type: kind, data: action.data || {} };
    if (action.id) pressed.id = action.id;
    if (action.verb) pressed.verb = action.verb;
    this.say("", "");
    this.setPending(true, action.title);
    let answer;
    try {
      answer = await this.deeds.press(pressed);
    } catch (error) {
      answer = { kind: "failure", text: error.message };
    } finally {
      this.setPending(false);
    }
    if (answer.kind === "dialog") {
      const text = await showDialog(answer.dialog, this.deeds);
      answer = { kind: "notice", text };
      this.focusButton(action.title);
    }
    if (answer.text) this.say(answer.kind === "failure" ? "alert" : "status", answer.text);
  }

  // The focus goes back to the button, or to the one that took its place.
  focusButton(title) {
    [...this.element.querySelectorAll("button")].find((button) => button.textContent === title)?.focus();
  }

  setPending(isPending, title = this.pendingTitle) {
    this.isPending = isPending;
    this.pendingTitle = title;
    this.element.classList.toggle("pending", isPending);
    for (const button of this.element.querySelectorAll("button.ac-pushButton")) {
      const isPressed = isPending && button.textContent === title;
      button.classList.toggle("pressed", isPressed);
      button.setAttribute("aria-disabled", String(isPending));
      button.toggleAttribute("aria-busy", isPressed);
      if (isPressed) button.setAttribute("aria-busy", "true");
    }
    if (!isPending) {
      for (const button of this.element.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
    }
  }

  say(role, text) {
    if (!text) {
      this.notice.replaceChildren();
      return;
    }
    const close = make("button", { type: "button", class: "icon-button", "aria-label": "Dismiss" }, "✕");
    close.addEventListener("click", () => this.say("", ""));
    this.notice.replaceChildren(
      make("div", { class: `notice ${role}`, role, "data-testid": "notice" }, make("span", {}, text), close));
  }

  // What is being typed, which form is open, where the focus is.
  keep() {
    const focused = this.element.contains(document.activeElement) ? document.activeElement : null;
    return {
      values: this.fields().map((field) => [field.key, field.input.type === "checkbox" || field.input.type === "radio" ? field.input.checked : field.input.value]),
      open: [...this.element.querySelectorAll("button.expanded")].map((button) => button.textContent),
      focus: focused && (this.fields().find((field) => field.input === focused) || { title: focused.textContent }),
      selection: focused && "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null,
    };
  }

  restore({ values, open, focus, selection }) {
    for (const title of open) {
      [...this.element.querySelectorAll("button")].find((button) => button.textContent === title)?.click();
    }
    const fields = this.fields();
    const before = new Map(values);
    for (const { key, input } of fields) {
      const value = before.get(key);
      if (value === undefined) continue;
      const property = typeof value === "boolean" ? "checked" : "value";
      if (input[property] === value) continue;
      input[property] = value;
      input.dispatchEvent(new Event(property === "checked" ? "change" : "input", { bubbles: true }));
    }
    if (!focus) return;
    const target = focus.key
      ? fields.find((field) => field.key === focus.key)?.input
      : [...this.element.querySelectorAll("button")].find((button) => button.textContent === focus.title);
    target?.focus({ preventScroll: true });
    if (selection && target && "setSelectionRange" in target && selection[0] !== null) {
      try { target.setSelectionRange(...selection); } catch { /* a kind of input that has no selection */ }
    }
  }

  // The inputs by position: ids of the SDK's elements change with each drawing.
  fields() {
    return [...this.element.querySelectorAll("input, textarea, select")]
      .map((input, index) => ({ key: `${index} ${input.getAttribute("aria-label") || input.placeholder || ""}`, input }));
  }
}

// Links lead to a new tab that knows nothing of this page.
function linksAway(markdown) {
  const plain = markdown.renderer.renderToken.bind(markdown.renderer);
  markdown.renderer.rules.link_open = (tokens, index, options) => {
    tokens[index].attrSet("target", "_blank");
    tokens[index].attrSet("rel", "noopener noreferrer");
    return plain(tokens, index, options);
  };
  return markdown;
}
