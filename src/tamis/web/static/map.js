// The map: a canvas of all pictures, dots from afar and thumbnails when near.
import { h } from "./vendor/preact.js";
import { useEffect, useRef } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";
import * as store from "./store.js";

const html = htm.bind(h);
const NEAR = 34; // px between pictures from which thumbnails are drawn
const MOST = 400; // thumbnails at a time
const images = new Map();

/** A colour for each class, far apart for neighbours. */
const hue = (cls) => (cls * 137.508) % 360;
function rgb(cls) {
  const a = 0.62, f = (n) => { const k = (n + hue(cls) / 30) % 12; return Math.round(255 * (0.55 - 0.32 * Math.max(-1, Math.min(k - 3, 9 - k, 1)) * a * 1.6)); };
  return [f(0), f(8), f(4)];
}

function image(row, drawn) {
  let one = images.get(row);
  if (!one) {
    one = new Image();
    one.onload = drawn;
    one.src = store.thumb(row);
    if (images.size > 3 * MOST) images.delete(images.keys().next().value);
    images.set(row, one);
  }
  return one.complete && one.naturalWidth ? one : null;
}

export function Plane() {
  const ref = useRef(/** @type {any} */ (null));
  const at = useRef({ x: 0.5, y: 0.5, zoom: 0.92, drag: /** @type {any} */ (null), lasso: /** @type {number[][] | null} */ (null), wish: 0 });
  const spots = store.spots.value;
  store.version.value;

  /** Where pictures are: at (left + side * x, top + side * y), computed once and not per picture. */
  const frame = () => {
    const v = at.current, w = ref.current.clientWidth, hgt = ref.current.clientHeight;
    const side = Math.min(w, hgt) * v.zoom;
    return { w, hgt, side, left: w / 2 - v.x * side, top: hgt / 2 - v.y * side };
  };
  const draw = () => {
    at.current.wish = 0;
    const canvas = ref.current;
    if (!canvas) return;
    const scale = devicePixelRatio || 1, { w, hgt, side, left, top } = frame();
    if (canvas.width !== Math.round(w * scale)) canvas.width = Math.round(w * scale);
    if (canvas.height !== Math.round(hgt * scale)) canvas.height = Math.round(hgt * scale);
    const pen = canvas.getContext("2d");
    const n = spots.length / 2;
    const inside = [];
    const pixels = pen.createImageData(canvas.width, canvas.height), data = new Uint32Array(pixels.data.buffer);
    const dot = Math.max(1, Math.round(scale * Math.min(5, 1.2 + at.current.zoom)));
    const palette = store.state.value.classes.map((_, cls) => { const [r, g, b] = rgb(cls); return (255 << 24) | (b << 16) | (g << 8) | r; });
    for (let row = 0; row < n; row++) {
      const x = left + side * spots[2 * row], y = top + side * spots[2 * row + 1];
      if (!(x > -60 && y > -60 && x < w + 60 && y < hgt + 60)) continue;
      inside.push(row);
      const px = Math.round(x * scale), py = Math.round(y * scale), color = palette[store.classOf(row)] ?? 0xff888888;
      for (let dy = 0; dy < dot; dy++) for (let dx = 0; dx < dot; dx++) {
        const cx = px + dx, cy = py + dy;
        if (cx >= 0 && cy >= 0 && cx < canvas.width && cy < canvas.height) data[cy * canvas.width + cx] = color;
      }
    }
    pen.putImageData(pixels, 0, 0);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    const area = Math.max(1, w * hgt), gap = Math.sqrt(area / Math.max(1, inside.length));
    if (inside.length <= MOST || gap > NEAR) {
      const tile = Math.max(22, Math.min(96, gap * 0.9, side / 12));
      for (const row of inside.slice(0, MOST)) {
        const picture = image(row, ask);
        if (!picture) continue;
        const x = left + side * spots[2 * row], y = top + side * spots[2 * row + 1];
        const r = tile / Math.max(picture.naturalWidth, picture.naturalHeight);
        const pw = picture.naturalWidth * r, ph = picture.naturalHeight * r;
        pen.drawImage(picture, x - pw / 2, y - ph / 2, pw, ph);
        pen.strokeStyle = `rgb(${rgb(store.classOf(row)).join(" ")})`;
        pen.lineWidth = 2;
        pen.strokeRect(x - pw / 2, y - ph / 2, pw, ph);
      }
    }
    pen.strokeStyle = getComputedStyle(canvas).getPropertyValue("--mark");
    pen.lineWidth = 3;
    for (const row of [...store.marked.value, store.order.value[store.cursor.value]]) {
      if (row === undefined || row >= n) continue;
      pen.beginPath();
      pen.arc(left + side * spots[2 * row], top + side * spots[2 * row + 1], row === store.order.value[store.cursor.value] ? 9 : 6, 0, 7);
      pen.stroke();
    }
    if (at.current.lasso) {
      pen.beginPath();
      at.current.lasso.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.stroke();
    }
  };
  const ask = () => { if (!at.current.wish) at.current.wish = requestAnimationFrame(draw); };
  useEffect(() => {
    const watch = new ResizeObserver(ask);
    watch.observe(ref.current);
    ref.current.focus();
    return () => watch.disconnect();
  }, [spots]);
  useEffect(ask);

  const nearest = (x, y) => {
    const { side, left, top } = frame();
    let best = -1, least = 20 * 20;
    for (let row = 0; row < spots.length / 2; row++) {
      const away = (left + side * spots[2 * row] - x) ** 2 + (top + side * spots[2 * row + 1] - y) ** 2;
      if (away < least) { best = row; least = away; }
    }
    return best;
  };
  const inLasso = (lasso) => {
    const set = new Set(), { side, left, top } = frame();
    for (let row = 0; row < spots.length / 2; row++) {
      const x = left + side * spots[2 * row], y = top + side * spots[2 * row + 1];
      let odd = false;
      for (let i = 0, j = lasso.length - 1; i < lasso.length; j = i++) {
        const [ax, ay] = lasso[i], [bx, by] = lasso[j];
        if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
      }
      if (odd) set.add(row);
    }
    return set;
  };
  const down = (e) => {
    ref.current.focus();
    ref.current.setPointerCapture(e.pointerId);
    at.current.drag = { x: e.offsetX, y: e.offsetY, far: false };
    at.current.lasso = e.shiftKey ? [[e.offsetX, e.offsetY]] : null;
  };
  const moveTo = (e) => {
    const v = at.current;
    if (!v.drag) return;
    const dx = e.offsetX - v.drag.x, dy = e.offsetY - v.drag.y;
    if (Math.abs(dx) + Math.abs(dy) > 4) v.drag.far = true;
    if (v.lasso) v.lasso.push([e.offsetX, e.offsetY]);
    else if (v.drag.far) {
      const { side } = frame();
      v.x -= dx / side; v.y -= dy / side;
      v.drag.x = e.offsetX; v.drag.y = e.offsetY;
    }
    ask();
  };
  const up = (e) => {
    const v = at.current;
    if (v.lasso) {
      store.marked.value = inLasso(v.lasso);
      store.say(`${store.marked.value.size} marked. A key gives them a class.`);
    } else if (v.drag && !v.drag.far) {
      const row = nearest(e.offsetX, e.offsetY), place = store.order.value.indexOf(row);
      if (place >= 0) { store.cursor.value = place; store.marked.value = new Set(); }
    }
    v.drag = v.lasso = null;
    ask();
  };
  const wheel = (e) => {
    e.preventDefault();
    zoomAt(Math.exp(-e.deltaY / 500), e.offsetX, e.offsetY);
  };
  const zoomAt = (by, x, y) => {
    const v = at.current, w = ref.current.clientWidth, hgt = ref.current.clientHeight, side = Math.min(w, hgt);
    const before = side * v.zoom, zoom = Math.max(0.5, Math.min(80, v.zoom * by)), after = side * zoom;
    v.x += (x - w / 2) * (1 / before - 1 / after);
    v.y += (y - hgt / 2) * (1 / before - 1 / after);
    v.zoom = zoom;
    ask();
  };
  const middle = (by) => () => zoomAt(by, ref.current.clientWidth / 2, ref.current.clientHeight / 2);
  return html`<canvas id="grid" class="plane" ref=${ref} tabindex="0" role="img" aria-label="Map of all pictures: like pictures are near each other"
      onPointerDown=${down} onPointerMove=${moveTo} onPointerUp=${up} onWheel=${wheel}
      onDblClick=${(e) => { const row = nearest(e.offsetX, e.offsetY); if (row >= 0) store.large.value = row; }}></canvas>
    <div class="zoom" role="group" aria-label="Zoom"><button aria-label="Nearer" onClick=${middle(1.5)}>+</button><button aria-label="Farther" onClick=${middle(1 / 1.5)}>−</button></div>`;
}
