// The chat page: who am I, where am I, and what happens there.
import { client, people } from "./api.js";
import { loadHosts } from "./card.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { avatar, make } from "./dom.js";
import { spoken } from "./message.js";
import { TroublePanel } from "./trouble.js";

const $ = (id) => document.getElementById(id);
const EXAMPLES = ["help", "status", "whoami", "deploy shop v1.1.0 to prod"];
const TYPING_MS = 4000;
const LOG_LINES = 20;

const query = new URLSearchParams(location.search);
const state = { world: null, me: null, api: null, places: [], open: null, conversation: null, unread: new Map(), heard: new Set() };

// Who

function chosen(world) {
  const name = query.get("as") || sessionStorage.getItem("as");
  return world.people.find((person) => person.name === name) || world.people[0];
}

function link(person, place) {
  return `/?${new URLSearchParams({ as: person, conversation: place ? nameOf(place) : "ops" })}`;
}

// What the address says for a place: chats go by "chat", so that a link works for whoever opens it.
const nameOf = (place) => (place.kind === "personal" ? "chat" : place.name);

function drawPerson() {
  const { me } = state;
  $("person").replaceChildren(
    avatar(me.name, { small: true }), make("span", { class: "person-name" }, me.name), make("span", { class: "chevron", "aria-hidden": "true" }));
  $("person").setAttribute("aria-label", `You are ${me.name}. Be somebody else`);
  $("people-list").replaceChildren(...state.world.people.map((person) => {
    const be = make("a", { href: link(person.name, state.open), "data-testid": `person-${person.name}`, "aria-current": person.name === me.name ? "true" : null },
      avatar(person.name, { small: true }), make("span", { class: "person-name" }, person.name),
      person.isGuest ? make("span", { class: "guest" }, "Guest") : null);
    const tab = make("a", { class: "new-tab", href: link(person.name, state.open), target: "_blank", rel: "noopener", "aria-label": `Be ${person.name} in a new tab`, title: "In a new tab" }, "↗");
    return make("li", {}, be, tab);
  }));
}

function disclose(button, panel, isOpen) {
  button.setAttribute("aria-expanded", String(isOpen));
  panel.hidden = !isOpen;
}

// Where

// What was not read yet: "mention" or "message".
function mark(unread) {
  const isMention = unread === "mention";
  return make("span", { class: isMention ? "badge" : "dot", "data-testid": "unread" },
    isMention ? make("span", { "aria-hidden": "true" }, "@") : null,
    make("span", { class: "unseen" }, isMention ? "unread, you are mentioned" : "unread"));
}

function drawTitle() {
  const { open, me, unread } = state;
  const name = open.kind === "channel" ? `#${open.name}` : open.name;
  document.title = `${unread.size ? `(${unread.size}) ` : ""}${name} · ${me.name} · Signalbox`;
}

function drawRail() {
  drawTitle();
  const item = (place) => {
    const isOpen = state.open && place.id === state.open.id;
    const unread = state.unread.get(place.id);
    const face = place.kind === "channel"
      ? make("span", { class: "hash", "aria-hidden": "true" }, "#")
      : avatar(place.name, { isBot: place.kind === "personal", small: true });
    const anchor = make("a", {
      href: link(state.me.name, place), class: `place${unread ? " unread" : ""}`, "data-testid": `place-${nameOf(place)}`,
      "aria-current": isOpen ? "page" : null,
    }, face, make("span", { class: "place-words" }, place.name), unread ? mark(unread) : null);
    anchor.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      history.pushState(null, "", anchor.href);
      openMenu(false);
      enter(place);
    });
    return make("li", {}, anchor);
  };
  const part = (title, places) => [make("h2", {}, title), make("ul", {}, ...places.map(item))];
  $("rail").replaceChildren(
    ...part(state.world.team, state.places.filter((place) => place.kind === "channel")),
    ...part("Chats", state.places.filter((place) => place.kind !== "channel")),
    make("p", { class: "rail-foot" }, "Stands in for Microsoft Teams on this machine. Anybody here may be anybody."));
}

function openMenu(isOpen) {
  $("menu").setAttribute("aria-expanded", String(isOpen));
  $("rail").classList.toggle("open", isOpen);
  $("veil").hidden = !isOpen;
}

function placeOf(wanted) {
  return state.places.find((place) => place.id === wanted)
    || state.places.find((place) => nameOf(place).toLowerCase() === (wanted || "ops").toLowerCase())
    || state.places.find((place) => place.kind === "personal");
}

async function enter(place) {
  state.open = place;
  state.unread.delete(place.id);
  const inChannel = place.kind === "channel";
  $("place-name").textContent = inChannel ? `# ${place.name}` : place.name;
  $("place-hint").textContent = inChannel
    ? `${state.world.team} · mention @${state.world.bot.name}, or it is not told`
    : place.needsMention
      ? `${place.members.length} people · mention @${state.world.bot.name}, or it is not told`
      : "Between you and the app: every message reaches it";
  $("messages").setAttribute("aria-label", `Messages in ${place.name}`);
  $("typing").hidden = true;
  drawRail();
  drawPerson();
  state.conversation?.close();
  const conversation = new Conversation({
    list: $("messages"), place, me: state.me, bot: state.world.bot.name,
    deeds: state.api,
    reply: (root, text) => say(`${place.id};messageid=${root}`, text),
    onShown: (message) => look([message]),
  });
  state.conversation = conversation;
  const composer = new Composer({
    bot: state.world.bot.name, people: place.members.filter((name) => name !== state.me.name), needsMention: place.needsMention, id: "composer-text",
    placeholder: inChannel ? "Start a post" : "Type a message", send: (text) => say(place.id, text),
  });
  state.composer = composer;
  $("foot").replaceChildren(composer.element);
  await load();
}

