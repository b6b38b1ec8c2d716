// The theme, before anything is drawn: the system's, unless this browser was told otherwise.
(() => {
  "use strict";
  const CHOICES = ["system", "light", "dark", "contrast"];
  const WORDS = { system: "System", light: "Light", dark: "Dark", contrast: "High contrast" };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const contrast = matchMedia("(prefers-contrast: more), (forced-colors: active)");
  const listeners = [];

  function choice() {
    const stored = localStorage.getItem("theme");
    return CHOICES.includes(stored) ? stored : "system";
  }

  function theme() {
    if (choice() !== "system") return choice();
    if (contrast.matches) return "contrast";
    return dark.matches ? "dark" : "light";
  }

  function apply() {
    document.documentElement.dataset.theme = theme();
    for (const listener of listeners) listener(theme());
  }

  function next() {
    localStorage.setItem("theme", CHOICES[(CHOICES.indexOf(choice()) + 1) % CHOICES.length]);
    apply();
  }

  for (const query of [dark, contrast]) query.addEventListener("change", apply);
  addEventListener("storage", apply); // another tab chose
  globalThis.Theme = { theme, next, words: () => WORDS[choice()], onChange: (listener) => listeners.push(listener) };
  apply();
})();
