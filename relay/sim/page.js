// Puts the server's fragments in place as they change, and posts the forms without leaving the page.
"use strict";

const log = document.getElementById("log");
const rooms = document.getElementById("rooms");
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

const send = async (form) => {
  const field = form.elements.text;
  const words = new URLSearchParams(new FormData(form));
  field.readOnly = true;
  try {
    const res = await fetch(form.action, { method: "POST", headers: { "X-Live": "1" }, body: words });
    complain(form, res.ok ? "" : await res.text());
    if (res.ok) {
      field.value = "";
      if (form.id === "compose") scroller.scrollTop = 0; // the list is laid out from the bottom
    }
  } catch {
    complain(form, "The simulator cannot be reached.");
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
