// Small pieces of the page.

// An element with attributes and children; nothing is ever parsed as HTML.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const HUES = 8;

// Initials on a colour that stays the same for the same name. "dev-1" is "D1".
export function avatar(name, { isBot = false, small = false } = {}) {
  const parts = name.split(/[\s\-_.]+/).filter(Boolean);
  const initials = (parts.length > 1 ? parts[0][0] + parts[parts.length - 1][0] : name.slice(0, 2)).toUpperCase();
  const hue = [...name].reduce((sum, char) => (sum * 31 + char.codePointAt(0)) % 9973, 7) % HUES;
  const face = make("span", { class: `avatar hue-${hue}${small ? " small" : ""}`, "aria-hidden": "true", "data-initials": initials });
  if (!isBot) return face;
  face.className = `avatar bot${small ? " small" : ""}`;
  face.replaceChildren(make("img", { src: "/chat/signal.svg", alt: "", width: small ? 24 : 32, height: small ? 24 : 32 }));
  return face;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const FULL = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });

export function time(iso) {
  const at = new Date(iso);
  return make("time", { datetime: iso, title: FULL.format(at) }, CLOCK.format(at));
}

export function day(iso) {
  const at = new Date(iso);
  return at.toDateString() === new Date().toDateString() ? "Today" : DAY.format(at);
}
