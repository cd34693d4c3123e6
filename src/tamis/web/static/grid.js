// The grid: tiles of one size, so that their places are arithmetic; only the visible ones exist.
import { h } from "./vendor/preact.js";
import { useEffect, useLayoutEffect, useRef } from "./vendor/hooks.js";
import { signal } from "./vendor/signals.js";
import htm from "./vendor/htm.js";
import * as store from "./store.js";

const html = htm.bind(h);
const MOST = 8_000_000; // px that browsers scroll without loss
const OVER = 1; // rows beyond the edges
const size = signal([800, 600]);
const top = signal(0);
const fast = signal(false); // scrolled by more than eyes can follow: pictures come when it slows
const FAST = 2.5; // tiles in a tenth of a second
let moved = { at: 0, top: 0 }, resting = 0;
const box = signal(/** @type {null | number[]} */ (null));

export const layout = () => {
  const [width, height] = size.value;
  const tile = width < 500 ? 116 : 148;
  const cols = Math.max(1, Math.floor(width / tile));
  const rows = Math.ceil(store.order.value.length / cols);
  const whole = rows * tile;
  const scroll = Math.min(whole, MOST);
  return { width, height, tile, cols, rows, whole, scroll, side: Math.floor(width / cols) };
};

/** Where the view begins in the whole height, for a position of the scroll bar. */
function offset(at, l) {
  if (l.whole <= l.scroll) return at;
  const most = l.scroll - l.height;
  return most > 0 ? (at / most) * (l.whole - l.height) : 0;
}
function unoffset(at, l) {
  if (l.whole <= l.scroll) return at;
  return (at / (l.whole - l.height)) * (l.scroll - l.height);
}

/** Bring the cursor into view. */
export function reveal() {
  const grid = document.getElementById("grid");
  if (!grid) return;
  const l = layout(), y = Math.floor(store.cursor.value / l.cols) * l.tile;
  const now = offset(grid.scrollTop, l);
  if (y < now) grid.scrollTop = unoffset(y, l);
  else if (y + l.tile > now + l.height) grid.scrollTop = unoffset(y + l.tile - l.height, l);
}

function scrolled(event) {
  const now = event.timeStamp, at = event.currentTarget.scrollTop, l = layout();
  const way = Math.abs(offset(at, l) - offset(moved.top, l)), time = Math.max(1, now - moved.at);
  if (time < 200) fast.value = (way / time) * 100 > FAST * l.tile;
  moved = { at: now, top: at };
  top.value = at;
  clearTimeout(resting);
  resting = setTimeout(() => (fast.value = false), 120);
}

/** The places in the order that are on the screen. */
export function visible() {
  const l = layout(), y = offset(top.value, l);
  const first = Math.floor(y / l.tile) * l.cols;
  const last = Math.min(store.order.value.length, Math.ceil((y + l.height) / l.tile) * l.cols);
  return [...store.order.value.subarray(first, last)];
}

function Tile({ place, row, x, y, side, tile }) {
  const cls = store.classOf(row), name = store.state.value.classes[cls] ?? "";
  const isSeen = store.seen(row), bad = store.unreadable(row);
  const share = Math.round(100 * store.confidence(row));
  const file = store.names.value[row] ?? store.extra.value.get(row)?.name ?? `picture ${row + 1}`;
  const known = store.columns.value.revision > 0 && row < store.columns.value.n;
  const said = isSeen ? "by a person" : known ? `${share} %` : "";
  const classes = ["tile"];
  if (store.marked.value.has(row)) classes.push("marked");
  if (store.cursor.value === place) classes.push("here");
  if (isSeen) classes.push("seen");
  if (known && !store.sure(row) && !isSeen) classes.push("unsure");
  const again = store.view.value === "duplicates" ? store.groupOf.value.get(row) : undefined;
  if (again && again.number % 2) classes.push("other");
  return html`<div class=${classes.join(" ")} id=${"t" + place} role="gridcell" data-row=${row}
    aria-selected=${store.marked.value.has(row)} aria-label=${`${file}: ${name} ${said}${again ? `, group ${again.number + 1}, ${again.kind}` : ""}`} draggable="true"
    aria-colindex=${(place % layout().cols) + 1}
    style=${{ transform: `translate(${x}px,${y}px)`, width: side + "px", height: tile + "px" }}>
    ${again && html`<span class="again">${again.kind}${again.agreement}</span>`}
    ${bad
      ? html`<span class="reason">cannot be read</span>`
      : fast.value ? html`<span class="reason"></span>` : html`<img src=${store.thumb(row)} alt="" decoding="async" draggable="false" />`}
    <span class="label"><b title=${name}>${name}</b>${isSeen ? html`<i>✓</i>` : known ? html`<i>${share}</i>` : ""}</span>
    ${known && !isSeen ? html`<span class="bar"><span style=${{ width: share + "%" }}></span></span>` : html`<span class="bar"></span>`}
  </div>`;
}

