"use strict";

// The page asks the API once a second. It writes only text nodes and attributes, never markup,
// because names in the configuration and messages of the server are not trusted here.

// The origin leaves out a name and password in the address of the page, which requests must not contain.
const API = location.origin + "/api/9/";
const OWN = location.origin + "/api/weir/";
const HISTORY = 60; // seconds of a chart

const $ = (id) => document.getElementById(id);

// make returns an element with properties and children.
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// draw returns an SVG element with attributes and children.
function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const number = (n) => (n ?? 0).toLocaleString("en");

function scaled(n, unit, step, prefixes) {
  let i = 0;
  while (Math.abs(n) >= step && i < prefixes.length - 1) [n, i] = [n / step, i + 1];
  return (i === 0 || n >= 100 ? n.toFixed(0) : n.toFixed(1)) + " " + prefixes[i] + unit;
}

const bytes = (n) => scaled(n ?? 0, "B", 1024, ["", "Ki", "Mi", "Gi", "Ti", "Pi"]);
const percent = (part) => (100 * part).toFixed(1) + " %";

function duration(milliseconds) {
  const s = Math.max(0, Math.floor(milliseconds / 1000));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 86400) return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
  return Math.floor(s / 86400) + " d " + Math.floor((s % 86400) / 3600) + " h";
}

// Rates turns counters into values per second and keeps the last minute of each.
class Rates {
  constructor() {
    this.series = new Map();
  }

  // note records the counter at the time, in milliseconds, and returns its rate.
  note(key, counter, time) {
    const s = this.series.get(key) ?? { counter, time, points: [], rate: 0 };
    this.series.set(key, s);
    if (time > s.time) {
      s.rate = Math.max(0, counter - s.counter) / ((time - s.time) / 1000);
      s.points.push(s.rate);
      if (s.points.length > HISTORY) s.points.shift();
    }
    [s.counter, s.time, s.seen] = [counter, time, time];
    return s.rate;
  }

  points(key) {
    return this.series.get(key)?.points ?? [];
  }

  // forget removes the series that have not been noted since the time.
  forget(time) {
    for (const [key, s] of this.series) if (s.seen < time) this.series.delete(key);
  }
}

const rates = new Rates();

// A Spark is a small chart of a rate.
class Spark {
  constructor(label) {
    this.line = draw("polyline", { points: "" });
    this.element = draw("svg", { class: "spark", viewBox: "0 0 84 22", role: "img", "aria-label": label }, this.line);
  }

  update(points) {
    const top = Math.max(1, ...points);
    const at = (p, i) => ((i + HISTORY - points.length) * 84) / (HISTORY - 1) + "," + (20 - (18 * p) / top).toFixed(1);
    this.line.setAttribute("points", points.map(at).join(" "));
  }
}

// A Share shows the share of the ring above the share of the sessions.
class Share {
  constructor() {
    this.ring = draw("rect", { class: "ring", y: 2, height: 5 });
    this.sessions = draw("rect", { class: "sessions", y: 10, height: 5 });
    this.title = draw("title");
    this.element = draw("svg", { class: "share", viewBox: "0 0 96 18", role: "img" }, this.title, this.ring, this.sessions);
  }

  update(ring, sessions) {
    this.ring.setAttribute("width", (96 * (ring ?? 0)).toFixed(1));
    this.sessions.setAttribute("width", (96 * sessions).toFixed(1));
    const text = (ring === undefined ? "no ring" : percent(ring) + " of the ring") + ", " + percent(sessions) + " of the sessions";
    setText(this.title, text);
    this.element.setAttribute("aria-label", text);
  }
}

// A Table keeps one row for each key, so that a row in use is not replaced under the pointer.
// columns is a list of [title, create, update]: create(key) returns what the update of the cell
// needs, update(cell, item, made) fills it. A title that starts with "<" aligns left.
class Table {
  constructor(columns) {
    this.columns = columns;
    this.rows = new Map();
    this.body = make("tbody");
    const head = columns.map(([title]) =>
      make("th", { textContent: title.replace("<", ""), scope: "col", className: title.startsWith("<") ? "left" : "" }));
    this.element = make("div", { className: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, ...head)), this.body));
  }

  update(items) {
    this.element.hidden = items.size === 0;
    for (const [key, row] of this.rows) {
      if (!items.has(key)) {
        row.element.remove();
        this.rows.delete(key);
      }
    }
    for (const [key, item] of items) this.row(key).update(item);
  }

  row(key) {
    if (this.rows.has(key)) return this.rows.get(key);
    const cells = this.columns.map(([title]) => make("td", { className: title.startsWith("<") ? "left" : "" }));
    const made = this.columns.map(([, create], i) => {
      const part = create?.(key);
      if (part) cells[i].append(part.element ?? part);
      return part;
    });
    const row = {
      element: make("tr", {}, ...cells),
      update: (item) => this.columns.forEach(([, , update], i) => update?.(cells[i], item, made[i])),
    };
    row.element.dataset.key = key;
    this.rows.set(key, row);
    this.body.append(row.element);
    return row;
  }
}

