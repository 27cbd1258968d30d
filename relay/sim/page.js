// Puts the server's fragments in place as they change, and posts the forms without leaving the page.
"use strict";

const log = document.getElementById("log");
const rooms = document.getElementById("rooms");
const faults = document.getElementById("faults");
const state = document.getElementById("state");
const scroller = document.querySelector(".scroll");

const parse = (html) => {
  const t = document.createElement("template");
  t.innerHTML = html; // rendered and escaped by the server
  return t.content;
};

const replaceRooms = (html) => {
  const focused = rooms.contains(document.activeElement) && document.activeElement.getAttribute("href");
  rooms.replaceChildren(parse(html));
  if (focused) [...rooms.querySelectorAll("a")].find((a) => a.getAttribute("href") === focused)?.focus();
};

// Whoever has just pressed the button that goes away is led to the panel's title.
const replaceFaults = (html) => {
  const inside = faults.contains(document.activeElement);
  faults.replaceChildren(parse(html));
  if (inside) (faults.querySelector("button") ?? document.getElementById("break-title")).focus();
};

// The reply box of a thread stays as it is, so that nothing typed is lost; only the messages above it change.
const replaceThread = ({ id, html }) => {
  const fresh = parse(html).firstElementChild;
  const old = document.getElementById(id);
  if (!old) return log.append(fresh);
  const was = old.querySelector(".body");
  const now = fresh.querySelector(".body");
  if (was.isEqualNode(now)) return;
  was.replaceWith(now);
  const box = old.querySelector("details");
  if (box && now.querySelector(".replies")) box.open = true;
};

const listen = () => {
  const source = new EventSource(log.dataset.live);
  source.addEventListener("open", () => { state.textContent = "live"; });
  source.addEventListener("error", () => { state.textContent = "reconnecting"; });
  source.addEventListener("update", (e) => {
    const update = JSON.parse(e.data);
    if (update.rooms) replaceRooms(update.rooms);
    if (update.faults !== undefined) replaceFaults(update.faults);
    update.threads.forEach(replaceThread);
    const keep = new Set(update.ids);
    [...log.children].forEach((thread) => { if (!keep.has(thread.id)) thread.remove(); });
  });
  window.addEventListener("pagehide", () => source.close());
};

const complain = (form, text) => {
  form.querySelector(".error")?.remove();
  if (!text) return;
  const p = document.createElement("p");
  p.className = "error";
  p.setAttribute("role", "alert");
  p.textContent = text;
  form.prepend(p);
};

// post sends a form and reports whether it was taken; if not, it says why.
const post = async (form) => {
  try {
    const body = new URLSearchParams(new FormData(form));
    const res = await fetch(form.action, { method: "POST", headers: { "X-Live": "1" }, body });
    complain(form, res.ok ? "" : await res.text());
    return res.ok;
  } catch {
    complain(form, "The simulator cannot be reached.");
    return false;
  }
};

const send = async (form) => {
  const field = form.elements.text;
  if (!field) return post(form);
  field.readOnly = true;
  if (await post(form)) {
    field.value = "";
    if (form.id === "compose") scroller.scrollTop = 0; // the list is laid out from the bottom
  }
  field.readOnly = false;
  field.focus();
};

document.documentElement.classList.add("scripted");
document.getElementById("as")?.addEventListener("change", (e) => e.target.form.submit());
document.addEventListener("submit", (e) => {
  if (e.target.method !== "post") return;
  e.preventDefault();
  send(e.target);
});
document.addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || e.shiftKey || e.isComposing || e.target.tagName !== "TEXTAREA") return;
  e.preventDefault();
  e.target.form.requestSubmit();
});
document.addEventListener("toggle", (e) => {
  if (e.target.open && e.target.contains(document.activeElement)) e.target.querySelector("[name=text]").focus();
}, true);
if (log && window.EventSource) listen();