export function Grid() {
  const ref = useRef(/** @type {any} */ (null));
  const from = useRef(/** @type {any} */ (null));
  store.version.value;
  const l = layout(), order = store.order.value;
  useEffect(() => {
    const watch = new ResizeObserver(() => {
      if (ref.current) size.value = [ref.current.clientWidth, ref.current.clientHeight];
    });
    watch.observe(ref.current);
    ref.current.focus();
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(reveal, [store.cursor.value, order, l.cols]);
  const y = offset(top.value, l);
  const first = Math.max(0, Math.floor(y / l.tile) - OVER);
  const last = Math.min(l.rows, Math.ceil((y + l.height) / l.tile) + OVER);
  const lines = [];
  for (let line = first; line < last; line++) {
    const tiles = [];
    for (let place = line * l.cols; place < Math.min(order.length, (line + 1) * l.cols); place++)
      tiles.push(html`<${Tile} key=${place} place=${place} row=${order[place]} side=${l.side} tile=${l.tile}
        x=${(place % l.cols) * l.side} y=${line * l.tile - y + top.value} />`);
    lines.push(html`<div role="row" key=${"r" + line} aria-rowindex=${line + 1}>${tiles}</div>`);
  }
  const placeOf = (event) => {
    const tile = event.target.closest?.(".tile");
    return tile ? Number(tile.id.slice(1)) : -1;
  };
  const click = (event) => {
    const place = placeOf(event);
    if (place < 0) return;
    const row = order[place], set = new Set(event.ctrlKey || event.metaKey ? store.marked.value : []);
    if (event.shiftKey)
      for (let i = Math.min(place, store.cursor.value); i <= Math.max(place, store.cursor.value); i++) set.add(order[i]);
    else if (event.ctrlKey || event.metaKey) set.has(row) ? set.delete(row) : set.add(row);
    store.marked.value = set;
    store.cursor.value = place;
  };
  const start = (event) => {
    if (event.button || placeOf(event) >= 0 || event.target !== ref.current.firstChild) return;
    from.current = [event.clientX, event.clientY];
    ref.current.setPointerCapture(event.pointerId);
  };
  const drag = (event) => {
    if (!from.current) return;
    const [a, b] = from.current;
    box.value = [Math.min(a, event.clientX), Math.min(b, event.clientY), Math.abs(a - event.clientX), Math.abs(b - event.clientY)];
  };
  const end = () => {
    if (from.current && box.value) {
      const [x, y2, w, hh] = box.value, set = new Set();
      for (const tile of ref.current.querySelectorAll(".tile")) {
        const r = tile.getBoundingClientRect();
        if (r.left < x + w && r.right > x && r.top < y2 + hh && r.bottom > y2) set.add(Number(tile.dataset.row));
      }
      store.marked.value = set;
    }
    from.current = null;
    box.value = null;
  };
  const dragStart = (event) => {
    const place = placeOf(event);
    if (place < 0) return;
    if (!store.marked.value.has(order[place])) { store.marked.value = new Set(); store.cursor.value = place; }
    event.dataTransfer.setData("text/plain", "tiles");
    event.dataTransfer.effectAllowed = "copy";
  };
  return html`<div id="grid" ref=${ref} role=${order.length ? "grid" : "group"} tabindex="0" aria-label="Pictures" aria-multiselectable=${order.length ? "true" : null}
      aria-rowcount=${order.length ? l.rows : null} aria-colcount=${order.length ? l.cols : null} aria-activedescendant=${order.length ? "t" + store.cursor.value : null}
      onScroll=${scrolled} onClick=${click}
      onDblClick=${(e) => { const p = placeOf(e); if (p >= 0) store.large.value = order[p]; }}
      onPointerDown=${start} onPointerMove=${drag} onPointerUp=${end} onDragStart=${dragStart}>
    <div class="height" role="presentation" style=${{ height: Math.max(l.scroll, 1) + "px" }}>${lines}</div>
    ${box.value && html`<div class="box" style=${{ left: box.value[0] + "px", top: box.value[1] + "px", width: box.value[2] + "px", height: box.value[3] + "px" }}></div>`}
    ${!order.length && html`<p class="empty">No picture here.</p>`}
  </div>`;
}