const text = (title, value) => [title, undefined, (cell, item) => setText(cell, value(item))];
const spark = (title, label, points) => [title, () => new Spark(label), (_, item, chart) => chart.update(points(item))];

// get returns the JSON at the path, or undefined if there is no such object.
async function get(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(response.status + " " + response.statusText);
  return response.json();
}

// send changes something, and returns nothing or the text of the error.
async function send(method, path, body) {
  const response = await fetch(path, { method, body: body && JSON.stringify(body) });
  if (response.ok) return "";
  const answer = await response.json().catch(() => undefined);
  return answer?.error?.text ?? response.status + " " + response.statusText;
}

// isWritable asks without changing anything: there is no such server.
async function isWritable() {
  const response = await fetch(API + "http/upstreams/DASHBOARD_INIT/servers/__TEST_FOR_WRITE__/", { method: "DELETE" });
  return response.status !== 405 && response.status !== 403 && response.status !== 401;
}

// A Group shows one upstream.
class Group {
  constructor(name, writable) {
    this.name = name;
    this.servers = "upstreams/" + encodeURIComponent(name) + "/servers/";
    this.summary = make("small");
    this.message = make("p", { className: "message" });
    this.message.setAttribute("role", "status");
    this.peers = new Map();
    this.table = new Table(this.columns(writable));
    this.element = make("div", {}, make("h3", {}, name, this.summary), this.table.element);
    this.element.dataset.upstream = name;
    if (writable) this.element.append(this.addForm());
    this.element.append(this.message);
  }

  columns(writable) {
    const key = (peer) => this.name + "/" + peer.id;
    const columns = [
      text("broker", (p) => p.server),
      ["<state", () => make("span"), (_, p, span) => {
        setText(span, p.state + (p.backup ? ", backup" : ""));
        span.className = "state " + p.state;
      }],
      text("sessions", (p) => number(p.active) + (p.max_conns ? " of " + number(p.max_conns) : "")),
      ["<ring / sessions", () => new Share(), (_, p, share) => share.update(this.ring?.[p.id], this.sum ? p.active / this.sum : 0)],
      text("new / s", (p) => rates.note(key(p) + "/new", p.connections, this.time).toFixed(1)),
      spark("<last minute", "new sessions a second", (p) => rates.points(key(p) + "/new")),
      text("in / s", (p) => bytes(rates.note(key(p) + "/in", p.received, this.time))),
      text("out / s", (p) => bytes(rates.note(key(p) + "/out", p.sent, this.time))),
      text("connect", (p) => (p.connect_time === undefined ? "–" : p.connect_time + " ms")),
      text("fails", (p) => number(p.fails)),
      text("checks", (p) => (p.health_checks.checks ? number(p.health_checks.fails) + " of " + number(p.health_checks.checks) + " failed" : "–")),
    ];
    columns.push(writable ? ["<weight", (id) => this.actions(id), (_, p, actions) => actions.update(p)] : text("weight", (p) => number(p.weight)));
    return columns;
  }

  // actions returns the controls of one server.
  actions(id) {
    const toggle = make("button", { type: "button", className: "toggle" });
    const drain = make("button", { type: "button", className: "drain" });
    const rate = make("input", { type: "number", min: 1, max: 1e6, className: "rate", placeholder: "/ s",
      title: "sessions to end per second; empty keeps them" });
    rate.setAttribute("aria-label", "Sessions to end per second, empty to keep them");
    const weight = make("input", { type: "number", min: 1, title: "weight" });
    weight.setAttribute("aria-label", "Weight");
    const remove = make("button", { type: "button", textContent: "remove" });
    toggle.onclick = () => this.act("PATCH", id, { down: this.peers.get(id).state !== "down" });
    drain.onclick = () => {
      const drains = drain.textContent === "drain";
      this.act("PATCH", id, drains && rate.value ? { drain: true, rate: Number(rate.value) } : { drain: drains }, OWN);
    };
    weight.onchange = () => this.act("PATCH", id, { weight: Number(weight.value) });
    remove.onclick = () => {
      if (confirm("Remove " + this.peers.get(id).server + " from " + this.name + "?")) this.act("DELETE", id);
    };
    return {
      element: make("span", {}, weight, " ", toggle, " ", drain, " ", rate, " ", remove),
      update: (peer) => {
        setText(drain, this.drained.has(peer.id) ? "use" : "drain");
        setText(toggle, peer.state === "down" ? "up" : "down");
        if (document.activeElement !== weight) weight.value = peer.weight;
      },
    };
  }

