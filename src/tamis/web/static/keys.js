// The keyboard: the same keys in every view.
import * as store from "./store.js";
import { layout, visible } from "./grid.js";

const MOVES = { ArrowRight: 1, ArrowLeft: -1, l: 1, h: -1, L: 1, H: -1 };
const LINES = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, J: 1, K: -1 };

export const HELP = [
  ["← ↓ ↑ → or h j k l", "move"],
  ["Shift with a move", "mark as you go"],
  ["Space", "mark, or unmark"],
  ["Escape", "unmark all; close; back"],
  ["1 to 9 and letters", "give the class that has this key"],
  ["Enter", "accept the answer"],
  ["A", "accept all visible answers that are sure"],
  ["U", "undo, any number of times"],
  ["N", "next unsure picture"],
  ["R", "show the answers that changed"],
  ["/", "find a class by typing"],
  ["+", "make a new class"],
  ["Backspace", "take the class back"],
  ["Z", "show the picture large"],
  ["=", "pictures that look like it"],
  ["*", "in Duplicates: keep this one of its group"],
  ["!", "in Duplicates: this is another picture"],
  ["?", "these keys"],
];

function move(by, extend) {
  const from = store.cursor.value, n = store.order.value.length;
  const to = Math.max(0, Math.min(n - 1, from + by));
  if (extend) {
    const set = new Set(store.marked.value);
    for (let i = Math.min(from, to); i <= Math.max(from, to); i++) set.add(store.order.value[i]);
    store.marked.value = set;
  }
  store.step(to - from);
}

/** @param {KeyboardEvent} event */
export function pressed(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.key === "Escape") {
    if (store.dialog.value) store.dialog.value = "";
    else if (store.large.value !== null) store.large.value = null;
    else if (store.marked.value.size) store.marked.value = new Set();
    else if (store.view.value !== "review") store.back();
    document.getElementById("grid")?.focus();
    return;
  }
  if (store.dialog.value || target.closest("input, select, textarea, dialog")) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const grid = target.id === "grid" || target.id === "app" || target === document.body || store.large.value !== null;
  if ((event.key === "Enter" || event.key === " ") && !grid) return; // a button has it
  const { cols, height, tile } = layout(), page = Math.max(1, Math.floor(height / tile)) * cols;
  const key = event.key;
  const cls = store.state.value.keys.indexOf(key);
  if (key in MOVES) move(MOVES[key], event.shiftKey);
  else if (key in LINES) move(LINES[key] * (store.large.value === null ? cols : 1), event.shiftKey);
  else if (key === "PageDown") move(page, event.shiftKey);
  else if (key === "PageUp") move(-page, event.shiftKey);
  else if (key === "Home") move(-store.order.value.length, event.shiftKey);
  else if (key === "End") move(store.order.value.length, event.shiftKey);
  else if (key === " ") {
    const row = store.order.value[store.cursor.value], set = new Set(store.marked.value);
    if (row !== undefined) set.has(row) ? set.delete(row) : set.add(row);
    store.marked.value = set;
  } else if (cls >= 0) store.giveAndMove(store.state.value.classes[cls]);
  else if (key === "Enter") {
    const several = store.marked.value.size;
    store.accept(store.targets()).catch(store.wrong);
    store.marked.value = new Set();
    if (!several) store.step(1);
  } else if (key === "Backspace" || key === "Delete") store.give(store.targets(), null).catch(store.wrong);
  else if (key === "A" || key === "a") {
    const rows = visible().filter((row) => store.sure(row) && !store.seen(row) && !store.unreadable(row));
    if (rows.length) store.accept(rows).catch(store.wrong);
    else store.say("No visible answer is sure.");
  } else if (key === "U" || key === "u") store.undo();
  else if (key === "N" || key === "n") store.nextUnsure();
  else if ((key === "R" || key === "r") && store.waiting.value) store.takeAnswers(true).catch(store.wrong);
  else if (key === "/") store.dialog.value = "find";
  else if (key === "+") store.dialog.value = "new";
  else if (key === "*" && store.view.value === "duplicates") store.keepThis(store.targets()).catch(store.wrong);
  else if (key === "!" && store.view.value === "duplicates") store.twoPictures(store.targets()).catch(store.wrong);
  else if (key === "=") store.searchBy(store.targets()).catch(store.wrong);
  else if (key === "Z" || key === "z")
    store.large.value = store.large.value === null ? store.order.value[store.cursor.value] ?? null : null;
  else if (key === "?") store.dialog.value = "help";
  else return;
  event.preventDefault();
}
