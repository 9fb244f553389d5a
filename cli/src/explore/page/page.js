"use strict";
// The page shows one entry of the index at a time: a function, a trampoline, or the rest of the module. Its lines are unpacked
// when it is chosen, and only rows that can be seen are in the document.
//
// Lines on both sides belong together by the offset in the wasm file that they come from; see `Model`.

(() => {

const element = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// ---- Data: the blocks of the page, unpacked when they are needed.

const blocks = [...document.querySelectorAll("script.block")];
const unpacked = new Map();
const KEPT_BLOCKS = 24;

function unpack(number) {
  let data = unpacked.get(number);
  unpacked.delete(number);
  data ??= read(blocks[number].textContent);
  unpacked.set(number, data);
  if (unpacked.size > KEPT_BLOCKS) {
    unpacked.delete(unpacked.keys().next().value);
  }
  return data;
}

async function read(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) {
    bytes[i] = binary.charCodeAt(i);
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

// ---- Lists of rows, of which only those are in the document that can be seen.

const ROW = 20;
const SPARE_ROWS = 6;

class List {
  // `fill(row, line)` puts the contents of a line into an element, `mark(row, line)` what may change about it.
  constructor(frame, fill, mark) {
    Object.assign(this, { frame, fill, mark, count: 0, drawn: new Map() });
    this.rows = document.createElement("div");
    this.rows.className = "rows";
    frame.append(this.rows);
    let waiting = false;
    const later = () => {
      if (!waiting) {
        waiting = true;
        requestAnimationFrame(() => { waiting = false; this.draw(); });
      }
    };
    frame.addEventListener("scroll", later, { passive: true });
    new ResizeObserver(later).observe(frame);
  }

  // Shows other lines, so many of them, and so many characters wide.
  show(count, width, top) {
    this.count = count;
    this.rows.style.height = `${count * ROW}px`;
    this.rows.style.width = width ? `max(100%, calc(${width}ch + 2em))` : "";
    this.drawn.clear();
    this.rows.replaceChildren();
    this.frame.scrollTo({ top, left: 0, behavior: "instant" });
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.frame.scrollTop / ROW) - SPARE_ROWS);
    const last = Math.min(this.count, Math.ceil((this.frame.scrollTop + this.frame.clientHeight) / ROW) + SPARE_ROWS);
    for (const [line, row] of this.drawn) {
      if (line < first || line >= last) {
        row.remove();
        this.drawn.delete(line);
      }
    }
    for (let line = first; line < last; line++) {
      if (!this.drawn.has(line)) {
        const row = document.createElement("div");
        row.className = "row";
        row.id = `${this.frame.id}-${line}`;
        row.style.top = `${line * ROW}px`;
        row.role = "option";
        row.ariaPosInSet = String(line + 1);
        row.ariaSetSize = String(this.count);
        this.fill(row, line);
        this.mark(row, line);
        this.rows.append(row);
        this.drawn.set(line, row);
      }
    }
  }

  // Marks rows again.
  paint() {
    for (const [line, row] of this.drawn) {
      this.mark(row, line);
    }
  }

  // The line at a place on the screen.
  lineAt(y) {
    const line = Math.floor((y - this.frame.getBoundingClientRect().top + this.frame.scrollTop) / ROW);
    return line >= 0 && line < this.count ? line : null;
  }

  isVisible(line) {
    const top = line * ROW - this.frame.scrollTop;
    return top >= 0 && top + ROW <= this.frame.clientHeight;
  }

  // Scrolls as far as it takes to see one of some lines, the nearest one.
  reveal(lines, behavior = "smooth") {
    if (!lines.length || lines.some((line) => this.isVisible(line))) {
      return;
    }
    const middle = (this.frame.scrollTop + this.frame.clientHeight / 2) / ROW;
    const nearest = lines.reduce((a, b) => (Math.abs(b - middle) < Math.abs(a - middle) ? b : a));
    const top = Math.max(0, nearest * ROW - this.frame.clientHeight / 3);
    const far = Math.abs(top - this.frame.scrollTop) > 3 * this.frame.clientHeight;
    this.frame.scrollTo({ top, behavior: far || calm.matches ? "instant" : behavior });
    this.draw();
  }

  // Scrolls by as little as it takes to see a line.
  follow(line) {
    const top = line * ROW;
    const bottom = top + ROW - this.frame.clientHeight;
    if (top < this.frame.scrollTop || bottom > this.frame.scrollTop) {
      this.frame.scrollTo({ top: top < this.frame.scrollTop ? top : bottom, behavior: "instant" });
      this.draw();
    }
  }
}

// ---- Which lines belong together.

// The last position of an ascending list whose value is not above another, or -1.
function lastUpTo(list, value, key) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(list[middle]) <= value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}