  addForm() {
    const server = make("input", { placeholder: "192.0.2.14:1883", required: true });
    server.setAttribute("aria-label", "Address of the new server");
    const form = make("form", { className: "add" }, server, make("button", { textContent: "add" }));
    form.onsubmit = async (event) => {
      event.preventDefault();
      if (await this.act("POST", "", { server: server.value })) server.value = "";
    };
    return form;
  }

  // act changes the group in one of the trees, shows the outcome, and reports success.
  async act(method, id, body, tree = API + "stream/") {
    let problem;
    try {
      problem = await send(method, tree + this.servers + id, body);
    } catch (error) {
      problem = error.message;
    }
    setText(this.message, problem || "done");
    this.message.classList.toggle("failed", problem !== "");
    refresh();
    return problem === "";
  }

  // drained is the set of the servers that are drained.
  update(upstream, ring, drained, time) {
    this.time = time;
    this.drained = drained;
    this.ring = ring && Object.fromEntries(Object.entries(ring.shares).map(([id, millionths]) => [id, millionths / 1e6]));
    this.peers = new Map(upstream.peers.map((p) => [String(p.id), p]));
    this.sum = upstream.peers.reduce((sum, p) => sum + p.active, 0);
    const up = upstream.peers.filter((p) => p.state === "up").length;
    setText(this.summary, `${up} of ${upstream.peers.length} up, ${number(this.sum)} sessions` +
      (upstream.zombies ? `, ${number(upstream.zombies)} removed with sessions` : ""));
    this.table.update(this.peers);
  }
}

const entries = (object) => new Map(Object.entries(object ?? {}).map(([name, value]) => [name, { name, ...value }]));

// showTable fills the table of a section, which is hidden while it has no rows.
function showTable(id, columns, items) {
  const section = $(id);
  section.hidden = items.size === 0;
  if (section.hidden) return;
  if (!section.table) {
    section.table = new Table(columns);
    section.append(section.table.element);
  }
  section.table.update(items);
}

// endingColumns show how far the endings of sessions have come.
const endingColumns = (time) => [
  text("broker", (e) => e.server ?? "old configurations"),
  text("<upstream", (e) => e.upstream ?? ""),
  text("<reason", (e) => ({ broker_drained: "drained", broker_removed: "removed" })[e.reason] ?? "shutdown timeout"),
  text("sessions left", (e) => number(e.sessions)),
  text("limit", (e) => (e.rate ? number(e.rate) + " / s" : "–")),
  text("ended / s", (e) => rates.note("ending/" + e.key, -e.sessions, time()).toFixed(1)),
  text("time left", (e) => timeLeft(e, rates.points("ending/" + e.key).slice(-10))),
];

// timeLeft estimates the rest of an ending by its last seconds.
function timeLeft(e, points) {
  if (e.sessions === 0) return "done";
  const mean = points.reduce((sum, p) => sum + p, 0) / points.length;
  return mean > 0 ? "about " + duration((1000 * e.sessions) / mean) : "–";
}

const zoneColumns = (time) => [
  text("zone", (z) => z.name),
  text("sessions", (z) => number(z.processing)),
  text("accepted", (z) => number(z.connections)),
  text("new / s", (z) => rates.note("zone/" + z.name, z.connections, time()).toFixed(1)),
  spark("<last minute", "connections a second", (z) => rates.points("zone/" + z.name)),
  text("2xx", (z) => number(z.sessions["2xx"])),
  text("4xx", (z) => number(z.sessions["4xx"])),
  text("5xx", (z) => number(z.sessions["5xx"])),
  text("discarded", (z) => number(z.discarded)),
  text("received", (z) => bytes(z.received)),
  text("sent", (z) => bytes(z.sent)),
];

const connackNames = (counts) =>
  Object.entries(counts ?? {}).map(([code, n]) => (code === "0" ? "accepted" : "code " + code) + ": " + number(n)).join(", ") || "–";

const mqttColumns = [
  text("zone", (z) => z.name),
  text("3.1", (z) => number(z.connect["3.1"])),
  text("3.1.1", (z) => number(z.connect["3.1.1"])),
  text("5", (z) => number(z.connect["5"])),
  text("malformed", (z) => number(z.malformed)),
  text("without identifier", (z) => number(z.without_client_id)),
  text("<answers of brokers", (z) => connackNames(z.connack)),
];

const limitColumns = [
  text("zone", (l) => l.name),
  text("passed", (l) => number(l.passed)),
  text("rejected", (l) => number(l.rejected)),
  text("dry run", (l) => number(l.rejected_dry_run)),
];

const resolverColumns = [
  text("zone", (r) => r.name),
  text("questions", (r) => number(r.requests.name + r.requests.srv + r.requests.addr)),
  text("answers", (r) => number(r.responses.noerror)),
  text("not found", (r) => number(r.responses.nxdomain)),
  text("timeouts", (r) => number(r.responses.timedout)),
  text("failures", (r) => number(r.responses.servfail + r.responses.refused + r.responses.formerr + r.responses.notimp + r.responses.unknown)),
];

