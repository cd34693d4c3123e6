// The state of the page: columns of all pictures, the order that is shown, what is marked.
import { computed, signal } from "./vendor/signals.js";
import { bytes, client, get, post, upload } from "./api.js";

export const NONE = 0xffff;
const SEEN = 1, SURE = 2, UNLIKE = 4, BAD = 8;

/** @typedef {{n: number, revision: number, answer: Uint16Array, person: Uint16Array,
 *   confidence: Uint16Array, flags: Uint8Array, keys: Uint32Array}} Columns */

/** @type {{value: Columns}} */
export const columns = signal(empty());
export const version = signal(0); // grows when a column changes in place
export const state = signal(/** @type {any} */ ({ classes: [], keys: [], phase: { doing: "opening" } }));
export const names = signal(/** @type {string[]} */ ([]));
export const view = signal("review");
export const filter = signal({ cls: -1, kind: "all" });
export const orderBy = signal("unsure");
export const order = signal(new Uint32Array(0)); // what the grid shows
export const cursor = signal(0); // a place in the order
export const marked = signal(new Set());
export const large = signal(/** @type {number | null} */ (null)); // a row
export const dialog = signal(""); // "help", "find", "new"
export const message = signal({ text: "", bad: false });
export const saving = signal(0);
export const waiting = signal(/** @type {null | {revision: number, changed: number}} */ (null));
export const run = signal(/** @type {any} */ (null));
export const title = signal("");
export const connected = signal(true);
export const busy = signal(false);
export const extra = signal(/** @type {Map<number, any>} */ (new Map())); // of suspects, by row
export const query = signal(/** @type {{rows?: number[], words?: string, file?: File} | null} */ (null));
export const narrow = signal({ cls: "", least: 0 }); // which results of a search are shown
export const spots = signal(new Float32Array(0)); // x and y of each picture on the map
export const groups = signal(/** @type {any[]} */ ([])); // of the same picture
export const groupOf = computed(() => {
  const of = new Map();
  groups.value.forEach((one, number) => one.rows.forEach((row, i) => of.set(row, { number, kind: one.kinds[i] || (one.kind === "burst" ? "best" : "keep"), agreement: i ? ` ${Math.round(100 * one.agreement[i])}` : "" })));
  return of;
});

let base = new Uint32Array(0);

function empty() {
  return decode(new ArrayBuffer(16));
}

/** @param {ArrayBuffer} buffer @returns {Columns} */
function decode(buffer) {
  const head = new DataView(buffer);
  const n = head.getUint32(4, true);
  const take = (at, length) => buffer.slice(at, at + length);
  return {
    n,
    revision: head.getUint32(8, true),
    answer: new Uint16Array(take(16, 2 * n)),
    person: new Uint16Array(take(16 + 2 * n, 2 * n)),
    confidence: new Uint16Array(take(16 + 4 * n, 2 * n)),
    flags: new Uint8Array(take(16 + 6 * n, n)),
    keys: new Uint32Array(take(16 + 7 * n, 4 * n)),
  };
}

export const say = (text, bad = false) => (message.value = { text, bad });
export const wrong = (error) => say(error.message, true);

/** The class that a picture has now. @param {number} row */
export function classOf(row) {
  const c = columns.value;
  if (row >= c.n) {
    const one = extra.value.get(row);
    return one ? state.value.classes.indexOf(one.person ?? one.given) : -1;
  }
  if (c.person[row] !== NONE) return c.person[row];
  return c.revision ? c.answer[row] : -1;
}
export const seen = (row) =>
  row < columns.value.n ? columns.value.person[row] !== NONE : !!extra.value.get(row)?.person;