function push(map, key, value) {
  const list = map.get(key);
  if (list) {
    list.push(value);
  } else {
    map.set(key, [value]);
  }
}

// A list of numbers from the differences between them.
function sums(differences) {
  let sum = 0;
  return differences.map((difference) => (sum += difference));
}

// What some lines have, from pairs whose lines are the differences between them.
function byLine(pairs) {
  let sum = 0;
  return new Map(pairs.map(([difference, what]) => [(sum += difference), what]));
}

// Compilers nest blocks a hundred deep: then a level is one space, and at last none, so that text stays in sight.
function indent(spaces) {
  const levels = spaces / 2;
  return " ".repeat(Math.min(spaces, 16 + Math.max(0, Math.min(levels, 24) - 8)));
}

// The lines of one entry.
class Model {
  constructor(entry, body) {
    const lines = (text, places) => (places.length ? text.split("\n") : []);
    Object.assign(this, { entry, body });
    const indents = sums(body.wat_indents);
    this.watOffsets = sums(body.wat_offsets);
    this.asmOffsets = sums(body.asm_offsets);
    this.wat = lines(body.wat, body.wat_offsets).map((text, line) => indent(indents[line]) + text);
    this.traps = byLine(body.traps);
    this.jumps = byLine(body.jumps);
    this.jumps.forEach((distance, line) => this.jumps.set(line, line + distance));
    this.addresses = [];
    let address = entry.address;
    for (const bytes of body.asm_bytes) {
      this.addresses.push(address);
      address += bytes;
    }
    // Where instructions go is written down once.
    const calls = byLine(body.calls);
    this.asm = lines(body.asm, body.asm_offsets).map((text, line) => text.replace("\u0001", () => {
      const target = this.jumps.has(line) ? this.addresses[this.jumps.get(line)] : calls.get(line);
      const label = calls.has(line) ? labels.get(target) : undefined;
      return label === undefined ? hex(target) : `${hex(target)} <${label}>`;
    }));
    // Text and instructions. What has no offset is the function's own beginning, as is its first line.
    const known = this.watOffsets.map((offset, line) => [offset, line]).filter(([offset]) => offset >= 0);
    known.sort(([a, i], [b, j]) => a - b || i - j);
    this.watOfAsm = this.asmOffsets.map((offset) => {
      const at = offset < 0 ? -1 : lastUpTo(known, offset, ([place]) => place);
      return at < 0 ? (this.wat.length ? 0 : -1) : known[at][1];
    });
    this.asmOfWat = new Map();
    this.watOfAsm.forEach((line, asm) => push(this.asmOfWat, line, asm));
    // Source and instructions.
    this.asmOfSource = new Map();
    this.sourceOfAsm = this.asmOffsets.map((offset, asm) => {
      const source = this.sourceAt(offset);
      if (source) {
        push(this.asmOfSource, source.join(":"), asm);
      }
      return source;
    });
    this.files = [...new Set(body.rows.map(([, file]) => file).filter((file) => file >= 0))];
  }

  // File and line at an offset in the wasm file, or null.
  sourceAt(offset) {
    const at = offset < 0 ? -1 : lastUpTo(this.body.rows, offset, ([place]) => place);
    const [, file, line] = at < 0 ? [] : this.body.rows[at];
    return file >= 0 && line > 0 ? [file, line] : null;
  }
}

// ---- What is shown.

let index, model, file, lines;
let view = "wat";
let wanted = "source"; // If there is any.
let shown = [];
// Lines are { side: "left" or "right", line }: where the mouse is, where the keyboard is, and what is kept.
let pointed = null, cursor = null, pinned = null;
let lit = { left: new Set(), right: new Set(), aim: null };
let opening = 0;
const gutters = { left: 0, right: 0 };

const sources = new Map();
const byLabel = new Map();
const labels = new Map();

