// A Teams dialog: a window over the page with a card in it. The browser keeps the focus inside.
import { CardView } from "./card.js";
import { make } from "./dom.js";

const WIDTHS = { small: 400, medium: 600, large: 900 };
const HEIGHTS = { small: 220, medium: 420, large: 640 };
const pixels = (size, known) => `${known[size] || size}px`;

let open = null;
Theme.onChange(() => open?.draw());

class TeamsDialog {
  constructor({ submit, search }, done) {
    this.deeds = { press: (action) => this.submit(action), search };
    this.send = submit;
    this.done = done;
    this.title = make("h2", { id: "dialog-title" });
    const close = make("button", { type: "button", class: "icon-button", "aria-label": "Close", "data-testid": "dialog-close" }, "✕");
    close.addEventListener("click", () => this.close(""));
    this.body = make("div", { class: "dialog-body" });
    this.element = make("dialog", { class: "teams-dialog", "aria-labelledby": "dialog-title", "data-testid": "dialog" },
      make("div", { class: "dialog-head" }, this.title, close), this.body);
    this.element.addEventListener("close", () => this.close(""));
    this.resizing = new ResizeObserver(() => this.draw());
    document.body.append(this.element);
    this.element.showModal();
    this.resizing.observe(this.body);
  }

  // Put a card into it. What was typed into the one before is the bot's to keep.
  show({ title, width, height, card }) {
    this.title.textContent = title || "Signalbox";
    this.element.style.width = pixels(width, WIDTHS);
    this.element.style.setProperty("--height", pixels(height, HEIGHTS));
    this.card = card;
    this.view = new CardView(this.deeds, { widest: Infinity });
    this.body.replaceChildren(this.view.frame);
    this.body.scrollTop = 0;
    this.draw();
    const first = this.body.querySelector("input:not([type=hidden]), textarea, select, .card button");
    (first || this.element.querySelector("button")).focus();
  }

  draw() {
    if (this.card) this.view.show(this.card, this.body.clientWidth);
  }

  async submit(action) {
    const answer = await this.send(action);
    if (answer.kind === "failure") return answer;
    if (answer.kind === "dialog") this.show(answer.dialog);
    else this.close(answer.text);
    return { kind: "nothing", text: "" };
  }

  close(words) {
    if (open !== this) return;
    open = null;
    this.resizing.disconnect();
    this.element.close();
    this.element.remove();
    this.done(words);
  }
}

// Show *dialog*; once it is closed, the words that the bot closed it with come back, or "".
export function showDialog(dialog, deeds) {
  open?.close("");
  return new Promise((resolve) => {
    open = new TeamsDialog(deeds, resolve);
    open.show(dialog);
  });
}