export const sure = (row) => !!(columns.value.flags[row] & SURE);
export const unlike = (row) => !!(columns.value.flags[row] & UNLIKE);
export const unreadable = (row) => !!(columns.value.flags[row] & BAD);
export const confidence = (row) => (columns.value.confidence[row] ?? 0) / 0xffff;
export function thumb(row, size = "small") {
  const key = columns.value.keys[row];
  if (!key) return `/api/v1/thumbs/${size}/${row}`;
  const hex = [0, 8, 16, 24].map((s) => ((key >>> s) & 255).toString(16).padStart(2, "0")).join("");
  return `/api/v1/thumbs/${size}/${row}?v=${hex}`;
}

/** Counts beside the classes. */
export const counts = computed(() => {
  version.value;
  const c = columns.value, k = state.value.classes.length;
  const zero = () => new Uint32Array(k);
  const by = { all: zero(), unsure: zero(), seen: zero(), unlike: zero() };
  const total = { all: c.n, sure: 0, unsure: 0, seen: 0, unlike: 0, bad: 0 };
  for (let row = 0; row < c.n; row++) {
    const cls = c.person[row] !== NONE ? c.person[row] : c.answer[row];
    const flags = c.flags[row], isSeen = c.person[row] !== NONE;
    if (flags & BAD) total.bad++;
    if (!c.revision && !isSeen) continue;
    by.all[cls]++;
    if (isSeen) { by.seen[cls]++; total.seen++; }
    else if (flags & SURE) total.sure++;
    else if (!(flags & BAD)) { by.unsure[cls]++; total.unsure++; }
    if (flags & UNLIKE && !isSeen) { by.unlike[cls]++; total.unlike++; }
  }
  return { by, total };
});

function passes(row) {
  const { cls, kind } = filter.value;
  if (cls >= 0 && classOf(row) !== cls) return false;
  if (kind === "unsure") return !seen(row) && !sure(row) && !unreadable(row);
  if (kind === "sure") return !seen(row) && sure(row);
  if (kind === "seen") return seen(row);
  if (kind === "unlike") return unlike(row) && !seen(row);
  if (kind === "bad") return unreadable(row);
  if (kind === "changed") return changedRows.has(row);
  return true;
}
let changedRows = new Set();

/** Show the pictures of the review in the chosen order, through the filter. */
export function arrange() {
  if (view.value !== "review") return;
  const { cls, kind } = filter.value;
  order.value = cls < 0 && kind === "all" ? base : base.filter(passes);
  cursor.value = Math.min(cursor.value, Math.max(0, order.value.length - 1));
  marked.value = new Set();
}

export async function load() {
  const [rows, told] = await Promise.all([bytes("/rows"), get("/state")]);
  columns.value = decode(rows);
  state.value = told;
  version.value++;
  await reorder();
  get("/names").then((all) => (names.value = all)).catch(wrong);
}

export async function reorder() {
  base = new Uint32Array(await bytes(`/order/${orderBy.value}`));
  arrange();
}

/** Take the answers that wait; the grid may move now, since a person asked for it. */
export async function takeAnswers(show) {
  const before = columns.value;
  columns.value = decode(await bytes("/rows"));
  const c = columns.value;
  if (show) {
    changedRows = new Set();
    for (let row = 0; row < c.n; row++)
      if (c.person[row] === NONE && before.answer[row] !== c.answer[row]) changedRows.add(row);
  }
  waiting.value = null;
  version.value++;
  if (show && changedRows.size) {
    view.value = "review";
    title.value = "";
    filter.value = { cls: -1, kind: "changed" };
  }
  await reorder();
}

/** How many shown answers differ from those that wait; the server counts between fits only. */
export async function compareWaiting(revision) {
  const fresh = decode(await bytes("/rows"));
  const c = columns.value;
  if (!c.revision) return takeAnswers(false);
  let changed = 0;
  for (let row = 0; row < c.n; row++)
    if (c.person[row] === NONE && fresh.person[row] === NONE && fresh.answer[row] !== c.answer[row])
      changed++;
  if (changed) waiting.value = { revision, changed };
  else {
    // The same classes: new confidences move nothing.
    fresh.person.set(c.person);
    columns.value = fresh;
    waiting.value = null;
    version.value++;
  }
}