async function load() {
  const { conversation, open } = state;
  try {
    const messages = await state.api.messages(open.id);
    if (conversation !== state.conversation) return;
    conversation.fill(messages, empty());
    await look(messages);
  } catch (error) {
    banner(error.message);
  }
}

function empty() {
  const chips = EXAMPLES.map((text) => {
    const chip = make("button", { type: "button", class: "chip" }, text);
    chip.addEventListener("click", () => state.composer.fill(text));
    return chip;
  });
  return make("div", { class: "empty" },
    make("img", { src: "/chat/signal.svg", width: 56, height: 56, alt: "" }),
    make("h2", {}, "Nothing has been said here yet"),
    make("p", {}, `Tell ${state.world.bot.name} what you need:`), make("div", { class: "chips" }, ...chips));
}

// What happens

async function say(conversation, text) {
  const { message, delivery } = await state.api.say(conversation, text);
  if (!state.conversation || message.place !== state.open.id) return;
  const view = state.conversation.put(message);
  if (delivery && delivery.isHeld) view.note("Not delivered yet: this Teams is offline.");
  if (delivery && delivery.failure) view.fail(delivery.failure, () => say(conversation, text).catch((error) => banner(error.message)));
}

// Fetch views of one's own, as Teams does when a card comes into view.
async function look(messages) {
  const ids = messages.filter((message) => message.cards.some((card) => card.refresh)).map((message) => message.id);
  if (ids.length) await state.api.look(ids).catch(() => {}); // the common view stays
}

function hear(message) {
  const isNew = message.version === 1 && !state.heard.has(message.id);
  state.heard.add(message.id);
  const isHere = message.place === state.open.id;
  if (isHere) {
    $("typing").hidden = true;
    state.conversation.put(message);
    if (message.sender !== state.me.id) tell(spoken(message));
  }
  // An edit is no news, or each step of a run were.
  if (!isNew || message.sender === state.me.id || (isHere && !document.hidden)) return;
  if (state.unread.get(message.place) !== "mention") state.unread.set(message.place, message.mentionsMe ? "mention" : "message");
  if (!isHere) tell(`${placeNamed(message.place)}: ${spoken(message)}`);
  drawRail();
}

function placeNamed(id) {
  const place = state.places.find((each) => each.id === id);
  return place.kind === "personal" ? "In your chat" : `In ${place.name}`;
}

let lastTold = "";
function tell(line) {
  if (line === lastTold) return;
  lastTold = line;
  $("log").append(make("p", {}, line));
  while ($("log").children.length > LOG_LINES) $("log").firstElementChild.remove();
}

let typingTimer;
function typing(place) {
  if (!state.open || place !== state.open.id) return;
  $("typing").hidden = false;
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => { $("typing").hidden = true; }, TYPING_MS);
}

function banner(text) {
  $("banner").textContent = text;
  $("banner").hidden = !text;
}

let isLost = false;
const happenings = {
  message: (event) => hear(event.message),
  typing: (event) => typing(event.place),
  trouble: () => state.trouble.load().catch((error) => banner(error.message)),
  lost: () => { isLost = true; banner("The connection is lost. Trying again …"); },
  // Something may have been said meanwhile.
  hello: () => { if (isLost) banner(""); isLost = false; document.body.dataset.ready = "true"; load(); happenings.trouble(); },
};

// How it begins

function wire() {
  const words = () => {
    $("theme-words").textContent = Theme.words();
    $("theme").setAttribute("aria-label", `Theme: ${Theme.words()}. Change it`);
  };
  $("theme").addEventListener("click", () => Theme.next());
  Theme.onChange(() => { words(); state.conversation?.draw(); });
  words();
  $("person").addEventListener("click", () => disclose($("person"), $("people"), $("people").hidden));
  $("trouble").addEventListener("click", () => disclose($("trouble"), $("troubles"), $("troubles").hidden));
  $("menu").addEventListener("click", () => openMenu(!$("rail").classList.contains("open")));
  $("veil").addEventListener("click", () => openMenu(false));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (!$("troubles").hidden) { disclose($("trouble"), $("troubles"), false); $("trouble").focus(); }
    if (!$("people").hidden) { disclose($("person"), $("people"), false); $("person").focus(); }
    if ($("rail").classList.contains("open")) { openMenu(false); $("menu").focus(); }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".person")) disclose($("person"), $("people"), false);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !state.open || !state.unread.delete(state.open.id)) return;
    drawRail();
  });
  addEventListener("popstate", () => enter(placeOf(new URLSearchParams(location.search).get("conversation"))));
  new ResizeObserver(() => state.conversation?.draw()).observe($("messages"));
}

async function begin() {
  wire();
  const [world] = await Promise.all([people(), loadHosts()]);
  state.world = world;
  state.me = chosen(world);
  sessionStorage.setItem("as", state.me.name);
  state.api = client(state.me.name);
  const { channels, chats } = await state.api.conversations();
  state.places = [...channels, ...chats];
  state.trouble = new TroublePanel({ toggle: $("trouble"), panel: $("troubles"), api: state.api, placeNow: () => state.open });
  const place = placeOf(query.get("conversation"));
  history.replaceState(null, "", link(state.me.name, place));
  await enter(place);
  if (query.get("as") && query.get("as") !== state.me.name) banner(`Nobody here is called ${query.get("as")}. You are ${state.me.name}.`);
  state.api.listen((event) => happenings[event.type]?.(event));
  state.composer.text.focus();
}

begin().catch((error) => banner(error.message));
