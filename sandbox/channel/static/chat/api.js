// The chat API of the simulated Teams. Every failure is an Error whose message is a sentence.
import { Ear } from "./ear.js";

const UNREACHABLE = "The simulated Teams does not answer. Is the demo still running?";

async function call(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error(UNREACHABLE);
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ? body.error.message : `The simulated Teams answered ${response.status}.`);
  return body;
}

const get = (path, query = {}) => call(`${path}?${new URLSearchParams(query)}`);
const post = (path, body) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const people = () => get("/chat/people");

// As Teams calls them, when it tells a bot.
const theme = () => (Theme.theme() === "light" ? "default" : Theme.theme());

// What one person can do and see.
export function client(person) {
  return {
    conversations: () => get("/chat/conversations", { as: person }),
    messages: (conversation) => get("/chat/messages", { as: person, conversation }).then((body) => body.messages),
    say: (conversation, text) => post("/chat/messages", { as: person, conversation, text }),
    press: (message, action) => post("/chat/actions", { as: person, message, action, theme: theme() }),
    submit: (message, action) => post("/chat/dialogs", { as: person, message, action, theme: theme() }),
    search: (message, query) => post("/chat/search", { as: person, message, ...query }).then(({ choices, failure }) => {
      if (failure) throw new Error(failure);
      return choices;
    }),
    look: (messages) => post("/chat/views", { as: person, messages }),
    trouble: () => get("/chat/trouble"),
    setTrouble: (change) => post("/chat/trouble", change),
    redeliver: (newId) => post("/chat/redeliver", { newId }),
    listen: (tell) => listen(person, tell),
  };
}

// Hear of changes, for ever; see ear.js.
function listen(person, tell) {
  if (!globalThis.SharedWorker) {
    new Ear(tell).listen([person]);
    return;
  }
  const { port } = new SharedWorker("/chat/ear-worker.js", { type: "module", name: "ear" });
  port.addEventListener("message", ({ data }) => tell(data));
  port.start();
  port.postMessage({ as: person });
  addEventListener("pagehide", () => port.postMessage({}));
  addEventListener("pageshow", ({ persisted }) => { if (persisted) port.postMessage({ as: person }); });
}
