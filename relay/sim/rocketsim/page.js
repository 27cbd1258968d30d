// Puts the server's fragments in place as they change, and posts the forms without leaving the page.
"use strict";

const log = document.getElementById("log");
const state = document.getElementById("state");

const parse = (html) => {
  const t = document.createElement("template");
  t.innerHTML = html; // rendered and escaped by the server
  return t.content;
};

// A part of the page is put in place as a whole. Whoever stands in it is led back to the same link, or to its next button.
const replacePart = (id, html) => {
  const part = document.getElementById(id);
  if (!part) return;
  const inside = part.contains(document.activeElement);
  const href = inside && document.activeElement.getAttribute("href");
  part.replaceChildren(parse(html));
  if (!inside) return;
  const same = href && [...part.querySelectorAll("a")].find((a) => a.getAttribute("href") === href);
  (same || part.querySelector("button") || document.getElementById("break-title")).focus();
};

// What can be done with a message stays as it is while someone edits it, so that nothing typed is lost; the rest is replaced.
const replaceMessage = (list, { id, html }) => {
  const fresh = parse(html).firstElementChild;
  const old = document.getElementById(id);
  if (!old) return list.append(fresh);
  if (!old.querySelector("details[open]") || !fresh.querySelector("details")) return old.replaceWith(fresh);
  old.querySelector(".body").replaceWith(fresh.querySelector(".body"));
};

const replaceList = (id, update) => {
  const list = document.getElementById(id);
  if (!list) return;
  update.items.forEach((item) => replaceMessage(list, item));
  const keep = new Set(update.ids);
  [...list.children].forEach((message) => { if (!keep.has(message.id)) message.remove(); });
};

const listen = () => {
  const source = new EventSource(log.dataset.live);
  source.addEventListener("open", () => { state.textContent = "live"; });
  source.addEventListener("error", () => { state.textContent = "reconnecting"; });
  source.addEventListener("update", (e) => {
    const { parts = {}, lists = {} } = JSON.parse(e.data);
    Object.entries(parts).forEach(([id, html]) => replacePart(id, html));
    Object.entries(lists).forEach(([id, update]) => replaceList(id, update));
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
const post = async (form, button) => {
  try {
    const body = new URLSearchParams(new FormData(form, button));
    const res = await fetch(form.action, { method: "POST", headers: { "X-Live": "1" }, body });
    complain(form, res.ok ? "" : await res.text());
    return res.ok;
  } catch {
    complain(form, "The simulator cannot be reached.");
    return false;
  }
};

const send = async (form, button) => {
  const field = form.elements.text;
  const editing = form.closest("details.change");
  if (!field) return post(form, button);
  field.readOnly = true;
  const taken = await post(form, button);
  field.readOnly = false;
  if (taken && editing) {
    editing.open = false;
    return;
  }
  if (taken) {
    form.reset();
    field.value = "";
    form.parentElement.querySelector(".scroll").scrollTop = 0; // the list is laid out from the bottom
  }
  const active = document.activeElement;
  if (active === document.body || form.contains(active)) field.focus(); // whoever has gone on elsewhere is left there
};

document.documentElement.classList.add("scripted");
document.getElementById("as")?.addEventListener("change", (e) => e.target.form.submit());
document.addEventListener("submit", (e) => {
  if (e.target.method !== "post") return;
  e.preventDefault();
  send(e.target, e.submitter);
});
document.addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || e.shiftKey || e.isComposing || e.target.tagName !== "TEXTAREA") return;
  e.preventDefault();
  e.target.form.requestSubmit();
});
document.addEventListener("toggle", (e) => {
  const field = e.target.querySelector("[name=text]");
  if (!field || !e.target.open || !e.target.contains(document.activeElement)) return;
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}, true);
if (log && window.EventSource) listen();
