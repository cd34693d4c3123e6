// The page: classes at the left, the grid, and what opens over it.
import { h, render } from "./vendor/preact.js";
import { useEffect } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";
import { listen, post } from "./api.js";
import { Dialogs, Large } from "./dialogs.js";
import { Grid } from "./grid.js";
import { Plane } from "./map.js";
import { pressed } from "./keys.js";
import { Apply, Report, Search } from "./panels.js";
import * as store from "./store.js";

const html = htm.bind(h);
const KINDS = [["all", "All"], ["unsure", "Unsure"], ["sure", "Sure"], ["seen", "By a person"], ["unlike", "Unlike any"], ["bad", "Unreadable"]];
const ORDERS = [["unsure", "least certain first"], ["name", "by name"], ["time", "by time"], ["likeness", "by likeness"]];

function Classes() {
  const { classes, keys } = store.state.value, { by, total } = store.counts.value;
  const now = store.filter.value, review = store.view.value === "review";
  const drop = (name) => (e) => { e.preventDefault(); e.stopPropagation(); e.currentTarget.classList.remove("over"); store.give(store.targets(), name).then(() => (store.marked.value = new Set())).catch(store.wrong); };
  const over = (e) => { if (e.dataTransfer.types.includes("text/plain")) { e.preventDefault(); e.currentTarget.classList.add("over"); } };
  const key = (name, old) => () => {
    const wanted = prompt(`Key for ${name} (one of ${store.state.value.key_choices})`, old);
    if (wanted) post("/classes", { name, key: wanted }).catch(store.wrong);
  };
  return html`<nav class="classes" aria-label="Classes">
    <ul class="kinds">${KINDS.filter(([kind]) => kind !== "bad" || total.bad).map(([kind, text]) => html`<li><button aria-pressed=${review && now.kind === kind && now.cls < 0} onClick=${() => store.setFilter(-1, kind)}><span>${text}</span><b>${total[kind]}</b></button></li>`)}
    ${now.kind === "changed" && html`<li><button aria-pressed="true"><span>Changed</span><b>${store.order.value.length}</b></button></li>`}</ul>
    <ul>${classes.map((name, cls) => html`<li key=${name} onDragOver=${over} onDragLeave=${(e) => e.currentTarget.classList.remove("over")} onDrop=${drop(name)}>
      <button aria-pressed=${review && now.cls === cls} title=${`${by.unsure[cls]} unsure, ${by.seen[cls]} by a person, ${by.unlike[cls]} unlike any`} onClick=${() => store.setFilter(cls, "all")}>
        <span>${name}</span><small>${by.unsure[cls] ? `${by.unsure[cls]} unsure` : ""}</small><b>${by.all[cls]}</b></button>
      <button class="key" aria-label=${`Key of ${name}: ${keys[cls] || "none"}`} onClick=${key(name, keys[cls])}>${keys[cls] || "·"}</button></li>`)}</ul>
    <p><button onClick=${() => (store.dialog.value = "new")}>+ New class</button></p></nav>`;
}

function phaseText() {
  const { doing, done, of, error } = store.state.value.phase;
  if (doing === "failed") return error;
  if (doing === "describing") return `looking at pictures: ${done} of ${of}`;
  if (doing === "learning") return "learning from the examples";
  if (doing === "opening") return "opening";
  return store.busy.value ? "weighing the classifiers on all examples" : "";
}

function Header() {
  const view = store.view.value, to = (name) => () => { store.turnTo(name); if (name === "review") store.arrange(); };
  const tab = (name, text, act = to(name)) => html`<button aria-pressed=${view === name} onClick=${act}>${text}</button>`;
  const later = (act) => () => act().catch(store.wrong);
  return html`<header><h1>tamis</h1><div class="views" role="group" aria-label="Views">
      ${tab("review", "Review")}${tab("ask", "Ask me", later(store.askMe))}${tab("suspects", "Suspects", later(store.showSuspects))}
      ${tab("search", "Search", later(store.search))}${tab("duplicates", "Duplicates", later(store.showDuplicates))}${tab("map", "Map", later(store.showMap))}${tab("report", "Report")}${tab("apply", "Apply")}</div>
    <label class="order">Order <select value=${store.orderBy.value} onChange=${(e) => { store.orderBy.value = e.currentTarget.value; store.view.value = "review"; store.reorder().catch(store.wrong); e.currentTarget.blur(); }}>${ORDERS.map(([value, text]) => html`<option value=${value}>${text}</option>`)}</select></label>
    <button onClick=${() => (store.dialog.value = "help")} aria-label="Keys">?</button></header>`;
}

