// What opens over the grid: the large view, the keys, finding and making a class.
import { h } from "./vendor/preact.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";
import { get } from "./api.js";
import { HELP } from "./keys.js";
import * as store from "./store.js";

const html = htm.bind(h);
const close = () => {
  store.dialog.value = "";
  document.getElementById("grid")?.focus();
};
const percent = (share) => `${(100 * share).toFixed(1)} %`;

function Modal({ label, children }) {
  const ref = useRef(/** @type {any} */ (null));
  useEffect(() => ref.current.showModal(), []);
  return html`<dialog ref=${ref} aria-label=${label} onClose=${close}>${children}</dialog>`;
}

function Help() {
  return html`<${Modal} label="Keys"><h2>Keys</h2>
    <table><tbody>${HELP.map(([key, what]) => html`<tr><th scope="row">${key}</th><td>${what}</td></tr>`)}</tbody></table>
    <p>Click, drag over empty space, or drag tiles onto a class. Drop or paste a picture to search by it.
    <a href="/api">The API</a> does all of this for a script.</p>
    <form method="dialog"><button>Close</button></form><//>`;
}

function Find() {
  const [text, setText] = useState("");
  const classes = store.state.value.classes;
  const low = text.toLowerCase();
  const found = classes.filter((name) => name.toLowerCase().includes(low))
    .sort((a, b) => Number(b.toLowerCase().startsWith(low)) - Number(a.toLowerCase().startsWith(low)) || a.length - b.length);
  const take = (name) => { close(); if (name) store.giveAndMove(name); };
  return html`<${Modal} label="Find a class"><h2>Give a class</h2>
    <form onSubmit=${(e) => { e.preventDefault(); take(found[0]); }}>
      <input aria-label="Name of the class" autofocus value=${text} onInput=${(e) => setText(e.currentTarget.value)} autocomplete="off" />
      <ul class="choices">${found.slice(0, 12).map((name, i) => html`<li><button type="button" class=${i ? "" : "first"} onClick=${() => take(name)}>${name}</button></li>`)}</ul>
      ${!found.length && html`<p>No class of that name. + makes one.</p>`}
    </form><//>`;
}

function New() {
  const [text, setText] = useState("");
  const make = (e) => { e.preventDefault(); const name = text.trim(); close(); if (name) store.giveAndMove(name); };
  return html`<${Modal} label="New class"><h2>New class</h2>
    <form onSubmit=${make}>
      <p>The marked pictures, or the one under the cursor, become its first examples.</p>
      <input aria-label="Name of the new class" autofocus maxlength="200" value=${text} onInput=${(e) => setText(e.currentTarget.value)} autocomplete="off" />
      <button>Make</button> <button type="button" onClick=${close}>Cancel</button>
    </form><//>`;
}

function Strip({ heading, rows }) {
  if (!rows?.length) return null;
  return html`<h3>${heading}</h3><ul class="strip">${rows.map((one) => html`<li key=${one.row}>
    <img src=${store.thumb(one.row)} alt=${one.name} title=${one.name} />
    <span>${one.class ?? ""}</span><span class="quiet">${one.distance.toFixed(3)}</span></li>`)}</ul>`;
}

export function Large() {
  const row = store.large.value;
  const [about, setAbout] = useState(/** @type {any} */ (null));
  store.version.value;
  useEffect(() => {
    let here = true;
    setAbout(null);
    get(`/pictures/${row}`).then((found) => here && setAbout(found)).catch(store.wrong);
    return () => { here = false; };
  }, [row, store.columns.value]);
  const cls = store.classOf(row ?? 0);
  return html`<section class="large" aria-label="One picture">
    <div class="picture"><img src=${store.thumb(row, "large")} alt=${about?.name ?? "the picture"} /></div>
    <div class="facts">
      <p><button onClick=${() => (store.large.value = null)}>Back to the grid</button>
        <button onClick=${() => store.searchBy([row]).catch(store.wrong)}>Look-alikes</button></p>
      <h2>${about?.name ?? "…"}</h2>
      <p>${store.seen(row) ? "A person says" : "Answer"}: <b>${store.state.value.classes[cls] ?? "none yet"}</b>
        ${about?.answered?.class && html`<span class="quiet"> (answered ${about.answered.class}, ${percent(about.answered.confidence)})</span>`}
        ${store.unlike(row) && html`<span class="badge">unlike all examples</span>`}</p>
      ${about?.reason && html`<p class="bad">${about.reason}</p>`}
      ${about && html`<table class="shares"><caption>Probabilities</caption><tbody>${about.classes.map((one) => html`<tr><th scope="row">${one.class}</th>
        <td><span class="bar"><span style=${{ width: 100 * one.probability + "%" }}></span></span></td><td>${percent(one.probability)}</td></tr>`)}</tbody></table>
        <${Strip} heading="Nearest examples and corrections" rows=${about.neighbours} />
        <${Strip} heading="Look-alikes" rows=${about.alike} />
        <p class="quiet">${[about.width && `${about.width} × ${about.height} ${about.format}`, about.bytes && `${(about.bytes / 1000).toFixed(1)} kB`, about.taken ?? about.time, about.camera].filter(Boolean).join(" · ")}</p>`}
    </div></section>`;
}

export function Dialogs() {
  const open = store.dialog.value;
  if (open === "help") return html`<${Help} />`;
  if (open === "find") return html`<${Find} />`;
  if (open === "new") return html`<${New} />`;
  return null;
}
