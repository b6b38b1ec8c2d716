// One message.
import { CardView } from "./card.js";
import { avatar, make, time } from "./dom.js";

// What a bot writes in a message: Teams knows code there, too.
function markdown() {
  return TeamsCards.teamsMarkdown().enable(["code", "fence", "blockquote"]);
}

function words(message) {
  const element = make("div", { class: "text", "data-testid": "text" });
  if (message.format === "markdown") {
    element.innerHTML = markdown().render(message.text); // html: false, see extensions.js
    for (const link of element.querySelectorAll("a")) {
      link.target = "_blank";
      link.rel = "noopener noreferrer";
    }
    mention(element, message.mentions);
    return element;
  }
  element.classList.add("as-typed");
  element.textContent = message.text;
  mention(element, message.mentions);
  return element;
}

// Make each `@name` of *names* in the text below *element* a mention.
function mention(element, names) {
  if (!names.length) return;
  const escaped = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).sort((a, b) => b.length - a.length);
  const pattern = new RegExp(`(?<![\\w@])@(?:${escaped.join("|")})(?![\\w-])`, "giu");
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    const pieces = [];
    let end = 0;
    for (const found of text.data.matchAll(pattern)) {
      pieces.push(text.data.slice(end, found.index), make("span", { class: "mention" }, found[0].slice(1)));
      end = found.index + found[0].length;
    }
    if (pieces.length) text.replaceWith(...pieces, text.data.slice(end));
  }
}

// What a screen reader is told of a message, in a line.
export function spoken(message) {
  const card = message.cards[0];
  const said = card ? card.speak || card.fallbackText || message.summary || "a card" : message.text;
  const me = message.mentionsMe ? "You are mentioned. " : "";
  return `${me}${message.senderName}: ${message.isDeleted ? "took a message back" : said}`;
}

export class MessageView {
  constructor(message, { me, deeds }) {
    const { id } = message;
    this.deeds = {
      press: (action) => deeds.press(id, action),
      submit: (action) => deeds.submit(id, action),
      search: (query) => deeds.search(id, query),
    };
    this.cards = [];
    this.isMine = message.sender === me.id;
    this.body = make("div", { class: "body" });
    this.edited = make("span", { class: "edited", hidden: true }, "Edited");
    this.mark = make("span", { class: "mention-mark", hidden: true, title: "You are mentioned" },
      make("span", { "aria-hidden": "true" }, "@"), make("span", { class: "unseen" }, "You are mentioned"));
    this.failure = make("div", { class: "delivery" });
    this.element = make(
      "article",
      {
        class: `message${this.isMine ? " mine" : ""}${message.isFromBot ? " from-bot" : ""}`,
        "data-testid": "message",
        "data-message-id": message.id,
        "data-from": message.senderName,
        "aria-label": `${message.senderName}, ${new Date(message.at).toLocaleTimeString("en-GB")}`,
      },
      avatar(message.senderName, { isBot: message.isFromBot }),
      make("div", { class: "message-main" },
        make("div", { class: "message-head" },
          make("span", { class: "name" }, message.senderName),
          message.isFromBot ? make("span", { class: "app-badge" }, "App") : null,
          time(message.at), this.edited, this.mark),
        this.body, this.failure));
  }

  show(message) {
    this.message = message;
    this.element.dataset.version = message.version;
    this.mark.hidden = !message.mentionsMe;
    this.element.classList.toggle("mentions-me", message.mentionsMe);
    this.edited.hidden = message.version === 1 || message.cards.length > 0 || message.isDeleted;
    if (message.isDeleted) {
      this.cards = [];
      this.body.replaceChildren(make("p", { class: "gone" }, "This message has been deleted."));
      return;
    }
    while (this.cards.length < message.cards.length) {
      this.cards.push(new CardView(this.deeds));
    }
    this.cards.length = message.cards.length;
    const text = JSON.stringify([message.text, message.format, message.mentions]);
    if (text !== this.text || this.body.querySelectorAll(".card-frame").length !== this.cards.length) {
      this.text = text;
      this.body.replaceChildren(
        ...(message.text ? [words(message)] : []), ...this.cards.map((card) => card.frame));
    }
    this.draw();
  }

  // Draw the cards as wide as there is room for.
  draw() {
    if (!this.message || this.message.isDeleted) return;
    this.cards.forEach((view, index) => view.show(this.message.cards[index], this.body.clientWidth));
  }

  // Say what became of it on its way to the bot.
  note(sentence) {
    this.failure.replaceChildren(make("p", { class: "held", role: "status", "data-testid": "held" }, sentence));
  }

  fail(sentence, retry) {
    if (!sentence) {
      this.failure.replaceChildren();
      return;
    }
    const again = make("button", { type: "button", class: "link-button" }, "Send again");
    again.addEventListener("click", () => { this.fail(""); retry(); });
    this.failure.replaceChildren(
      make("div", { class: "notice alert", role: "alert", "data-testid": "notice" }, make("span", {}, sentence), again));
  }
}
