// Where one writes: where it hears nothing else, the bot is mentioned unless one says otherwise.
import { make } from "./dom.js";
import { MentionList } from "./mention-list.js";

const SEND = "M2.7 2.6a.5.5 0 0 1 .7-.6l14 7.5a.5.5 0 0 1 0 .9l-14 7.5a.5.5 0 0 1-.7-.6L4.6 10 2.7 2.6Zm2.8 8-1.5 5.7L15.8 10 4 3.7l1.5 5.7H11v1.2H5.5Z";
let count = 0;

export class Composer {
  // *people* are the names that can be mentioned; `send(text)` gives a promise; *id* names the text field.
  constructor({ bot, people, needsMention, placeholder, send, id, onCancel }) {
    this.bot = bot;
    this.send = send;
    count += 1;
    this.text = make("textarea", {
      id: id || `composer-${count}`, rows: 1, maxlength: 20000, placeholder, "aria-label": placeholder,
      "data-testid": id ? "composer" : "reply-composer", enterkeyhint: "send",
    });
    this.mention = needsMention
      ? make("button", { type: "button", class: "mention-chip", "aria-pressed": "true", "data-testid": "mention", title: `Whether ${bot} is told` }, `@${bot}`)
      : null;
    this.button = make("button", { type: "submit", class: "icon-button send", "aria-label": "Send", "data-testid": id ? "send" : "reply-send" });
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of Object.entries({ viewBox: "0 0 20 20", width: 20, height: 20, "aria-hidden": "true" })) svg.setAttribute(name, value);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", SEND);
    svg.append(path);
    this.button.append(svg);
    this.problem = make("p", { class: "composer-problem", role: "alert" });
    this.mentions = new MentionList(this.text, [bot, ...people], bot);
    this.element = make("form", { class: "composer" },
      make("div", { class: "composer-box" }, this.mention, this.text, this.button), this.mentions.list, this.problem);
    this.element.addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    this.text.addEventListener("input", () => this.grow());
    this.text.addEventListener("keydown", (event) => {
      if (this.mentions.take(event)) return;
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.submit();
      } else if (event.key === "Escape" && onCancel) {
        onCancel();
      } else if (event.key === "Backspace" && !this.text.value && this.isMentioning()) {
        this.setMention(false);
      }
    });
    this.mention?.addEventListener("click", () => { this.setMention(!this.isMentioning()); this.text.focus(); });
  }

  isMentioning() { return this.mention?.getAttribute("aria-pressed") === "true"; }

  setMention(isOn) {
    this.mention?.setAttribute("aria-pressed", String(isOn));
  }

  fill(text) {
    this.text.value = text;
    this.grow();
    this.text.focus();
  }

  grow() {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight, 160)}px`;
  }

  async submit() {
    const typed = this.text.value.trim();
    if (!typed || this.button.disabled) return;
    const names = new RegExp(`(^|[^\\w@])@${this.bot}(?![\\w-])`, "iu");
    const text = this.isMentioning() && !names.test(typed) ? `@${this.bot} ${typed}` : typed;
    this.button.disabled = true;
    this.problem.textContent = "";
    this.text.value = "";
    this.mentions.close();
    this.grow();
    try {
      await this.send(text);
      this.setMention(true);
    } catch (error) {
      this.problem.textContent = error.message;
      if (!this.text.value) this.fill(typed);
    } finally {
      this.button.disabled = false;
    }
  }
}
