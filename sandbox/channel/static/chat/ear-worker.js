// A browser opens at most six connections to one address: its windows, each another person, share one.
import { Ear } from "./ear.js";

const people = new Map(); // by the port of a window
const ear = new Ear((event) => {
  for (const [port, person] of people) {
    if (!event.as || event.as === person) port.postMessage(event);
  }
});

addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => {
    if (data.as) people.set(port, data.as);
    else people.delete(port);
    const before = ear.people.join();
    ear.listen(people.values());
    // Who comes to a connection that stands has to be told that it does.
    if (data.as && ear.people.join() === before && ear.source?.readyState === EventSource.OPEN) port.postMessage({ type: "hello" });
  });
  port.start();
});