/** Do what a key does, for those who have none. */
const press = (key) => document.getElementById("app")?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));

function Status() {
  const waiting = store.waiting.value, phase = phaseText(), { text, bad } = store.message.value;
  const marked = store.marked.value.size;
  return html`<footer><span role="status" aria-live="polite" class=${bad ? "bad" : ""}>${store.saving.value ? "Saving …" : text}</span>
    ${marked > 0 && html`<span>${marked} marked</span>`}
    ${phase && html`<span class=${store.state.value.phase.doing === "failed" ? "bad" : "quiet"}>${phase}</span>`}
    ${!store.connected.value && html`<span class="bad">the server is away; nothing can be saved</span>`}
    ${waiting && html`<button class="main" onClick=${() => store.takeAnswers(true).catch(store.wrong)}>${waiting.changed} answer${waiting.changed === 1 ? "" : "s"} changed: show (R)</button>`}
    <span class="touch" role="group" aria-label="Actions"><button onClick=${() => press("Enter")}>Accept</button><button onClick=${() => (store.dialog.value = "find")}>Class …</button><button onClick=${() => press(" ")}>Mark</button><button onClick=${() => press("z")}>Large</button><button onClick=${store.undo}>Undo</button></span>
    <span class="quiet">${store.order.value.length ? `${store.cursor.value + 1} of ${store.order.value.length}` : ""}</span></footer>`;
}

function Page() {
  useEffect(() => {
    document.addEventListener("keydown", pressed);
    document.addEventListener("paste", (e) => { const file = e.clipboardData?.files[0]; if (file) store.searchFile(file).catch(store.wrong); });
    document.addEventListener("dragover", (e) => e.preventDefault());
    document.addEventListener("drop", (e) => { e.preventDefault(); const file = e.dataTransfer?.files[0]; if (file) store.searchFile(file).catch(store.wrong); });
  }, []);
  const view = store.view.value, panel = view === "apply" ? html`<${Apply} />` : view === "report" ? html`<${Report} />` : null;
  return html`<${Header} /><${Classes} /><main>
    ${store.title.value && html`<p class="title">${store.title.value} <button onClick=${store.back}>Back</button></p>`}
    ${view === "search" && html`<${Search} />`}
    ${view === "duplicates" && html`<p class="title actions"><button onClick=${() => store.keepThis(store.targets()).catch(store.wrong)}>Keep this one (*)</button>
      <button onClick=${() => store.twoPictures(store.targets()).catch(store.wrong)}>Another picture (!)</button></p>`}
    ${panel ?? html`<div class="stage">${store.large.value !== null ? html`<${Large} key="large" />` : view === "map" ? html`<${Plane} key="map" />` : html`<${Grid} key="grid" />`}</div>`}</main><${Status} /><${Dialogs} />`;
}

let pending = 0;
listen({
  hello: (told) => { store.connected.value = true; store.state.value = { ...store.state.value, ...told }; if (store.columns.value.n) store.compareWaiting(told.revision).catch(store.wrong); },
  labels: store.heard,
  classes: ({ classes, keys }) => (store.state.value = { ...store.state.value, classes, keys }),
  phase: (phase) => (store.state.value = { ...store.state.value, phase }),
  answers: ({ revision, sure_from, promised }) => {
    store.state.value = { ...store.state.value, revision, sure_from, promised };
    clearTimeout(pending);
    pending = setTimeout(() => store.compareWaiting(revision).catch(store.wrong), 200);
    if (store.view.value === "map" && !store.spots.value.length) store.showMap().catch(store.wrong);
  },
  relearning: ({ busy }) => (store.busy.value = busy),
  looking: ({ what, done, of }) => store.view.value === "duplicates" && (store.title.value = `Looking for pictures that are there again: ${what}, ${done} of ${of}`),
  duplicates: () => store.view.value === "duplicates" && store.showDuplicates().catch(store.wrong),
  map: () => store.view.value === "map" && store.showMap().catch(store.wrong),
  run: (run) => (store.run.value = run),
  away: () => (store.connected.value = false),
  back: () => (store.connected.value = true),
});
store.load().catch(store.wrong);
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.replaceChildren();
render(html`<${Page} />`, root);
