/** The page's script. Every text of the machine's is put in as text, and the token stays in this tab. */

export const PAGE_SCRIPT = `"use strict";
const $ = (id) => document.getElementById(id);
let state = null, chosen = null, wanted = null, lines = [], listening = null, again = null, shownFor = null;
const token = () => sessionStorage.getItem("token");
const say = (text) => { $("say").textContent = text; };
const make = (name, text, kind) => {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
async function call(path, body) {
  const headers = { Authorization: "Bearer " + token() };
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), cache: "no-store" });
  const given = await answer.json().catch(() => ({}));
  if (answer.status === 401) leave();
  if (!answer.ok) throw new Error(given.error || "The machine answered " + answer.status + ".");
  return given;
}
const doing = async (path, body) => {
  say("");
  try { await call(path, body || {}); } catch (error) { say(error.message); }
};
function leave() {
  sessionStorage.removeItem("token");
  if (listening) listening.abort();
  $("menu").hidden = true;
  $("login").hidden = false;
  $("token").focus();
}
function pick(id, tell) {
  chosen = id;
  if (tell) { wanted = id; void doing("/v1/select", { id }).then(() => { wanted = null; }); }
  drawSelection();
}
const entryOf = (id) => state.entries.find((entry) => entry.id === id);
function drawList() {
  const list = $("list");
  const keep = list.scrollTop;
  list.replaceChildren(...state.entries.map((entry, at) => {
    const row = make("li", entry.title, entry.bootable ? "" : "not");
    row.id = "e" + at;
    row.dataset.id = entry.id;
    row.setAttribute("role", "option");
    const about = [...entry.submenu, entry.source];
    if (entry.id === state.default) about.unshift("default");
    if (!entry.bootable) about.push("can't be booted");
    row.append(make("small", about.join(" \\u203a ")));
    row.onclick = () => pick(entry.id, true);
    return row;
  }));
  list.scrollTop = keep;
  if (state.entries.length === 0) list.append(make("li", state.scanning ? "The disks are being read." : "Nothing to boot was found."));
  $("devices").replaceChildren(...state.devices.map((device) => {
    const gives = device.sources.length ? device.sources.join(", ") : device.reason || "nothing";
    return make("li", [device.name, device.type, device.label].filter(Boolean).join(" ") + ": " + gives);
  }));
  drawSelection();
}
function drawSelection() {
  if (!entryOf(chosen)) chosen = (entryOf(state.selected) || state.entries[0] || { id: null }).id;
  let current = null;
  for (const row of $("list").children) {
    const is = row.dataset.id !== undefined && row.dataset.id === chosen;
    row.setAttribute("aria-selected", String(is));
    if (is) current = row;
  }
  if (current) { $("list").setAttribute("aria-activedescendant", current.id); current.scrollIntoView({ block: "nearest" }); }
  else $("list").removeAttribute("aria-activedescendant");
  const entry = entryOf(chosen);
  $("boot").disabled = !entry || !entry.bootable;
  if (shownFor === JSON.stringify(entry)) return;
  if (!entry || !shownFor || JSON.parse(shownFor).id !== entry.id) $("options").value = entry ? entry.options : "";
  shownFor = entry && JSON.stringify(entry);
  const facts = !entry ? [] : [["Title", [...entry.submenu, entry.title].join(" \\u203a ")], ["From", entry.source + " (" + entry.type + ")"],
    ["Kernel", entry.linux], ["Initrd", entry.initrd.join(" ")], ["Devicetree", entry.devicetree], ["Id", entry.id],
    ["Why not", entry.reason], ["Password", entry.restricted && "its bootloader asks for one"]];
  $("details").replaceChildren(...facts.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", name), make("dd", value)]));
}
function drawStatus() {
  const { countdown, next, progress, message, machine, title } = state;
  $("title").textContent = title || "Baton";
  document.title = title ? title + " \\u2013 Baton" : "Baton";
  $("machine").textContent = machine.join(" \\u00b7 ");
  const entry = entryOf(state.default);
  const what = next === "boot" ? (entry ? entry.title + " boots" : "the default boots") : next;
  const text = countdown === null ? "" : what + " in " + countdown + " s";
  // A screen reader hears every fifth second.
  $("count").setAttribute("aria-live", countdown !== null && countdown % 5 === 0 ? "polite" : "off");
  $("count").textContent = text;
  $("hold").disabled = countdown === null;
  const work = progress ? progress.title + (progress.detail ? ": " + progress.detail : "") : state.scanning ? "The disks are being read." : "";
  if ($("work").textContent !== work) $("work").textContent = work;
  $("bar").hidden = !progress;
  if (progress && progress.total) $("bar").value = progress.done / progress.total; else $("bar").removeAttribute("value");
  if (message && message !== drawStatus.said) say(message);
  drawStatus.said = message;
}
function drawLog() {
  const log = $("log"), atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  log.textContent = lines.join("\\n");
  if (atEnd) log.scrollTop = log.scrollHeight;
}
async function load() {
  state = await call("/v1/state");
  lines = state.log;
  $("login").hidden = true;
  $("menu").hidden = false;
  drawList(); drawStatus(); drawLog();
}
function heard(kind, data) {
  if (kind === "list") void load().catch((error) => say(error.message));
  else if (kind === "log") { lines = lines.concat(data).slice(-500); drawLog(); }
  else if (kind === "end") say("The menu is closed: the machine goes on.");
  else if (kind === "status" && state) {
    const before = state.selected;
    Object.assign(state, data);
    if (state.selected !== before && wanted === null) { chosen = state.selected; drawSelection(); }
    drawStatus();
  }
}
// EventSource sends no token: the stream is read as one.
async function listen() {
  listening = new AbortController();
  try {
    const answer = await fetch("/v1/events", { headers: { Authorization: "Bearer " + token() }, signal: listening.signal });
    if (answer.status === 401) return leave();
    if (!answer.ok) throw new Error();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const parts = (text + value).split("\\n\\n");
      text = parts.pop();
      for (const part of parts) {
        const [, kind, data] = /^event: (\\w+)\\ndata: (.*)$/s.exec(part) || [];
        if (kind) heard(kind, JSON.parse(data));
      }
    }
  } catch {}
  if (token()) { clearTimeout(again); again = setTimeout(open, 3000); }
}
async function open() {
  try { await load(); } catch (error) {
    say(token() ? "No answer from the machine: " + error.message : error.message);
    if (token()) { clearTimeout(again); again = setTimeout(open, 3000); }
    return;
  }
  say(state.message || "");
  void listen();
}
$("login").onsubmit = (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", $("token").value);
  $("token").value = "";
  open().then(() => { if (token()) $("list").focus(); });
};
$("list").onkeydown = (event) => {
  const at = state.entries.findIndex((entry) => entry.id === chosen), last = state.entries.length - 1;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last, PageDown: at + 10, PageUp: at - 10 }[event.key];
  if (event.key === "Enter") { event.preventDefault(); if (!$("boot").disabled) $("boot").focus(); }
  if (to === undefined || last < 0) return;
  event.preventDefault();
  pick(state.entries[Math.max(0, Math.min(last, to))].id, true);
};
$("go").onsubmit = (event) => {
  event.preventDefault();
  const entry = entryOf(chosen), body = { id: entry.id };
  // A box shows a line's blanks as they are: what was not changed is not sent.
  if ($("options").value !== entry.options) body.options = $("options").value.replace(/[\\r\\n]+/g, " ");
  if ($("password").value) body.password = $("password").value;
  if ($("user").value) body.user = $("user").value;
  $("password").value = "";
  void doing("/v1/boot", body);
};
$("hold").onclick = () => void doing("/v1/hold");
$("rescan").onclick = () => void doing("/v1/rescan");
$("reboot").onclick = () => { if (confirm("Reboot this machine?")) void doing("/v1/reboot"); };
$("off").onclick = () => { if (confirm("Power this machine off?")) void doing("/v1/power-off"); };
if (token()) void open(); else $("token").focus();
`;