const reloadColumns = [
  text("time", (r) => new Date(r.time).toLocaleString()),
  text("configuration", (r) => (r.ok ? number(r.generation) : "–")),
  text("took", (r) => r.took + " ms"),
  ["<outcome", () => make("span"), (_, r, span) => {
    setText(span, r.ok ? "serves" : r.message);
    span.className = "state " + (r.ok ? "up" : "failed");
  }],
];

let now = 0; // milliseconds of the present refresh
let writable = false;
const groups = new Map();

function showFigures(nginx, connections, ssl) {
  const values = {
    "sessions": number(connections.active),
    "accepted": number(connections.accepted),
    "accepted / s": rates.note("accepted", connections.accepted, now).toFixed(1),
    "dropped": number(connections.dropped),
    "TLS handshakes": number(ssl?.handshakes),
    "TLS handshakes failed": number(ssl?.handshakes_failed),
    "configurations loaded": number(nginx.generation),
    "since the last": duration(Date.parse(nginx.timestamp) - Date.parse(nginx.load_timestamp)),
  };
  const section = $("figures");
  for (const [name, value] of Object.entries(values)) {
    section.figures ??= {};
    if (!section.figures[name]) {
      section.figures[name] = make("b");
      section.append(make("div", { className: "figure" }, section.figures[name], make("span", { textContent: name })));
    }
    setText(section.figures[name], value);
  }
  setText($("build"), nginx.build + " at " + nginx.address);
}

function showGroups(upstreams, rings, endings) {
  for (const [name, group] of groups) {
    if (!(name in upstreams)) {
      group.element.remove();
      groups.delete(name);
    }
  }
  for (const [name, upstream] of Object.entries(upstreams)) {
    if (!groups.has(name)) {
      groups.set(name, new Group(name, writable));
      $("upstreams").append(groups.get(name).element);
    }
    const drained = new Set(endings.filter((e) => e.upstream === name && e.reason === "broker_drained").map((e) => e.id));
    groups.get(name).update(upstream, rings?.[name], drained, now);
  }
}

async function load() {
  const [nginx, connections, ssl, zones, upstreams, limits, resolvers, rings, mqtt, reloads, ending] = await Promise.all([
    get(API + "nginx"), get(API + "connections"), get(API + "ssl"), get(API + "stream/server_zones"), get(API + "stream/upstreams"),
    get(API + "stream/limit_conns"), get(API + "resolvers"), get(OWN + "rings"), get(OWN + "mqtt"), get(OWN + "reloads"),
    get(OWN + "endings"),
  ]);
  if (!nginx) throw new Error("no API at /api");
  now = performance.now();
  showFigures(nginx, connections, ssl);
  const endings = (ending ?? []).map((e) => ({ ...e, key: [e.upstream, e.id, e.server, e.reason].join("/") }));
  showGroups(upstreams ?? {}, rings, endings);
  showTable("endings", endingColumns(() => now), new Map(endings.map((e) => [e.key, e])));
  showTable("zones", zoneColumns(() => now), entries(zones));
  showTable("mqtt", mqttColumns, entries(mqtt));
  showTable("limits", limitColumns, entries(limits));
  showTable("resolvers", resolverColumns, entries(resolvers));
  showTable("reloads", reloadColumns, new Map((reloads ?? []).reverse().map((r) => [r.time, r])));
  rates.forget(now);
}

let loading;

// refresh loads everything, one load at a time.
function refresh() {
  loading ??= load()
    .then(() => setConnection("live", false))
    .catch((error) => setConnection(error.message, true))
    .finally(() => { loading = undefined; });
  return loading;
}

function setConnection(state, lost) {
  setText($("connection"), state);
  $("connection").classList.toggle("lost", lost);
}

async function ask(event) {
  event.preventDefault();
  const client = $("client").value;
  const routes = await get(OWN + "route?key=" + encodeURIComponent(client)).catch(() => undefined);
  const lines = Object.entries(routes ?? {}).map(([upstream, route]) => {
    const line = make("li", {}, upstream + ": ",
      make("b", { textContent: route.server ?? "no server of this key" }), make("small", { textContent: " by " + route.key }));
    line.dataset.upstream = upstream;
    return line;
  });
  setText($("asked"), client);
  $("routes").replaceChildren(...(lines.length ? lines : [make("li", { textContent: "no upstream chooses by a key" })]));
  $("answer").hidden = false;
}

function changeTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
}

async function start() {
  $("search").onsubmit = ask;
  $("theme").onclick = changeTheme;
  writable = await isWritable().catch(() => false);
  for (;;) {
    await refresh();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

start();
