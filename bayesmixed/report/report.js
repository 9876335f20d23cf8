"use strict";
// Draws each chart of groups from the data beside it, and lets the tables of groups be sorted and filtered.

const SVG = "http://www.w3.org/2000/svg";
const RAW = "var(--raw)", PARTIAL = "var(--partial)", COMPLETE = "var(--ink)";
const TALLEST_ROW = 20, CHART_HEIGHT = 560, LABEL_FROM = 12, MOST_NAMED = 120, AXIS = 40;
const MOST_PRINTED = 40;
const ORDERS = {
  "estimate": (chart, i) => chart.scale().partial[i],
  "own data alone": (chart, i) => chart.scale().raw[i] ?? -Infinity,
  "name": (chart, i) => i,
  "number of rows": (chart, i) => chart.data.rows[i],
  "shrinkage factor": (chart, i) => chart.effect().factor[i],
};

function make(parent, name, attributes = {}, text = "") {
  const inside = parent.namespaceURI === SVG || name === "svg";
  const node = inside ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  parent.append(node);
  return node;
}

function columns(text) {  // letters of East Asia are twice as wide
  return [...text].reduce((sum, sign) => sum + (sign > "\u2e7f" ? 2 : 1), 0);
}

function shorten(node, width) {
  const letters = [...node.textContent];
  for (let kept = letters.length, long; kept > 1 && (long = node.getComputedTextLength()) > width;) {
    kept = Math.min(kept - 1, Math.floor(kept * width / long));
    node.textContent = `${letters.slice(0, kept).join("")}…`;
  }
}

function choice(parent, title, names, chosen) {
  const list = make(make(parent, "label", {}, title), "select");
  names.forEach((name, value) => make(list, "option", { value }, name));
  list.addEventListener("change", () => chosen(Number(list.value)));
  return list;
}

function steps(low, high, wanted) {
  const rough = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough);
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let value = Math.ceil(low / step); value * step <= high; value++) found.push((value * step).toFixed(places));
  return found;
}

class Chart {
  constructor(box) {
    this.box = box;
    this.data = JSON.parse(document.getElementById(`${box.id}-data`).textContent);
    this.table = document.querySelector(`[data-table-of="${box.id}"] table`);
    this.effectAt = this.scaleAt = 0;
    this.order = "estimate";
    this.wanted = "";
    this.current = null;
    this.addControls();
    this.addLegend();
    this.svg = make(box, "svg", { role: "img", tabindex: 0, "aria-label":
      `Estimates of each ${this.data.factor}: own data alone, partial pooling with interval, and all as one. ` +
      "Arrow keys go from group to group; the table below says the same." });
    this.told = make(box, "p", { class: "told", role: "status" });
    this.svg.addEventListener("pointermove", (event) => this.tell(this.rowAt(event)));
    this.svg.addEventListener("pointerdown", (event) => this.tell(this.rowAt(event)));
    this.svg.addEventListener("keydown", (event) => this.step(event));
    new ResizeObserver(() => this.draw()).observe(box);
    this.choose();
  }

  effect() { return this.data.effects[this.effectAt]; }
  scale() { return this.effect().scales[this.scaleAt]; }

  addControls() {
    const controls = make(this.box, "div", { class: "controls" });
    const effects = this.data.effects.map((effect) => effect.name);
    if (effects.length > 1) choice(controls, "Coefficient", effects, (value) => { this.effectAt = value; this.scaleAt = 0; this.fillScales(); this.choose(); });
    this.scales = choice(controls, "Scale", [], (value) => { this.scaleAt = value; this.choose(); });
    this.fillScales();
    choice(controls, "Order by", Object.keys(ORDERS), (value) => { this.order = Object.keys(ORDERS)[value]; this.choose(); });
    const filter = make(make(controls, "label", {}, "Show only names with"), "input", { type: "search" });
    filter.addEventListener("input", () => { this.wanted = filter.value.toLowerCase(); this.choose(); this.filterTable(); });
  }

