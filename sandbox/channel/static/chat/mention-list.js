// The list that "@" opens in the composer: whom to mention.
import { avatar, make } from "./dom.js";

let count = 0;

export class MentionList {
  // *text* is the textarea; *names* are whom one can mention, the bot first.
  constructor(text, names, bot) {
    count += 1;
    this.text = text;
    this.names = names;
    this.bot = bot;
    this.active = 0;
    this.list = make("ul", { role: "listbox", id: `mentions-${count}`, class: "mentions", "aria-label": "Mention", hidden: true, "data-testid": "mentions" });
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id, "aria-haspopup": "listbox" })) {
      text.setAttribute(name, value);
    }
    text.addEventListener("input", () => this.look());
    text.addEventListener("click", () => this.look());
    text.addEventListener("blur", () => this.close());
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays
    this.list.addEventListener("click", (event) => {
      const index = [...this.list.children].indexOf(event.target.closest("[role=option]"));
      if (index >= 0) this.choose(index);
    });
  }

  get isOpen() { return !this.list.hidden; }

  // What stands between an "@" and the caret.
  begun() {
    const { value, selectionStart } = this.text;
    return /(?:^|[^\w@])@([\w-]*)$/u.exec(value.slice(0, selectionStart));
  }

  look() {
    const begun = this.begun();
    const typed = begun ? begun[1].toLowerCase() : "";
    const found = begun ? this.names.filter((name) => name.toLowerCase().includes(typed)) : [];
    if (!found.length || (found.length === 1 && found[0].toLowerCase() === typed)) {
      this.close();
      return;
    }
    this.found = found.sort((a, b) => b.toLowerCase().startsWith(typed) - a.toLowerCase().startsWith(typed));
    this.list.replaceChildren(...this.found.map((name, index) => make("li", { role: "option", id: `${this.list.id}-${index}`, "data-testid": "mention-choice" },
      avatar(name, { isBot: name === this.bot, small: true }), make("span", {}, name))));
    this.list.hidden = false;
    this.text.setAttribute("aria-expanded", "true");
    this.highlight(0);
  }

  highlight(index) {
    const options = [...this.list.children];
    this.active = (index + options.length) % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === this.active)));
    this.text.setAttribute("aria-activedescendant", options[this.active].id);
    options[this.active].scrollIntoView({ block: "nearest" });
  }

  choose(index) {
    const { value, selectionStart } = this.text;
    const before = value.slice(0, selectionStart).replace(/@[\w-]*$/u, `@${this.found[index]} `);
    this.text.value = before + value.slice(selectionStart).trimStart();
    this.text.setSelectionRange(before.length, before.length);
    this.close();
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  close() {
    this.list.hidden = true;
    this.text.setAttribute("aria-expanded", "false");
    this.text.removeAttribute("aria-activedescendant");
  }

  // Whether the key was for the list.
  take(event) {
    if (!this.isOpen) return false;
    if (event.key === "ArrowDown") this.highlight(this.active + 1);
    else if (event.key === "ArrowUp") this.highlight(this.active - 1);
    else if (["Enter", "Tab"].includes(event.key) && !event.shiftKey) this.choose(this.active);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}