// What belongs to a line, on both sides.
function together({ side, line }) {
  const wat = view === "wat";
  if (side === "left") {
    const right = wat ? model.asmOfWat.get(line) : model.asmOfSource.get(`${file}:${line + 1}`);
    return { left: [line], right: right ?? [] };
  }
  if (wat) {
    const left = model.watOfAsm[line];
    return left < 0 ? { left: [], right: [line] } : { left: [left], right: model.asmOfWat.get(left) };
  }
  const source = model.sourceOfAsm[line];
  const left = source && source[0] === file ? [source[1] - 1] : [];
  return { left, right: source ? model.asmOfSource.get(source.join(":")) : [line] };
}

function light(scroll, behavior) {
  const active = pointed ?? cursor ?? pinned;
  const found = active ? together(active) : { left: [], right: [] };
  lit = { left: new Set(found.left), right: new Set(found.right), aim: null };
  if (active?.side === "right") {
    lit.aim = model.jumps.get(active.line) ?? null;
  }
  if (active && scroll) {
    const other = active.side === "left" ? "right" : "left";
    panes[other].reveal(found[other], behavior);
  }
  panes.left.paint();
  panes.right.paint();
  describe(active);
}

function mark(side) {
  return (row, line) => {
    const is = (place) => place?.side === side && place.line === line;
    row.classList.toggle("lit", lit[side].has(line));
    row.classList.toggle("cursor", is(pointed ?? cursor));
    row.classList.toggle("pinned", is(pinned));
    row.classList.toggle("aim", side === "right" && lit.aim === line);
    row.ariaSelected = String(is(cursor));
  };
}

const hex = (number) => `0x${number.toString(16)}`;

function describe(place) {
  const parts = [];
  const say = (...texts) => {
    const part = document.createElement("span");
    part.append(...texts);
    parts.push(part);
    return part;
  };
  const strong = (text) => Object.assign(document.createElement("b"), { textContent: text });
  const about = (offset, source) => {
    if (offset >= 0) {
      const line = model.watOffsets.indexOf(offset);
      say("wasm ", strong(hex(offset)), line > 0 ? ` ${model.wat[line].trim().slice(0, 80)}` : "");
    }
    if (source) {
      say(`${index.files[source[0]]}:`, strong(source[1]));
    }
  };
  if (place?.side === "right") {
    const distance = model.addresses[place.line] - model.entry.address;
    say(strong(hex(model.addresses[place.line])), ` ${model.entry.symbol ?? model.entry.name}+${hex(distance)}`);
    about(model.asmOffsets[place.line], model.sourceOfAsm[place.line]);
    if (model.traps.has(place.line)) {
      say(`may trap: ${index.traps[model.traps.get(place.line)]}`).className = "trap";
    }
  } else if (place) {
    const right = [...lit.right];
    const bytes = right.reduce((sum, line) => sum + model.body.asm_bytes[line], 0);
    if (view === "wat") {
      const offset = model.watOffsets[place.line];
      about(offset, model.sourceAt(offset));
    } else {
      say(`${index.files[file]}:`, strong(place.line + 1));
    }
    if (model.asm.length) {
      const count = right.length === 1 ? "1 instruction" : `${right.length} instructions`;
      say(right.length ? `${count}, ${bytes} bytes` : "no code of its own");
    }
  } else if (model) {
    say("Point at a line, or move through them with the arrow keys. ? for all keys.");
  }
  element("status").replaceChildren(...parts);
}

// ---- How lines look.

const WAT = /("(?:[^"\\]|\\.)*"?)|(\(;.*?;\)|;;.*)|(\$[^\s()]+)|(-?\b[0-9][\w.+]*)|([a-z][\w.]*)/g;
const ASM = /^([^\s]+)|(<.*>$)|(-?#?-?\b(?:0x[0-9a-f]+|[0-9]+)\b)/g;
const SOURCE = /("(?:[^"\\]|\\.)*"?)|(\/\/.*|\/\*.*?\*\/)|(\b[0-9][\w.]*)/g;

// Fills an element with a text whose parts have classes.
function colour(target, text, pattern, classes) {
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    target.append(text.slice(end, match.index));
    const part = document.createElement("span");
    part.className = classes[match.slice(1).findIndex((group) => group !== undefined)];
    part.textContent = match[0];
    target.append(part);
    end = match.index + match[0].length;
  }
  target.append(text.slice(end));
}

function place(row, text, width) {
  const cell = document.createElement("span");
  cell.className = "place";
  cell.style.minWidth = `calc(${width}ch + 2.1em)`;
  cell.textContent = text;
  const code = document.createElement("span");
  code.className = "text";
  row.append(cell, code);
  return code;
}

