// Input.ChoiceSet with style "filtered": one types, and chooses from a list, by mouse or by keyboard.
//
// Choices stand in the card, or the bot is asked for them (`choices.data`). What matches no choice is
// the value itself: whether it will do is the bot's to say.
// Pattern: https://www.w3.org/WAI/ARIA/apg/patterns/combobox/examples/combobox-autocomplete-list/
// Search: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/dynamic-search
(() => {
  "use strict";
  const AC = globalThis.AdaptiveCards;
  const DEBOUNCE_MS = 250;
  const MOST = 15;
  const GAP_PX = 2;
  let count = 0;

  function make(tag, attributes, text = "") {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    return element;
  }

  // What is typed, and the list below it.
  class Combobox {
    constructor({ find, titleOf, changed }) {
      count += 1;
      const id = `teams-choices-${count}`;
      this.find = find;
      this.titleOf = titleOf;
      this.changed = changed;
      this.choices = [];
      this.active = -1;
      this.asked = 0;
      this.text = make("input", {
        type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", "data-testid": "typeahead",
        "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id, class: "ac-input ac-textInput teams-typeahead",
      });
      this.list = make("ul", { role: "listbox", id, class: "teams-choices-list" });
      this.words = make("p", { role: "status", class: "teams-choices-words" });
      this.popup = make("div", { class: "teams-choices", popover: "manual" });
      this.popup.append(this.list, this.words);
      this.text.addEventListener("input", () => this.onInput());
      this.text.addEventListener("keydown", (event) => this.onKey(event));
      this.text.addEventListener("click", () => { if (!this.isOpen) this.ask(0); });
      this.text.addEventListener("blur", () => this.close());
      this.popup.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays
      this.popup.addEventListener("click", (event) => {
        const index = [...this.list.children].indexOf(event.target.closest("[role=option]"));
        if (index >= 0) this.choose(index);
      });
    }

    get isOpen() { return this.text.getAttribute("aria-expanded") === "true"; }

    onInput() {
      this.changed();
      if (document.activeElement === this.text) this.ask(DEBOUNCE_MS);
    }

    onKey(event) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        const step = event.key === "ArrowDown" ? 1 : -1;
        if (this.isOpen) this.highlight(this.active + step);
        else this.ask(0, step);
      } else if (event.key === "Enter" && this.isOpen && this.active >= 0) {
        event.preventDefault();
        this.choose(this.active);
      } else if (event.key === "Escape" && this.isOpen) {
        event.preventDefault(); // a dialog around it stays open
        event.stopPropagation();
        this.close();
      }
    }

    // Look for choices *wait* ms from now, unless something else is typed before.
    ask(wait, step = 0) {
      this.asked += 1;
      const mine = this.asked;
      clearTimeout(this.timer);
      this.timer = setTimeout(async () => {
        let found = [];
        let failure = "";
        try {
          found = await this.find(this.text.value);
        } catch (error) {
          failure = error.message;
        }
        if (mine !== this.asked || document.activeElement !== this.text) return;
        this.show(found.slice(0, MOST), failure);
        if (step) this.highlight(step > 0 ? 0 : found.length - 1);
      }, wait);
    }

    show(choices, failure) {
      this.choices = choices;
      this.active = -1;
      this.text.removeAttribute("aria-activedescendant");
      this.list.replaceChildren(...choices.map((choice, index) => {
        const option = make("li", { role: "option", id: `${this.list.id}-${index}`, "aria-selected": "false", "data-testid": "choice" }, choice.title);
        return option;
      }));
      this.list.hidden = !choices.length;
      this.words.textContent = failure || (choices.length ? "" : "Nothing matches.");
      this.words.classList.toggle("failure", Boolean(failure));
      this.open();
    }

    open() {
      if (!this.isOpen) {
        this.text.setAttribute("aria-expanded", "true");
        this.popup.showPopover();
        this.onMove = (event) => { if (!this.popup.contains(event.target)) this.place(); };
        addEventListener("scroll", this.onMove, { capture: true, passive: true });
        addEventListener("resize", this.onMove);
      }
      this.place();
    }

    close() {
      this.asked += 1; // what is still on its way comes too late
      if (!this.isOpen) return;
      this.text.setAttribute("aria-expanded", "false");
      this.text.removeAttribute("aria-activedescendant");
      removeEventListener("scroll", this.onMove, { capture: true });
      removeEventListener("resize", this.onMove);
      if (this.popup.isConnected) this.popup.hidePopover();
    }

    // Below the input, or above it where there is more room.
    place() {
      const box = this.text.getBoundingClientRect();
      const below = innerHeight - box.bottom;
      const isBelow = below >= Math.min(this.popup.scrollHeight, 240) || below >= box.top;
      Object.assign(this.popup.style, {
        left: `${box.left}px`, width: `${box.width}px`, maxHeight: `${Math.max(80, (isBelow ? below : box.top) - 12)}px`,
        top: isBelow ? `${box.bottom + GAP_PX}px` : "auto", bottom: isBelow ? "auto" : `${innerHeight - box.top + GAP_PX}px`,
      });
    }

    highlight(index) {
      const options = [...this.list.children];
      if (!options.length) return;
      this.active = (index + options.length) % options.length;
      options.forEach((option, at) => option.setAttribute("aria-selected", String(at === this.active)));
      this.text.setAttribute("aria-activedescendant", options[this.active].id);
      options[this.active].scrollIntoView({ block: "nearest" });
    }

    choose(index) {
      this.text.value = this.titleOf(this.choices[index]);
      this.close();
      this.changed();
    }
  }

  // The SDK knows `choices.data` for version 1.6 only, and nothing of `associatedInputs`.
  const dataQuery = new AC.CustomProperty(
    AC.Versions.v1_0, "choices.data",
    (sender, property, source) => source[property.name],
    (sender, property, target, value) => { target[property.name] = value; });

  class TypeaheadInput extends AC.ChoiceSetInput {
    static choicesDataProperty = dataQuery;

    getSchemaKey() { return "Teams.ChoiceSet"; }

    get query() {
      const query = this.getValue(dataQuery);
      return query && query.type === "Data.Query" && query.dataset ? query : null;
    }

    get isTypeahead() { return !this.isMultiSelect && (this.style === "filtered" || this.query !== null); }

    isDynamicTypeahead() { return false; } // the SDK's own, which keyboards cannot reach

    internalRender() {
      if (!this.isTypeahead) return super.internalRender();
      this.combobox = new Combobox({
        find: (text) => this.find(text),
        titleOf: (choice) => { this.known.set(choice.title, choice.value); return choice.title; },
        changed: () => this.valueChanged(),
      });
      const { text } = this.combobox;
      if (this.defaultValue) text.value = this.titleOf(this.defaultValue);
      if (this.placeholder) text.placeholder = this.placeholder;
      if (!this.label) text.setAttribute("aria-label", this.placeholder || this.id);
      return text;
    }

    overrideInternalRender() {
      const element = super.overrideInternalRender();
      if (this.combobox) this.inputControlContainerElement.append(this.combobox.popup);
      return element;
    }

    // Titles that stand for values: the card's, and those that were chosen from a search.
    get known() {
      const root = this.getRootElement();
      root.known ??= new Map();
      if (!root.known.has(this.id)) root.known.set(this.id, new Map());
      return root.known.get(this.id);
    }

    titleOf(value) {
      const choice = this.choices.find((each) => each.value === value);
      const chosen = [...this.known].find(([, each]) => each === value);
      return (choice && choice.title) || (chosen && chosen[0]) || value;
    }

    async find(text) {
      const typed = text.trim().toLowerCase();
      const fits = (choice) => `${choice.title}\n${choice.value}`.toLowerCase().includes(typed);
      const here = this.choices.map(({ title, value }) => ({ title: title || value, value }));
      // Who opens the list after a choice wants to see the others, too.
      const isChosen = here.some((choice) => choice.title.toLowerCase() === typed);
      const listed = isChosen ? here : here.filter(fits);
      const { search } = this.getRootElement();
      if (!this.query || !search) return listed;
      const found = await search({
        dataset: this.query.dataset, text, data: this.query.associatedInputs === "auto" ? this.otherValues() : null,
      });
      const values = new Set(listed.map((choice) => choice.value));
      return [...listed, ...found.filter((choice) => !values.has(choice.value))];
    }

    otherValues() {
      const others = this.getRootElement().getAllInputs().filter((input) => input !== this && input.id && input.isSet());
      return Object.fromEntries(others.map((input) => [input.id, String(input.value)]));
    }

    isSet() { return this.combobox ? Boolean(this.value) : super.isSet(); }

    isValid() { return this.combobox ? true : super.isValid(); }

    get value() {
      if (!this.combobox) return super.value;
      const text = this.combobox.text.value.trim();
      const choice = this.choices.find((each) => each.title === text);
      return choice ? choice.value : this.known.get(text) ?? text;
    }
  }

  globalThis.TeamsTypeahead = TypeaheadInput;
})();
