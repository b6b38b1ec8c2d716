// One connection on which the server tells what happens to several people.

const RETRY_MS = [500, 1000, 2000, 4000, 8000];

export class Ear {
  // `tell(event)` hears {type: "hello"}: from here on nothing is missed; {type: "lost"}: something may
  // be, until the next "hello"; and what the server tells, with `as`, the person whom it is for.
  constructor(tell) {
    this.tell = tell;
    this.people = [];
    this.attempts = 0;
  }

  // Listen for *people* from now on.
  listen(people) {
    const wanted = [...new Set(people)].sort();
    if (wanted.join() === this.people.join()) return;
    this.people = wanted;
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    const before = this.source;
    if (!this.people.length) {
      before?.close();
      this.source = null;
      return;
    }
    const source = new EventSource(`/chat/events?${new URLSearchParams(this.people.map((person) => ["as", person]))}`);
    this.source = source;
    source.addEventListener("hello", () => {
      before?.close(); // only now, so that nothing falls between the two
      this.attempts = 0;
      this.tell({ type: "hello" });
    });
    for (const type of ["message", "typing", "trouble"]) {
      source.addEventListener(type, ({ data }) => { if (source === this.source) this.tell({ type, ...JSON.parse(data) }); });
    }
    source.addEventListener("error", () => {
      before?.close();
      if (source !== this.source) return;
      this.tell({ type: "lost" });
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      this.timer = setTimeout(() => this.open(), RETRY_MS[Math.min(this.attempts, RETRY_MS.length - 1)]);
      this.attempts += 1;
    });
  }
}