function fillLeft(row, line) {
  if (view === "wat") {
    const offset = model.watOffsets[line];
    const code = place(row, offset >= 0 ? hex(offset) : "", gutters.left);
    colour(code, model.wat[line], WAT, "scndk");
    row.classList.toggle("bare", model.asm.length > 0 && !model.asmOfWat.has(line));
  } else {
    const code = place(row, line + 1, gutters.left);
    colour(code, lines[line], SOURCE, "scd");
    row.classList.toggle("bare", !sources.get(file).owners.has(line + 1));
  }
}

function fillRight(row, line) {
  const code = place(row, hex(model.addresses[line]), gutters.right);
  colour(code, model.asm[line], ASM, ["k", "go", "d"]);
  if (model.traps.has(line)) {
    const why = document.createElement("span");
    why.className = "why";
    why.textContent = index.traps[model.traps.get(line)];
    row.append(why);
  }
}

function size(bytes) {
  return bytes < 10000 ? `${bytes}` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)}k` : `${(bytes / 1e6).toFixed(1)}M`;
}

function fillFunction(row, line) {
  const entry = index.entries[shown[line]];
  row.classList.add(entry.kind);
  row.title = entry.index === undefined ? entry.name : `${entry.name} (function ${entry.index})`;
  const what = document.createElement("span");
  what.className = "what";
  what.textContent = entry.name;
  const bytes = document.createElement("span");
  bytes.className = "size";
  bytes.textContent = entry.bytes ? size(entry.bytes) : "";
  row.append(what, bytes);
}

function markFunction(row, line) {
  const here = model && index.entries[shown[line]] === model.entry;
  row.classList.toggle("here", here);
  row.ariaSelected = String(here);
}

const panes = {
  left: new List(element("left"), fillLeft, mark("left")),
  right: new List(element("right"), fillRight, mark("right")),
};
const functions = new List(element("functions"), fillFunction, markFunction);

// How many characters the numbers beside lines take.
const gutter = (places) => hex(places.reduce((most, place) => Math.max(most, place), 0)).length;
const widest = (list) => list.reduce((width, line) => Math.max(width, line.length), 0);

// ---- Showing things.

// Shows an entry, and of it a line if one is named.
async function open(number, place) {
  const turn = ++opening;
  const block = lastUpTo(index.blocks, number, (first) => first);
  const bodies = await unpack(1 + block);
  if (turn !== opening) {
    return;
  }
  model = new Model(index.entries[number], bodies[number - index.blocks[block]]);
  pointed = cursor = pinned = null;
  lit = { left: new Set(), right: new Set(), aim: null };
  const { entry } = model;
  element("name").textContent = entry.name;
  element("name").title = entry.name;
  const facts = [];
  if (entry.index !== undefined) {
    facts.push(`function ${entry.index}`);
  }
  if (entry.symbol) {
    facts.push(`symbol ${entry.symbol}`);
  }
  if (entry.bytes) {
    facts.push(`${hex(entry.address)}–${hex(entry.address + entry.bytes)}`, `${entry.bytes} bytes`, `${model.asm.length} instructions`);
  }
  element("facts").textContent = facts.join(" · ");
  gutters.right = gutter(model.addresses);
  const why = (line) => (model.traps.has(line) ? index.traps[model.traps.get(line)].length + 3 : 0);
  const width = model.asm.reduce((width, text, line) => Math.max(width, text.length + why(line)), 0) + gutters.right + 4;
  panes.right.show(model.asm.length, width, 0);
  message(panes.right, model.asm.length ? "" : "The rest of the module is data: its functions are in the list.");
  const files = model.files.filter((number) => sources.has(number));
  const first = model.body.rows.find(([, number, line]) => sources.has(number) && line > 0);
  const named = place?.file !== undefined && sources.has(place.file) ? place.file : undefined;
  element("file").replaceChildren(...files.map((number) => new Option(short(index.files[number]), number)));
  element("views").hidden = sources.size === 0;
  const source = place?.view === "wat" ? undefined : named ?? first?.[1];
  const top = first && first[1] === source ? first[2] - 1 : 0;
  await left(wanted === "source" || place?.view === "source" ? source : undefined, top);
  if (turn !== opening) {
    return;
  }
  functions.paint();
  if (place && place.side) {
    pin(place);
    panes[place.side].reveal([place.line], "instant");
  } else {
    name();
  }
  light(true, "instant");
  document.body.dataset.ready = String(number);
}

// Shows a file of the source on the left, or the text if none is named.
async function left(number, line) {
  const turn = opening;
  const data = number === undefined ? null : await unpack(sources.get(number).block);
  if (turn !== opening) {
    return;
  }
  const text = data && data.text;
  if (data) {
    sources.get(number).owners = new Map(data.code);
  }
  view = text === null ? "wat" : "source";
  file = number;
  lines = text === null ? model.wat : text.replace(/\n$/, "").split("\n");
  element("show-wat").ariaPressed = String(view === "wat");
  element("show-source").ariaPressed = String(view === "source");
  element("show-source").disabled = !model.files.some((number) => sources.has(number));
  element("left-title").hidden = view !== "wat";
  element("file").hidden = view !== "source";
  if (view === "source") {
    // A file to which a line led may be none of this function's.
    if (![...element("file").options].some((option) => Number(option.value) === number)) {
      element("file").append(new Option(short(index.files[number]), number));
    }
    element("file").value = String(number);
    element("file").title = index.files[number];
  }
  gutters.left = view === "wat" ? gutter(model.watOffsets) : String(lines.length).length;
  panes.left.show(lines.length, widest(lines) + gutters.left + 4, Math.max(0, (line ?? 0) - 3) * ROW);
  message(panes.left, lines.length ? "" : "This is code between host and module: it comes from no line of it.");
}

async function change(number) {
  const active = pinned ?? cursor;
  const right = active ? together(active).right[0] : undefined;
  pointed = cursor = pinned = null;
  const rows = model.body.rows.filter(([, file, line]) => file === number && line > 0);
  await left(number, rows.length ? rows[0][2] - 1 : 0);
  if (right !== undefined) {
    cursor = { side: "right", line: right };
  }
  light(true, "instant");
}

function toggle() {
  wanted = view === "wat" ? "source" : "wat";
  const first = model.body.rows.find(([, number, line]) => sources.has(number) && line > 0);
  if (wanted === "wat") {
    change(undefined);
  } else if (first) {
    change(first[1]);
  }
}

function message(list, text) {
  if (text) {
    const paragraph = document.createElement("p");
    paragraph.className = "message";
    paragraph.textContent = text;
    list.rows.replaceChildren(paragraph);
  }
}

function short(path) {
  const parts = path.split(/[\\/]/);
  return parts.slice(-2).join("/");
}

// Keeps a line lit, and names it in the address of the page.
function pin(place) {
  pinned = { side: place.side, line: Math.min(place.line, panes[place.side].count - 1) };
  if (pinned.line < 0) {
    pinned = null;
  }
  name();
}

function name() {
  const { entry } = model;
  const parts = [`f=${entry.index ?? encodeURIComponent(entry.name)}`];
  if (pinned) {
    const left = view === "wat" ? "wat" : "src";
    const line = pinned.line + 1;
    parts.push(pinned.side === "right" ? `asm=${line}` : left === "wat" ? `wat=${line}` : `src=${file}:${line}`);
  }
  try {
    history.replaceState(null, "", `#${parts.join("&")}`);
  } catch {
    // Some viewers of files do not let pages change their address.
  }
}

