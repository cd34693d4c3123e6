// Talking to the server: JSON, binary columns, events.

/** Who speaks from this tab; undo takes back its own acts. */
export const client = sessionStorage.getItem("client") ?? crypto.randomUUID();
sessionStorage.setItem("client", client);

/** @param {string} path @param {RequestInit} [options] */
async function ask(path, options) {
  const answer = await fetch("/api/v1" + path, options);
  if (answer.ok) return answer;
  let text = `${answer.status} ${answer.statusText}`;
  try {
    text = (await answer.json()).error ?? text;
  } catch {
    // no JSON: the status says enough
  }
  throw new Error(text);
}

/** @param {string} path */
export const get = async (path) => (await ask(path)).json();
/** @param {string} path */
export const bytes = async (path) => (await ask(path)).arrayBuffer();
/** @param {string} path @param {object} body */
export const post = async (path, body) =>
  (
    await ask(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ client, ...body }),
    })
  ).json();
/** @param {Blob} file @param {Record<string, any>} wanted */
export const upload = async (file, wanted) =>
  (await ask("/search/upload?" + new URLSearchParams(wanted), { method: "POST", body: file })).json();

/** @param {Record<string, (data: any) => void>} handlers */
export function listen(handlers) {
  const source = new EventSource("/api/v1/events");
  for (const [kind, handle] of Object.entries(handlers))
    source.addEventListener(kind, (event) => handle(JSON.parse(/** @type {any} */ (event).data)));
  source.onerror = () => handlers.away?.(null);
  source.onopen = () => handlers.back?.(null);
}