  fillScales() {
    this.scales.replaceChildren();
    this.effect().scales.forEach((scale, value) => make(this.scales, "option", { value }, scale.name));
    this.scales.parentElement.hidden = false;
  }

  addLegend() {
    const legend = make(this.box, "ul", { class: "legend" });
    const marks = { "own data alone": ["M8 4l4 4l-4 4l-4-4z", RAW, 1.3], "partial pooling, 95 %": ["M0 8h22M11 8h0", PARTIAL, 2], "all groups as one": ["M11 0v16", COMPLETE, 1.3] };
    for (const [name, [path, stroke, width]] of Object.entries(marks)) {
      const item = make(legend, "li");
      const mark = make(item, "svg", { viewBox: "0 0 22 16", "aria-hidden": "true" });
      make(mark, "path", { d: path, stroke, "stroke-width": width, fill: "none", "stroke-dasharray": stroke === COMPLETE ? "4 3" : "none" });
      if (stroke === PARTIAL) make(mark, "circle", { cx: 11, cy: 8, r: 4, fill: PARTIAL });
      item.append(name);
    }
  }

  choose() {
    const key = ORDERS[this.order];
    this.shown = this.data.levels.map((_, i) => i).filter((i) => this.data.levels[i].toLowerCase().includes(this.wanted));
    this.shown.sort((a, b) => key(this, a) - key(this, b) || a - b);
    if (this.order !== "name") this.shown.reverse();
    this.current = null;
    this.draw();
    const count = this.shown.length;
    this.told.textContent = `${count} of ${this.data.levels.length} groups. Point at a group, or use the arrow keys, to read its numbers.`;
  }

  window() {
    const { raw, lower, upper, complete } = this.scale();
    const low = Math.min(complete, ...lower), high = Math.max(complete, ...upper), reach = high - low || 1;
    const own = raw.filter((value) => value !== null);
    const ends = [Math.max(Math.min(low, ...own), low - reach / 2), Math.min(Math.max(high, ...own), high + reach / 2)];
    return [ends[0] - 0.03 * reach, ends[1] + 0.03 * reach];
  }

