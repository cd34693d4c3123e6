// Views that are no grid: apply and report.
import { h } from "./vendor/preact.js";
import { useEffect, useState } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";
import { get, post } from "./api.js";
import * as store from "./store.js";

const html = htm.bind(h);
const percent = (share) => `${(100 * share).toFixed(1)} %`;

export function Apply() {
  const settings = store.state.value.settings;
  const [wish, setWish] = useState({ out: settings.out, mode: "copy", unsure: "aside", repeats: "sort" });
  const [plan, setPlan] = useState(/** @type {any} */ (null));
  const [model, setModel] = useState(settings.out.replace(/[^/]*$/, "model.tamis"));
  const [examples, setExamples] = useState(settings.out.replace(/[^/]*$/, "corrected"));
  const change = (name) => (e) => { setWish({ ...wish, [name]: e.currentTarget.value }); setPlan(null); };
  const look = () => post("/plan", wish).then(setPlan).catch(store.wrong);
  const act = (path, body, done) => post(path, body).then(done).catch(store.wrong);
  const run = store.run.value;
  return html`<section class="panel" aria-label="Apply"><h2>Apply</h2>
    <p>The pictures go into a folder per class, as they are shown now. Nothing is overwritten or deleted, and
      <code>tamis undo</code> takes it back.</p>
    <p class="fields"><label>Folder <input value=${wish.out} disabled=${settings.fixed} onInput=${change("out")} /></label>
      <label>Way <select value=${wish.mode} onChange=${change("mode")}><option value="copy">copy</option><option value="hardlink">hard links</option><option value="symlink">symbolic links</option><option value="move">move</option></select></label>
      <label>Unsure pictures <select value=${wish.unsure} onChange=${change("unsure")}><option value="aside">go to _unsure</option><option value="sort">are sorted too</option><option value="leave">stay where they are</option></select></label>
      ${store.groups.value.length > 0 && html`<label>Duplicates <select value=${wish.repeats} onChange=${change("repeats")}><option value="sort">are sorted too</option><option value="aside">go to _duplicates</option><option value="leave">stay where they are</option></select></label>`}</p>
    <p><button onClick=${look}>See the plan</button>
      <button class="main" disabled=${!plan || !!run?.doing} onClick=${() => act("/apply", wish, () => store.say("Begun."))}>Apply</button>
      <button disabled=${!!run?.doing} onClick=${() => act("/apply/undo", { out: wish.out }, () => store.say("Begun."))}>Undo the last run</button></p>
    ${run?.doing && html`<p role="status">${run.doing}: ${run.done} of ${run.of || "?"} <progress value=${run.done} max=${run.of || 1} aria-label="Progress"></progress></p>`}
    ${run?.over && html`<p role="status" class=${run.error ? "bad" : ""}>${run.error ?? `${run.over === "applying" ? "Placed" : "Put back"} ${run.done} files${run.failures?.length ? `; ${run.failures.length} could not be: ${run.failures[0][1]}` : ""}.`}</p>`}
    ${plan && html`<p>${plan.n} files to ${plan.mode}; ${plan.present} in place already; ${plan.left} left where they are${plan.failures.length ? `; ${plan.failures.length} cannot be placed` : ""}.</p>
      <div class="columns"><table><caption>Folders</caption><tbody>${Object.entries(plan.folders).map(([name, n]) => html`<tr><th scope="row">${name}</th><td>${n}</td></tr>`)}</tbody></table>
      <table><caption>The first ${plan.transfers.length}</caption><tbody>${plan.transfers.map((one) => html`<tr><td>${one.from}</td><td>${one.to}</td></tr>`)}</tbody></table></div>`}
    <h2>Keep what was learned</h2>
    <p class="fields"><label>Folder for the corrected pictures <input value=${examples} disabled=${settings.fixed} onInput=${(e) => setExamples(e.currentTarget.value)} /></label>
      <button onClick=${() => act("/examples", { out: examples }, (r) => store.say(`${r.done} pictures are in ${r.out}.`))}>Save as examples</button></p>
    <p class="fields"><label>File of the model <input value=${model} onInput=${(e) => setModel(e.currentTarget.value)} /></label>
      <button onClick=${() => { store.say("The model is being trained …"); act("/model", { file: model }, (r) => store.say(`${r.file}: ${r.classes.length} classes, ${r.n_train} pictures.`)); }}>Save model</button></p>
  </section>`;
}