// Shows what the address of the page names: `f=` a function by index or name, `wat=`, `asm=` or `src=FILE:` a line of it;
// or `at=` an address, or `wasm=` an offset in the wasm file.
async function goToAddress() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const { entries } = index;
  const line = (text) => Math.max(0, Number.parseInt(text, 10) - 1 || 0);
  let number = entries.findIndex((entry) => entry.kind === "function");
  number = number < 0 ? 0 : number;
  let place;
  const f = parameters.get("f");
  if (f !== null) {
    const by = (test) => entries.findIndex(test);
    const found = [
      by((entry) => entry.index !== undefined && String(entry.index) === f),
      by((entry) => entry.symbol === f),
      by((entry) => entry.name === f),
    ].find((found) => found >= 0);
    number = found ?? number;
    if (parameters.has("wat")) {
      place = { side: "left", view: "wat", line: line(parameters.get("wat")) };
      wanted = "wat";
    } else if (parameters.has("asm")) {
      place = { side: "right", line: line(parameters.get("asm")) };
    } else if (parameters.has("src")) {
      const [named, at] = parameters.get("src").split(":");
      place = { side: "left", view: "source", file: Number(named), line: line(at) };
      wanted = "source";
    }
  } else if (parameters.has("at") || parameters.has("wasm")) {
    const at = Number(parameters.get("at") ?? parameters.get("wasm"));
    const isAddress = parameters.has("at");
    const start = (entry) => (isAddress ? entry.address : entry.wasm);
    const candidates = entries.map((entry, number) => [start(entry), number, entry])
      .filter(([at, , entry]) => (isAddress ? entry.bytes : entry.kind === "function" && at));
    candidates.sort(([a], [b]) => a - b);
    const found = lastUpTo(candidates, at, ([start]) => start);
    if (found >= 0) {
      number = candidates[found][1];
      const block = lastUpTo(index.blocks, number, (first) => first);
      const target = new Model(entries[number], (await unpack(1 + block))[number - index.blocks[block]]);
      const places = isAddress ? target.addresses : target.watOffsets;
      const line = Math.max(0, lastUpTo(places, at, (place) => place));
      place = isAddress ? { side: "right", line } : { side: "left", view: "wat", line };
      wanted = isAddress ? wanted : "wat";
    }
  }
  await open(number, place);
  const at = shown.indexOf(number);
  if (at >= 0) {
    functions.reveal([at], "instant");
  }
}