  draw() {
    const width = Math.max(this.box.clientWidth, 280), count = this.shown.length;
    const lowest = count <= MOST_NAMED ? LABEL_FROM : 0;
    this.height = Math.min(TALLEST_ROW, Math.max(lowest, CHART_HEIGHT / Math.max(count, 1)));
    const named = this.height >= LABEL_FROM, bottom = this.height * count + 8;
    const longest = named ? Math.max(0, ...this.shown.map((i) => columns(this.label(i)))) : 0;
    const left = Math.min(Math.max(12, longest * 7.2 + 10), width * 0.35), [low, high] = this.window();
    this.x = (value) => left + (width - left - 10) * (Math.min(Math.max(value, low), high) - low) / (high - low);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${bottom + AXIS}`);
    this.svg.setAttribute("height", bottom + AXIS);
    this.svg.replaceChildren();
    for (const value of steps(low, high, width / 90)) {
      make(this.svg, "path", { d: `M${this.x(value)} 0V${bottom}`, stroke: "var(--line)" });
      make(this.svg, "text", { x: this.x(value), y: bottom + 15, "text-anchor": "middle" }, value);
    }
    const title = make(this.svg, "text", { x: (left + width) / 2, y: bottom + 34, "text-anchor": "middle" }, this.scale().name);
    shorten(title, width - 10);
    const half = title.getComputedTextLength() / 2;
    title.setAttribute("x", Math.max(half + 5, Math.min((left + width) / 2, width - half - 5)));
    this.drawMarks(bottom);
    if (named) this.shown.forEach((i, row) => this.drawName(i, row, left));
    this.cursor = make(this.svg, "rect", { x: 0, width, height: Math.max(this.height, 3), fill: "#e69f00", opacity: 0.25, visibility: "hidden" });
    if (this.current !== null) this.mark(this.current);
  }

  drawMarks(bottom) {
    const { raw, partial, lower, upper, complete } = this.scale();
    const x = this.x, size = Math.max(1.2, Math.min(4, this.height / 3)), paths = { interval: "", link: "", own: "", pooled: "" };
    this.shown.forEach((i, row) => {
      const y = (row + 0.5) * this.height + 4;
      paths.interval += `M${x(lower[i])} ${y}H${x(upper[i])}`;
      paths.pooled += `M${x(partial[i])} ${y}h0`;
      if (raw[i] === null) return;
      paths.link += `M${x(raw[i])} ${y}H${x(partial[i])}`;
      paths.own += `M${x(raw[i])} ${y - size}l${size} ${size}l${-size} ${size}l${-size} ${-size}z`;
    });
    const thin = Math.max(0.4, Math.min(2, this.height / 6));
    make(this.svg, "path", { d: `M${x(complete)} 0V${bottom}`, stroke: COMPLETE, "stroke-dasharray": "5 4" });
    make(this.svg, "path", { d: paths.link, stroke: "#8a94a1", "stroke-width": thin / 2, "stroke-dasharray": "2 2" });
    make(this.svg, "path", { d: paths.interval, stroke: PARTIAL, "stroke-width": thin, opacity: 0.55 });
    make(this.svg, "path", { d: paths.own, stroke: RAW, "stroke-width": 1.3, fill: "none" });
    make(this.svg, "path", { d: paths.pooled, stroke: PARTIAL, "stroke-width": 2 * size, "stroke-linecap": "round" });
  }

  label(i) { return `${this.data.levels[i]} (n=${this.data.rows[i]})`; }

  drawName(i, row, left) {
    const place = { x: left - 8, y: (row + 0.5) * this.height + 8, "text-anchor": "end" };
    shorten(make(this.svg, "text", place, this.label(i)), left - 9);
  }

  rowAt(event) {
    const row = Math.floor((event.clientY - this.svg.getBoundingClientRect().top - 4) / this.height);
    return Math.min(Math.max(row, 0), this.shown.length - 1);
  }

  step(event) {
    const change = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!change || !this.shown.length) return;
    event.preventDefault();
    const row = this.current === null ? 0 : this.current + change;
    this.tell(Math.min(Math.max(row, 0), this.shown.length - 1));
  }

  mark(row) {
    this.current = row;
    this.cursor.setAttribute("y", row * this.height + 4);
    this.cursor.setAttribute("visibility", "visible");
  }

  tell(row) {
    if (row < 0 || row === this.current) return;
    this.mark(row);
    const i = this.shown[row], scale = this.scale(), say = (value) => value === null ? "none" : value.toFixed(scale.places);
    const count = this.data.rows[i];
    this.told.textContent =
      `${this.data.factor} ${this.data.levels[i]}, ${count} row${count === 1 ? "" : "s"}. Own data alone: ${say(scale.raw[i])}. ` +
      `Partial pooling: ${say(scale.partial[i])} (95 %: ${say(scale.lower[i])} to ${say(scale.upper[i])}). ` +
      `All groups as one: ${say(scale.complete)}. Shrinkage factor: ${this.effect().factor[i].toFixed(2)}.`;
  }

  filterTable() {
    for (const line of this.table.tBodies[0].rows) line.hidden = !line.cells[0].textContent.toLowerCase().includes(this.wanted);
  }
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sortTable(table, head, column));
  });
}

function sortTable(table, head, column) {
  const falling = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const names = new Intl.Collator("en", { numeric: true });
  const body = table.tBodies[0], lines = [...body.rows], numbers = head.classList.contains("number");
  const read = (line) => line.cells[column].textContent;
  lines.sort((a, b) => numbers ? Number(read(a)) - Number(read(b)) : names.compare(read(a), read(b)));
  body.append(...(falling ? lines.reverse() : lines));
}

document.querySelectorAll(".groups").forEach((box) => new Chart(box));
document.querySelectorAll("[data-table-of] table").forEach(makeSortable);
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details")) part.open ||= part.querySelectorAll("tr").length <= MOST_PRINTED;
});