export function Search() {
  const asked = store.query.value, { cls, least } = store.narrow.value;
  const [words, setWords] = useState(asked?.words ?? "");
  const again = (change) => { store.narrow.value = { ...store.narrow.value, ...change }; if (store.query.value) store.search().catch(store.wrong); };
  const go = (e) => { e.preventDefault(); if (words.trim()) { store.query.value = { words: words.trim() }; store.search().catch(store.wrong); } };
  return html`<form class="title actions" role="search" onSubmit=${go}>
    <input aria-label="Words to search by" placeholder="words, such as: a red fox" value=${words} onInput=${(e) => setWords(e.currentTarget.value)} autocomplete="off" />
    <button>Search</button>
    <label>in <select aria-label="Class of the results" value=${cls} onChange=${(e) => again({ cls: e.currentTarget.value })}><option value="">all classes</option>${store.state.value.classes.map((name) => html`<option value=${name}>${name}</option>`)}</select></label>
    <label>from <select aria-label="Least confidence of the results" value=${least} onChange=${(e) => again({ least: Number(e.currentTarget.value) })}>${[0, 50, 80, 90, 95].map((share) => html`<option value=${share}>${share ? share + " % sure" : "any confidence"}</option>`)}</select></label></form>`;
}

export function Report() {
  const [found, setFound] = useState(/** @type {any} */ (null));
  useEffect(() => { get("/report").then(setFound).catch(store.wrong); }, [store.columns.value]);
  if (!found) return html`<section class="panel"><p>…</p></section>`;
  const rest = found.rest, counts = store.counts.value.total;
  return html`<section class="panel" aria-label="Report"><h2>Promised and kept</h2>
    <p>${counts.all} pictures: ${counts.seen} by a person, ${counts.sure} sure, ${counts.unsure} unsure, ${counts.unlike} unlike all examples, ${counts.bad} cannot be read.</p>
    ${rest && html`<p>Of the ${rest.n} that nobody has corrected, expect <b>${percent(rest.accuracy)}</b> right${rest.interval ? ` (95 % interval ${percent(rest.interval[0])} to ${percent(rest.interval[1])})` : ""}:
      their mean confidence, moved by how far the confidence of ${rest.rests_on} corrected pictures was from what was true.</p>`}
    ${store.state.value.promised && html`<p class="quiet">Sure: ${store.state.value.promised}</p>`}
    <table><caption>Corrected pictures, by the confidence of the answer before</caption><thead><tr><th>Confidence</th><th>Pictures</th><th>Promised</th><th>Kept</th></tr></thead>
      <tbody>${found.bins.map((b) => html`<tr><th scope="row">${percent(b.from)} to ${percent(b.to)}</th><td>${b.n}</td><td>${percent(b.promised)}</td><td>${percent(b.kept)} <span class="quiet">(${percent(b.kept_ci[0])} to ${percent(b.kept_ci[1])})</span></td></tr>`)}</tbody></table>
    ${!found.bins.length && html`<p>Nothing is corrected yet.</p>`}
    ${found.confusions.length > 0 && html`<table><caption>What was taken for what</caption><thead><tr><th>Answered</th><th>Is</th><th>Pictures</th></tr></thead><tbody>${found.confusions.map((one) => html`<tr><td>${one.answered}</td><td>${one.is}</td><td>${one.n}</td></tr>`)}</tbody></table>`}
  </section>`;
}
