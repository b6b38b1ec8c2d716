// Teams' own card elements for Microsoft's `adaptivecards` SDK, which knows the public schema only.
//
// Load after vendor/adaptivecards.min.js, vendor/markdown-it.min.js, vendor/fluent-icons.js and
// typeahead.js, with themes.css and cards.css on the page and data-theme (light | dark | contrast) on
// <html>. Then
//
//   const { element, card, problems } = TeamsCards.render(json, hostConfig, { width: 446, onAction });
//
// *element* is ready to be put on the page, *card* is the SDK's AdaptiveCard, *problems* are what
// the parser complained about. `onAction(action)` gets the SDK's action: getJsonTypeName(), verb, url, and
// `data`, which includes the values of the inputs. `search({dataset, text, data})` promises the choices
// [{title, value}] for what is typed, and the Map `known` keeps the titles that were chosen, for the next
// drawing. With `extensions: false` the elements are left out,
// and one sees what an old client shows: the fallbacks.
// Elements: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference
(() => {
  "use strict";
  const AC = globalThis.AdaptiveCards;
  const V1 = AC.Versions.v1_0;
  const NAMES = ["Badge", "Icon", "ProgressBar", "ProgressRing", "CodeBlock"];

  const text = (name) => new AC.StringProperty(V1, name);
  const number = (name) => new AC.NumProperty(V1, name);
  const flag = (name) => new AC.BoolProperty(V1, name);
  const word = (value, fallback) => (value || fallback).toLowerCase();

  function make(tag, className, content) {
    const element = document.createElement(tag);
    element.className = className;
    if (content !== undefined) element.textContent = content;
    return element;
  }

  const ICON_PX = { xxsmall: 12, xsmall: 16, small: 20, standard: 24, medium: 28, large: 32, xlarge: 40, xxlarge: 48 };

  function glyph(name, size, style) {
    const SVG = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(SVG, "svg");
    const px = ICON_PX[size] || ICON_PX.standard;
    for (const [key, value] of Object.entries({ viewBox: "0 0 20 20", width: px, height: px, "aria-hidden": "true" })) {
      svg.setAttribute(key, value);
    }
    const paths = (globalThis.FluentIcons || {})[name];
    if (!paths) svg.dataset.unknownIcon = name;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", paths ? paths[style] : "M3 3h14v14H3z");
    svg.append(path);
    return svg;
  }

  const ALIGN = ["flex-start", "center", "flex-end"]; // HorizontalAlignment: Left, Center, Right

  class Element extends AC.CardElement {
    getJsonTypeName() { return this.constructor.typeName; }
    get isStandalone() { return true; }
    row(className) {
      const row = make("div", `teams-row ${className}`);
      row.style.justifyContent = ALIGN[this.horizontalAlignment] || "flex-start";
      return row;
    }
  }

  class Badge extends Element {
    static typeName = "Badge";
    static textProperty = text("text");
    static iconProperty = text("icon");
    static iconPositionProperty = text("iconPosition");
    static appearanceProperty = text("appearance");
    static sizeProperty = text("size");
    static shapeProperty = text("shape");
    static styleProperty = text("style");
    static tooltipProperty = text("tooltip");
    internalRender() {
      const get = (name) => this.getValue(Badge[`${name}Property`]);
      const badge = make("span", "teams-badge");
      badge.classList.add(
        word(get("appearance"), "Filled"), word(get("style"), "Default"),
        word(get("size"), "Medium"), word(get("shape"), "Circular"));
      if (get("tooltip")) badge.title = get("tooltip");
      if (get("text")) badge.append(make("span", "teams-badge-text", get("text")));
      if (get("icon")) {
        const icon = glyph(get("icon"), "xsmall", "filled");
        word(get("iconPosition"), "Before") === "before" ? badge.prepend(icon) : badge.append(icon);
      }
      const row = this.row("teams-badge-row");
      row.append(badge);
      return row;
    }
  }

  class Icon extends Element {
    static typeName = "Icon";
    static nameProperty = text("name");
    static sizeProperty = text("size");
    static styleProperty = text("style");
    static colorProperty = text("color");
    internalRender() {
      const row = this.row(`teams-icon ${word(this.getValue(Icon.colorProperty), "Default")}`);
      row.append(glyph(
        this.getValue(Icon.nameProperty), word(this.getValue(Icon.sizeProperty), "Standard"),
        word(this.getValue(Icon.styleProperty), "Regular")));
      return row;
    }
  }

  class ProgressBar extends Element {
    static typeName = "ProgressBar";
    static valueProperty = number("value");
    static maxProperty = number("max");
    static colorProperty = text("color");
    internalRender() {
      const value = this.getValue(ProgressBar.valueProperty);
      const max = this.getValue(ProgressBar.maxProperty) || 100;
      const bar = make("div", `teams-progress ${word(this.getValue(ProgressBar.colorProperty), "Accent")}`);
      bar.setAttribute("role", "progressbar");
      bar.setAttribute("aria-label", "Progress");
      bar.setAttribute("aria-valuemax", max);
      const fill = make("div", "teams-progress-fill");
      if (value === undefined) {
        bar.classList.add("indeterminate");
      } else {
        bar.setAttribute("aria-valuenow", value);
        fill.style.width = `${Math.min(100, (100 * value) / max)}%`;
      }
      bar.append(fill);
      return bar;
    }
  }

  class ProgressRing extends Element {
    static typeName = "ProgressRing";
    static labelProperty = text("label");
    internalRender() {
      const row = this.row("teams-ring");
      const ring = make("span", "teams-ring-circle");
      ring.setAttribute("role", "progressbar");
      ring.setAttribute("aria-label", this.getValue(ProgressRing.labelProperty) || "In progress");
      row.append(ring);
      if (this.getValue(ProgressRing.labelProperty)) {
        row.append(make("span", "", this.getValue(ProgressRing.labelProperty)));
      }
      return row;
    }
  }

  class CodeBlock extends Element {
    static typeName = "CodeBlock";
    static codeSnippetProperty = text("codeSnippet");
    static languageProperty = text("language");
    static startLineNumberProperty = number("startLineNumber");
    internalRender() {
      const block = make("pre", "teams-code", this.getValue(CodeBlock.codeSnippetProperty) || "");
      block.tabIndex = 0; // a scrolling region must be reachable by keyboard
      block.setAttribute("role", "region");
      block.setAttribute("aria-label", "Code");
      return block;
    }
  }

  // roundedCorners and showBorder, on the elements that Teams gives them to.
  function boxed(Base) {
    return class extends Base {
      static roundedCornersProperty = flag("roundedCorners");
      static showBorderProperty = flag("showBorder");
      internalRender() {
        const box = super.internalRender();
        if (!box) return box;
        if (this.getValue(this.constructor.roundedCornersProperty)) box.classList.add("teams-rounded");
        if (this.getValue(this.constructor.showBorderProperty)) box.classList.add("teams-bordered");
        if (this.style) box.classList.add("teams-styled");
        return box;
      }
    };
  }

  const ELEMENTS = [Badge, Icon, ProgressBar, ProgressRing, CodeBlock];
  const BOXES = { Container: boxed(AC.Container), ColumnSet: boxed(AC.ColumnSet) };
  const INPUTS = { "Input.ChoiceSet": [globalThis.TeamsTypeahead, AC.ChoiceSetInput] };

  // Where Teams' modern renderer changes its mind about how wide a card is, in CSS pixels.
  const WIDTHS = [["verynarrow", 216], ["narrow", 345], ["standard", 500], ["wide", Infinity]];

  function fits(targetWidth, width) {
    const order = WIDTHS.map(([name]) => name);
    const here = WIDTHS.findIndex(([, limit]) => width <= limit);
    const [relation, name] = targetWidth.toLowerCase().includes(":")
      ? targetWidth.toLowerCase().split(":") : ["exactly", targetWidth.toLowerCase()];
    if (relation === "atleast") return here >= order.indexOf(name);
    if (relation === "atmost") return here <= order.indexOf(name);
    return here === order.indexOf(name);
  }

  // The card without what `targetWidth` hides at *width*.
  function forWidth(node, width) {
    if (Array.isArray(node)) {
      return node.filter((n) => !(n && n.targetWidth) || fits(n.targetWidth, width)).map((n) => forWidth(n, width));
    }
    if (!node || typeof node !== "object") return node;
    return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, k === "data" ? v : forWidth(v, width)]));
  }

  // Teams shows bold, italics, lists and links in cards; no headings, tables, images, quotes, HTML.
  // https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format
  function teamsMarkdown() {
    return globalThis.markdownit({ breaks: true, html: false, linkify: true })
      .disable(["heading", "lheading", "table", "image", "blockquote", "code", "fence", "hr"]);
  }

  // `<at>Name</at>` is a mention only where the card names the person among its entities.
  function mentionsIn(card) {
    const entities = (card.msteams && card.msteams.entities) || [];
    return new Set(entities.filter((e) => e.type === "mention").map((e) => e.text));
  }

  function processor(card, markdown) {
    const mentions = mentionsIn(card);
    return (source, result) => {
      result.outputHtml = markdown.render(source).replace(/&lt;at&gt;(.*?)&lt;\/at&gt;/g, (whole, name) =>
        mentions.has(`<at>${name}</at>`) ? `<span class="teams-mention">${name}</span>` : whole);
      result.didProcess = true;
    };
  }

  // The library's pattern is a global one, which remembers where it stopped: it would find every
  // second card's language invalid.
  AC.CardElement.langProperty.regEx = /^[a-z]{2,3}$/i;

  function register(extensions) {
    for (const C of ELEMENTS) AC.GlobalRegistry.elements.unregister(C.typeName);
    for (const name of Object.keys(BOXES)) AC.GlobalRegistry.elements.register(name, extensions ? BOXES[name] : AC[name], V1);
    for (const [name, [ours, theirs]] of Object.entries(INPUTS)) AC.GlobalRegistry.elements.register(name, extensions ? ours : theirs, V1);
    if (extensions) for (const C of ELEMENTS) AC.GlobalRegistry.elements.register(C.typeName, C, V1);
  }

  function render(json, hostConfig, { width = 446, onAction, search, known, extensions = true, markdown = teamsMarkdown() } = {}) {
    register(extensions);
    AC.GlobalSettings.allowMoreThanMaxActionsInOverflowMenu = true; // as Teams: the rest goes behind "…"
    AC.AdaptiveCard.onProcessMarkdown = processor(json, markdown);
    const card = new AC.AdaptiveCard();
    Object.assign(card, { search, known });
    card.hostConfig = new AC.HostConfig(hostConfig);
    if (onAction) card.onExecuteAction = onAction;
    const context = new AC.SerializationContext(AC.Versions.v1_5);
    card.parse(forWidth(json, width), context);
    const element = card.render();
    element.classList.add("teams-card");
    element.style.width = `${width}px`;
    const problems = [];
    for (let i = 0; i < context.eventCount; i += 1) problems.push(context.getEventAt(i).message);
    return { element, card, problems };
  }

  globalThis.TeamsCards = { render, teamsMarkdown, elements: NAMES };
})();
