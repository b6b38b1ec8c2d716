// The chat API of the simulated Teams. Every failure is an Error whose message is a sentence.

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

// What one person can do and see.
export function client(person) {
  return {
    conversations: () => get("/chat/conversations", { as: person }),
    messages: (conversation) => get("/chat/messages", { as: person, conversation }).then((body) => body.messages),
    say: (conversation, text) => post("/chat/messages", { as: person, conversation, text }),
    press: (message, action) => post("/chat/actions", { as: person, message, action }),
    look: (messages) => post("/chat/views", { as: person, messages }),
    listen: (handlers) => listen(person, handlers),
  };
}

const RETRY_MS = [500, 1000, 2000, 4000, 8000];

// Hear of changes, for ever: after a break, `onBack` says that something may have been missed.
function listen(person, { onMessage, onTyping, onLost, onBack }) {
  let attempts = 0;
  let wasLost = false;
  const open = () => {
    const socket = new WebSocket(`ws://${location.host}/chat/events?${new URLSearchParams({ as: person })}`);
    socket.addEventListener("message", ({ data }) => {
      const event = JSON.parse(data);
      if (event.type === "hello") {
        attempts = 0;
        if (wasLost) onBack();
        wasLost = false;
      } else if (event.type === "message") {
        onMessage(event.message);
      } else if (event.type === "typing") {
        onTyping(event.place);
      }
    });
    socket.addEventListener("close", () => {
      wasLost = true;
      onLost();
      setTimeout(open, RETRY_MS[Math.min(attempts, RETRY_MS.length - 1)]);
      attempts += 1;
    });
  };
  open();
}
