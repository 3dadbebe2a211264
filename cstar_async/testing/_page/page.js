"use strict";

const POLL_INTERVAL_MS = 1000;
const token = document.querySelector("meta[name=page-token]").content;
const byId = (id) => document.getElementById(id);
const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString();

// Texts of the server are set as text content only, never as markup.
function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
}

function button(label, action, values) {
  const node = element("button", "", label);
  node.type = "button";
  node.dataset.action = action;
  node.dataset.arguments = JSON.stringify(values);
  return node;
}

function details(label, ...children) {
  return element("details", "", element("summary", "", label), ...children);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function statusOf(status, otherwise) {
  const isGood = status !== null && status < 400;
  return element("span", isGood ? "good" : "bad", status === null ? otherwise : String(status));
}

function requestRow(request) {
  const target = request.query ? `${request.path}?${request.query}` : request.path;
  const shown = element("span", "main mono", `${request.method} ${target.replace(/^\/api\/v1\/teams\/[^/]+/, "…")}`);
  shown.title = target;
  return [
    element("div", "line",
      element("span", "soft", time(request.at)),
      statusOf(request.status, "no response"),
      shown),
    request.notes.length ? element("div", "soft", request.notes.join(", ")) : null,
    request.body ? details("Body", element("pre", "", pretty(request.body))) : null,
  ];
}

function attemptLine(attempt) {
  const next = attempt.next === null ? "" : `, next attempt ${time(attempt.next)}`;
  return element("li", "", `attempt ${attempt.number}, ${time(attempt.at)}: `,
    statusOf(attempt.status, attempt.error), next);
}

function deliveryRow(delivery) {
  const line = element("div", "line",
    element("span", delivery.delivered ? "good" : "bad", delivery.delivered ? "delivered" : "failed"),
    element("span", "main", element("span", "mono", delivery.type), ` to ${delivery.url}`),
    button("Resend", "resend", { delivery: delivery.id }));
  return [
    line,
    element("ol", "attempts", ...delivery.attempts.map(attemptLine)),
    details("Body", element("div", "soft mono", delivery.event), element("pre", "", pretty(delivery.body))),
  ];
}

function ticketRow(ticket) {
  const customer = ticket.customerName ? ` · ${ticket.customerName}` : "";
  const messages = ticket.messages.map((message) =>
    element("p", "", element("span", "soft", `${message.senderName || message.sender}: `), message.content || ""));
  return [
    element("div", "line",
      element("span", "main", ticket.title || ""),
      element("span", "soft", `${ticket.status} · ${ticket.priority}${customer}`)),
    element("div", "soft mono", ticket.id),
    messages.length ? details(`Messages (${ticket.messageCount})`, ...messages) : null,
  ];
}

function limitRow(limit) {
  const bar = element("progress", "");
  bar.max = limit.limit || 1;
  bar.value = limit.remaining;
  bar.setAttribute("aria-label", `Calls left of ${limit.id}`);
  const use = button("Use up", "use_calls", { key: limit.id });
  use.disabled = limit.remaining === 0;
  return [
    element("div", "line", element("span", "main mono", limit.id), use),
    element("div", "soft", limit.team),
    bar,
    element("div", "soft", `${limit.remaining} of ${limit.limit} calls left, until ${time(limit.resetsAt)}`),
  ];
}

function faultRow(fault) {
  const share = fault.probability < 1 ? ` in ${Math.round(fault.probability * 1000) / 10} %` : "";
  const left = fault.left === null ? "without limit" : `${fault.left} left`;
  return [
    element("div", "line",
      element("span", "main", `${fault.of}: ${fault.details || "headers"}${share}`),
      button("Remove", "remove_fault", { fault: fault.id })),
    element("div", "soft", `${left}, triggered ${fault.triggered} times`),
  ];
}

// Rows that did not change stay as they are, so that an open body stays open and the focus stays where it is.
const drawn = new Map();

function draw(listId, items, makeRow) {
  const list = byId(listId);
  const before = drawn.get(listId) || new Map();
  const now = new Map();
  items.forEach((item, index) => {
    const text = JSON.stringify(item);
    const old = before.get(item.id);
    let row = old;
    if (!old || old.text !== text) {
      const node = element("li", "", ...makeRow(item));
      const wasOpen = old && old.node.querySelector("details[open]");
      if (wasOpen && node.querySelector("details")) node.querySelector("details").open = true;
      if (old) old.node.replaceWith(node);
      row = { node, text };
    }
    now.set(item.id, row);
    if (list.children[index] !== row.node) list.insertBefore(row.node, list.children[index] || null);
  });
  while (list.children.length > items.length) list.lastChild.remove();
  drawn.set(listId, now);
}

function show(state) {
  byId("team").textContent = state.team;
  byId("now").textContent = new Date(state.now * 1000).toLocaleString();
  byId("requests-count").textContent = state.requestCount || "";
  byId("deliveries-count").textContent = state.pendingDeliveries ? `${state.pendingDeliveries} pending` : "";
  byId("tickets-count").textContent = state.tickets.length || "";
  byId("disconnect").disabled = state.streams === 0;
  byId("disconnect").textContent = `Disconnect streams (${state.streams})`;
  draw("requests", state.requests, requestRow);
  draw("deliveries", state.deliveries, deliveryRow);
  draw("tickets", state.tickets, ticketRow);
  draw("limits", state.limits, limitRow);
  draw("faults", state.faults, faultRow);
  const operations = byId("operations");
  if (operations.children.length !== state.operations.length) {
    operations.replaceChildren(...state.operations.map((name) => element("option", "", name)));
  }
}

async function refresh() {
  try {
    const response = await fetch("/_fake/state");
    if (!response.ok) throw new Error(await response.text());
    show(await response.json());
    byId("connection").textContent = "connected";
  } catch {
    byId("connection").textContent = "not connected: the server does not respond";
  }
}

async function act(action, values) {
  const response = await fetch("/_fake/actions", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Page-Token": token },
    body: JSON.stringify({ ...values, action }),
  }).catch(() => null);
  byId("message").textContent = !response ? "The server does not respond." : response.ok ? "" : await response.text();
  await refresh();
}

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("button[data-action]");
  if (pressed) act(pressed.dataset.action, JSON.parse(pressed.dataset.arguments || "{}"));
});

byId("advance").addEventListener("submit", (event) => {
  event.preventDefault();
  act("advance_clock", { seconds: Number(new FormData(event.target).get("seconds")) });
});

byId("fault").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const fault = { ...JSON.parse(form.get("fault")), ...JSON.parse(form.get("often")) };
  const only = form.get("only").trim();
  if (only) fault[fault.of === "requests" ? "operation" : "event"] = only;
  act("add_fault", fault);
});

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, POLL_INTERVAL_MS);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
poll();
