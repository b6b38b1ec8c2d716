// What a person could not read or use in the card on the page.
() => {
  const card = document.querySelector(".ac-adaptiveCard");
  const box = card.getBoundingClientRect();
  const faults = new Set();

  const channels = (text) => {
    const numbers = text.match(/[\d.]+/g).map(Number);
    return { rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1 };
  };
  // https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const { rgb, alpha } = channels(getComputedStyle(node).backgroundColor);
      if (alpha > 0.99) return rgb;
    }
    return [255, 255, 255];
  };
  const contrast = (element) => {
    const { rgb, alpha } = channels(getComputedStyle(element).color);
    const behind = background(element);
    const seen = rgb.map((v, i) => v * alpha + behind[i] * (1 - alpha));
    const [bright, dark] = [luminance(seen), luminance(behind)].sort((a, b) => b - a);
    return (bright + 0.05) / (dark + 0.05);
  };
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true });
  const ownText = (element) => [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent).join("").trim();

  for (const element of card.querySelectorAll("*")) {
    const text = ownText(element).slice(0, 60);
    if (!text || !isShown(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(element);
    const { left, right } = range.getBoundingClientRect();
    if (left < box.left - 1 || right > box.right + 1) faults.add(`outside the card: ${text}`);
    for (let node = element; node !== card; node = node.parentElement) {
      const style = getComputedStyle(node);
      if (style.overflowX === "visible") continue;
      const frame = node.getBoundingClientRect();
      if (left < frame.left - 1 || right > frame.right + 1) faults.add(`clipped: ${text}`);
      if (style.overflowY === "hidden" && node.scrollHeight > node.clientHeight + 2) faults.add(`cut at the bottom: ${text}`);
    }
    const ratio = contrast(element);
    if (ratio < 4.5) faults.add(`contrast ${ratio.toFixed(2)}: ${text}`);
  }

  // Texts side by side must not run into each other.
  const columns = [...card.querySelectorAll(".ac-columnSet > .ac-container")].filter(isShown);
  for (const column of columns) {
    const next = column.nextElementSibling && column.nextElementSibling.nextElementSibling || column.nextElementSibling;
    if (!next) continue;
    const range = document.createRange();
    range.selectNodeContents(column);
    if (range.getBoundingClientRect().right > next.getBoundingClientRect().right) faults.add(`overlaps: ${column.textContent.slice(0, 60)}`);
  }

  for (const input of card.querySelectorAll("input, textarea, select")) {
    const labels = (input.labels && input.labels.length) || input.getAttribute("aria-label") || input.getAttribute("aria-labelledby");
    if (isShown(input) && !labels) faults.add(`without a label: ${input.outerHTML.slice(0, 80)}`);
  }
  for (const button of card.querySelectorAll("button")) {
    if (isShown(button) && !(button.textContent.trim() || button.getAttribute("aria-label"))) faults.add("a button without a name");
    if (button.scrollWidth > button.clientWidth + 1) faults.add(`the button is cut: ${button.textContent}`);
  }
  for (const icon of card.querySelectorAll("[data-unknown-icon]")) faults.add(`no such icon: ${icon.dataset.unknownIcon}`);
  if (card.querySelectorAll("[role=heading]").length !== 1) faults.add("not exactly one heading");

  return { text: card.innerText, faults: [...faults], links: [...card.querySelectorAll("a")].map((a) => a.href) };
}