// ---- The list of functions.

function search() {
  const text = element("search").value.trim().toLowerCase();
  const order = element("order").value;
  const matches = (entry) =>
    entry.name.toLowerCase().includes(text) || entry.symbol?.toLowerCase().includes(text) || String(entry.index) === text;
  shown = index.entries.map((_, number) => number).filter((number) => !text || matches(index.entries[number]));
  const entry = (number) => index.entries[number];
  if (order === "size") {
    shown.sort((a, b) => entry(b).bytes - entry(a).bytes || a - b);
  } else if (order === "name") {
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    shown.sort((a, b) => compare(entry(a).name, entry(b).name) || a - b);
  }
  functions.show(shown.length, 0, 0);
  const all = index.entries.filter((entry) => entry.kind === "function").length;
  const found = shown.filter((number) => entry(number).kind === "function").length;
  element("count").textContent = text ? `${found} of ${all} functions` : `${all} functions`;
}

function step(by) {
  const at = shown.indexOf(index.entries.indexOf(model.entry));
  const next = Math.min(Math.max(at + by, 0), shown.length - 1);
  if (shown.length && next !== at) {
    functions.follow(next);
    open(shown[next]);
  }
}

// The function that an instruction goes to.
function callee({ side, line }) {
  const right = side === "right" ? [line] : together({ side, line }).right;
  for (const asm of right) {
    const label = /<(.*)>$/.exec(model.asm[asm])?.[1];
    if (label !== undefined && byLabel.has(label)) {
      return byLabel.get(label);
    }
  }
  return undefined;
}

// ---- Mouse and keys.

for (const side of ["left", "right"]) {
  const list = panes[side];
  let y = null;
  const point = () => {
    const line = y === null || !model ? null : list.lineAt(y);
    const same = pointed?.side === side && pointed.line === line;
    if (!same && (line !== null || pointed?.side === side)) {
      pointed = line === null ? null : { side, line };
      light(pointed !== null);
    }
  };
  list.frame.addEventListener("mousemove", (event) => { y = event.clientY; point(); });
  list.frame.addEventListener("mouseleave", () => { y = null; point(); });
  list.frame.addEventListener("scroll", () => { if (y !== null) { point(); } }, { passive: true });
  list.frame.addEventListener("click", (event) => {
    const line = list.lineAt(event.clientY);
    if (line === null || !model) {
      return;
    }
    if (event.target.classList.contains("go") && callee({ side, line }) !== undefined) {
      open(callee({ side, line }));
      return;
    }
    cursor = { side, line };
    keep();
  });
  list.frame.addEventListener("keydown", (event) => key(event, side));
  list.frame.addEventListener("focus", () => {
    if (model && list.count && cursor?.side !== side && list.frame.matches(":focus-visible")) {
      const seen = [...lit[side]].find((line) => list.isVisible(line));
      cursor = { side, line: seen ?? Math.min(list.count - 1, Math.ceil(list.frame.scrollTop / ROW)) };
      move(side, cursor.line);
    }
  });
}