export function setFilter(cls, kind) {
  turnTo("review");
  filter.value = { cls, kind };
  cursor.value = 0;
  if (waiting.value) takeAnswers(false).catch(wrong);
  else arrange();
}

/** The rows that a key acts on: what is marked, else where the cursor is. */
export function targets() {
  if (large.value !== null) return [large.value];
  if (marked.value.size) return [...marked.value];
  const row = order.value[cursor.value];
  return row === undefined ? [] : [row];
}

/** Give pictures a class; the tile changes at once, and back if it could not be kept. */
export async function give(rows, name) {
  if (!rows.length) return;
  let cls = state.value.classes.indexOf(name);
  const c = columns.value;
  const before = rows.map((row) => c.person[row]);
  if (cls < 0 && name !== null) {
    await post("/classes", { name });
    state.value = { ...state.value, ...(await get("/state")) };
    cls = state.value.classes.indexOf(name);
  }
  for (const row of rows) put(row, name === null ? NONE : cls);
  version.value++;
  saving.value++;
  try {
    await post("/labels", { rows, class: name });
    say(`${rows.length === 1 ? "1 picture" : rows.length + " pictures"}: ${name ?? "class taken back"}. Saved.`);
  } catch (error) {
    rows.forEach((row, i) => put(row, before[i]));
    version.value++;
    say(`Not saved: ${error.message}`, true);
  } finally {
    saving.value--;
  }
}

function put(row, cls) {
  const c = columns.value;
  if (row < c.n) c.person[row] = cls;
  else if (extra.value.has(row))
    extra.value.get(row).person = cls === NONE ? null : state.value.classes[cls];
}

/** Give a class, then go on to the next picture. */
export function giveAndMove(name) {
  const rows = targets(), several = marked.value.size > 0;
  give(rows, name).catch(wrong);
  marked.value = new Set();
  if (!several) step(1);
}

export function step(by) {
  const to = Math.max(0, Math.min(order.value.length - 1, cursor.value + by));
  cursor.value = to;
  if (large.value !== null && order.value[to] !== undefined) large.value = order.value[to];
}

export async function undo() {
  try {
    const { batch, rows, classes } = await post("/undo", {});
    if (batch === null) return say("Nothing to undo.");
    rows.forEach((row, i) => put(row, classes[i] < 0 ? NONE : classes[i]));
    version.value++;
    say(`Undone: ${rows.length === 1 ? "1 picture" : rows.length + " pictures"}.`);
  } catch (error) {
    wrong(error);
  }
}

/** Accept what is answered. @param {number[]} rows */
export function accept(rows) {
  const groups = new Map();
  for (const row of rows) {
    const cls = classOf(row);
    if (cls < 0 || unreadable(row)) continue;
    if (!groups.has(cls)) groups.set(cls, []);
    groups.get(cls).push(row);
  }
  return Promise.all(
    [...groups].map(([cls, list]) => give(list, state.value.classes[cls])),
  );
}

export function nextUnsure() {
  const from = cursor.value, n = order.value.length;
  for (let i = 1; i <= n; i++) {
    const row = order.value[(from + i) % n];
    if (!seen(row) && !sure(row) && !unreadable(row)) {
      cursor.value = (from + i) % n;
      if (large.value !== null) large.value = row;
      return;
    }
  }
  say("No unsure picture is left here.");
}

let turns = 0;
/** Go to a view; gives what tells whether it is still the one that a person looks at. */
export function turnTo(name, heading = "") {
  const mine = ++turns;
  large.value = null;
  title.value = heading;
  if (view.value !== name && heading) order.value = new Uint32Array(0);
  view.value = name;
  return () => mine === turns;
}

