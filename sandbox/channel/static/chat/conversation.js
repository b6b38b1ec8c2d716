// The messages of one channel or chat, the threads of a channel kept together.
import { Composer } from "./composer.js";
import { day, make } from "./dom.js";
import { MessageView } from "./message.js";

const NEAR_PX = 120;

export class Conversation {
  // *list* is the scrolling element; `reply(root, text)` says something in a thread.
  constructor({ list, place, me, bot, deeds, reply, onShown }) {
    Object.assign(this, { list, place, me, bot, deeds, reply, onShown });
    this.views = new Map();
    this.threads = new Map();
    this.inChannel = place.kind === "channel";
    list.replaceChildren();
    // Who reads at the end stays there, whatever grows: a card, a notice, a form that opens.
    this.isStuck = true;
    this.onScroll = () => { this.isStuck = this.isAtEnd(); };
    list.addEventListener("scroll", this.onScroll);
    this.growth = new MutationObserver(() => { if (this.isStuck) this.toEnd(); });
    this.growth.observe(list, { childList: true, subtree: true, attributes: true, attributeFilter: ["style", "hidden"] });
    list.className = `messages ${this.inChannel ? "channel" : "chat"}`;
  }

  // Nobody looks any more.
  close() {
    this.growth.disconnect();
    this.list.removeEventListener("scroll", this.onScroll);
  }

  // Show all *messages*; what is there already stays.
  fill(messages, empty) {
    for (const message of messages) this.put(message, { isFirst: true });
    if (!messages.length && !this.views.size) this.list.replaceChildren(empty);
    if (this.isStuck) this.toEnd();
  }

  put(message, { isFirst = false } = {}) {
    let view = this.views.get(message.id);
    if (view && view.message.version > message.version) return view; // a late answer
    if (!view) {
      this.list.querySelector(".empty")?.remove();
      view = new MessageView(message, { me: this.me, deeds: this.deeds });
      this.views.set(message.id, view);
      this.homeOf(message).append(view.element);
    }
    view.show(message);
    if (!isFirst) this.onShown(message);
    if (!isFirst && view.isMine && !this.isStuck) this.goTo(view);
    return view;
  }

  homeOf(message) {
    if (!this.inChannel) {
      this.markDay(message);
      return this.list;
    }
    let thread = this.threads.get(message.root);
    if (!thread) {
      this.markDay(message);
      thread = this.makeThread(message.root);
      this.threads.set(message.root, thread);
      this.list.append(thread.element);
    }
    if (message.id === message.root) return thread.first;
    thread.replies.hidden = false;
    return thread.replies;
  }

  makeThread(root) {
    const first = make("div", {});
    const replies = make("div", { class: "replies", hidden: true });
    const open = make("button", { type: "button", class: "link-button reply", "data-testid": "reply" }, "Reply");
    const foot = make("div", { class: "thread-foot" }, open);
    const close = () => { foot.replaceChildren(open); open.focus(); };
    open.addEventListener("click", () => {
      const composer = new Composer({
        bot: this.bot, people: this.place.members, needsMention: true, placeholder: "Reply", onCancel: close,
        send: async (text) => { await this.reply(root, text); close(); },
      });
      foot.replaceChildren(composer.element);
      composer.text.focus();
    });
    const element = make("section", { class: "thread", "data-testid": "thread", "aria-label": "Thread" }, first, replies, foot);
    return { element, first, replies };
  }

  markDay(message) {
    const name = day(message.at);
    if (name === this.lastDay) return;
    this.lastDay = name;
    this.list.append(make("div", { class: "day", role: "separator" }, make("span", {}, name)));
  }

  ids() { return [...this.views.values()].filter((view) => view.message.cards.length).map((view) => view.message.id); }

  draw() { for (const view of this.views.values()) view.draw(); }

  isAtEnd() { return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_PX; }

  toEnd() { this.list.scrollTop = this.list.scrollHeight; }

  // Where one has just written: in a thread further up, or at the end.
  goTo(view) {
    if (this.list.lastElementChild?.contains(view.element)) this.toEnd();
    else view.element.scrollIntoView({ block: "nearest" });
  }
}