// Keeps the line lit where the cursor is. The source follows to another file, or to another function.
function keep() {
  const { side, line } = cursor;
  if (view === "source") {
    const source = side === "right" ? model.sourceOfAsm[line] : null;
    if (source && source[0] !== file && sources.has(source[0])) {
      left(source[0], source[1] - 1).then(() => { pin({ side, line }); light(true); });
      return;
    }
    const owner = side === "left" ? sources.get(file).owners.get(line + 1) : undefined;
    if (owner !== undefined && !together(cursor).right.length) {
      open(owner, { side, view, file, line });
      return;
    }
  }
  pin(cursor);
  light(true);
}

function move(side, line) {
  const list = panes[side];
  pointed = null;
  cursor = { side, line: Math.min(Math.max(line, 0), list.count - 1) };
  list.follow(cursor.line);
  list.frame.setAttribute("aria-activedescendant", `${list.frame.id}-${cursor.line}`);
  light(true);
}

function key(event, side) {
  if (event.ctrlKey || event.metaKey || event.altKey || !model || !panes[side].count) {
    return;
  }
  const page = Math.max(1, Math.floor(panes[side].frame.clientHeight / ROW) - 2);
  const line = cursor?.side === side ? cursor.line : 0;
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  if (event.key in steps) {
    move(side, line + steps[event.key]);
  } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    const other = event.key === "ArrowLeft" ? "left" : "right";
    if (other !== side && panes[other].count) {
      const found = cursor ? together(cursor)[other] : [];
      const seen = Math.ceil(panes[other].frame.scrollTop / ROW);
      // So that focusing it does not choose another line.
      cursor = { side: other, line: found[0] ?? seen };
      panes[other].frame.focus();
      move(other, cursor.line);
    }
  } else if (event.key === "Enter" || event.key === " ") {
    if (cursor) {
      keep();
    }
  } else if (event.key === "g") {
    const target = cursor && callee(cursor);
    if (target !== undefined) {
      open(target);
    }
  } else {
    return;
  }
  event.preventDefault();
}

function theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("input, select");
  if (event.ctrlKey || event.metaKey || event.altKey || element("help").open || !model) {
    return;
  }
  if (event.key === "Escape") {
    pointed = cursor = pinned = null;
    name();
    light(false);
    return;
  }
  const actions = {
    "/": () => { element("search").focus(); element("search").select(); },
    "[": () => step(-1),
    "]": () => step(1),
    "s": () => { if (sources.size) { toggle(); } },
    "t": theme,
    "?": () => element("help").showModal(),
  };
  if (!typing && Object.hasOwn(actions, event.key)) {
    actions[event.key]();
    event.preventDefault();
  }
});

for (const id of ["search", "functions"]) {
  element(id).addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(element("functions").clientHeight / ROW) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    if (event.key in steps) {
      step(steps[event.key]);
      event.preventDefault();
    } else if (event.key === "Enter") {
      const here = shown.includes(index.entries.indexOf(model.entry));
      if (!here && shown.length) {
        open(shown[0]);
      }
      panes.left.frame.focus();
      event.preventDefault();
    }
  });
}
element("functions").addEventListener("click", (event) => {
  const line = functions.lineAt(event.clientY);
  if (line !== null) {
    open(shown[line]);
  }
});
element("search").addEventListener("input", search);
element("order").addEventListener("change", search);
element("previous").addEventListener("click", () => step(-1));
element("next").addEventListener("click", () => step(1));
element("theme").addEventListener("click", theme);
element("help-button").addEventListener("click", () => element("help").showModal());
element("file").addEventListener("change", (event) => change(Number(event.target.value)));
element("show-wat").addEventListener("click", () => { if (view !== "wat") { toggle(); } });
element("show-source").addEventListener("click", () => { if (view !== "source") { toggle(); } });
addEventListener("hashchange", goToAddress);

// ---- The beginning.

async function begin() {
  index = await unpack(0);
  const first = 1 + index.blocks.length;
  for (const [position, number] of index.sources.entries()) {
    const block = first + position;
    sources.set(number, { block, owners: new Map() });
  }
  index.entries.forEach((entry, number) => {
    if (entry.bytes) {
      byLabel.set(entry.symbol ?? entry.name, number);
      labels.set(entry.address, entry.symbol ?? entry.name);
    }
  });
  element("title").textContent = index.title;
  element("target").textContent = index.target;
  search();
  await goToAddress();
}

begin().catch((error) => {
  element("status").textContent = `This page cannot be shown: ${error}`;
});

})();