/** Show some rows, in their order, under a title. */
export function showRows(name, heading, rows) {
  view.value = name;
  title.value = heading;
  cursor.value = 0;
  marked.value = new Set();
  large.value = null;
  order.value = Uint32Array.from(rows);
}

/** Search by what was asked last, as narrowed now. */
export async function search() {
  const asked = query.value, { cls, least } = narrow.value;
  if (!asked) return showRows("search", "Search by words, by a picture that you drop or paste here, or by the marked ones (=)", []);
  const here = turnTo("search", "Searching …");
  const wanted = { count: 300, least: least / 100, ...(cls ? { classes: cls } : {}) };
  const { rows, words, file } = asked;
  let found;
  try {
    found = file ? await upload(file, wanted) : await post("/search", { ...wanted, ...(words ? { words } : { rows }) });
  } catch (error) {
    if (here()) title.value = "Nothing was searched for";
    throw error;
  }
  if (!here()) return;
  const like = words ? `Words: ${words}` : `Most like ${file ? file.name ?? "the pasted picture" : rows?.length === 1 ? names.value[rows[0]] ?? "it" : rows?.length + " pictures"}`;
  showRows("search", like + (found.taught ? `, the class ${found.taught}` : "") + (found.doubtful ? `. Much is guessed: the nearest known words are ${found.labels.slice(0, 3).join("; ")}` : ""), found.rows);
}
export function searchBy(rows) {
  if (rows.length) query.value = { rows };
  return search();
}
export function searchFile(file) {
  query.value = { file };
  return search();
}

/** Show the groups of the same picture, one after the other; the kept picture of each first. */
export async function showDuplicates() {
  const here = turnTo("duplicates", view.value === "duplicates" ? title.value : "Looking for pictures that are there again …");
  const found = await get("/duplicates");
  if (here()) arrangeGroups(found);
}
function arrangeGroups(found) {
  groups.value = found.groups;
  const n = found.groups.length;
  const heading = !found.ready ? "Looking for pictures that are there again …"
    : `${n} group${n === 1 ? "" : "s"} of the same picture, the one to keep first; ${found.n_extra} can go to _duplicates (Apply)`;
  const at = cursor.value;
  showRows("duplicates", heading, found.groups.flatMap((one) => one.rows));
  cursor.value = Math.min(at, Math.max(0, order.value.length - 1));
}
/** Show all pictures on a plane. */
export async function showMap() {
  const here = turnTo("map", spots.value.length ? MAP : "Laying the pictures out …");
  order.value = base;
  if (!spots.value.length) spots.value = new Float32Array(await bytes("/map"));
  if (here() && spots.value.length) title.value = MAP;
}
const MAP = "Like pictures are near each other. Wheel: nearer; drag: move; Shift and drag: mark by a lasso";
export async function keepThis(rows) {
  arrangeGroups(await post("/duplicates/keep", { rows }));
  say("Kept of its group.");
}
export async function twoPictures(rows) {
  arrangeGroups(await post("/duplicates/apart", { rows }));
  say("Another picture; it is not asked again. Saved.");
}
export async function askMe() {
  const here = turnTo("ask", "Choosing …");
  const rows = new Uint32Array(await bytes("/order/ask"));
  if (!here()) return;
  showRows("ask", "Pictures whose class would teach most", rows);
}
export async function showSuspects() {
  const here = turnTo("suspects", "Looking for doubtful examples …");
  const found = await get("/suspects");
  if (!here()) return;
  extra.value = new Map(found.rows.map((one) => [one.row, one]));
  showRows("suspects", `${found.n ?? 0} examples whose folder is doubtful, by ${found.by}`, found.rows.map((one) => one.row));
}
export function back() {
  turnTo("review");
  arrange();
}

/** What other pages did. */
export function heard({ rows, classes, client: who }) {
  if (who === client) return;
  rows.forEach((row, i) => put(row, classes[i] < 0 ? NONE : classes[i]));
  version.value++;
}
