// Enhancements of the pages: dialogs without page loads, copy buttons, and tabs. Every page works without this script.

const parse = (html) => new DOMParser().parseFromString(html, "text/html");

// ---- Dialogs: a link with data-dialog leads to a page. Its [data-dialog-content] is shown as a dialog instead.

let dialog = null;

async function openFromLink(link) {
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    const content = parse(await answer.text()).querySelector("[data-dialog-content]");
    if (answer.redirected || !content) throw new Error("not a dialog");
    leaveMenu(link.closest("details.menu"));
    show(content);
    if (link.hash) content.querySelector(link.hash)?.focus();
  } catch {
    location.assign(link.href);
  }
}

/** Closes a menu and leaves the focus on its button, where a dialog returns it to. */
function leaveMenu(menu) {
  if (!menu?.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}

function show(content) {
  content.querySelector("h1")?.replaceWith(headingFrom(content.querySelector("h1")));
  dialog ??= makeDialog();
  // The same form again, with an error: what the user opened stays open.
  for (const { id } of dialog.querySelectorAll("details[id][open]")) content.querySelector(`#${id}`)?.setAttribute("open", "");
  dialog.replaceChildren(content);
  if (!content.matches("[data-reveal]")) content.append(closeButton());
  enhance(content);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  focusFirst(content);
}

/** Turns the h1 of the content into an h2, because the document already has an h1. */
function headingFrom(title) {
  const heading = document.createElement("h2");
  heading.id = "dialog-heading";
  heading.tabIndex = -1;
  heading.append(...title.childNodes);
  return heading;
}

function closeButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "icon-button dialog-close";
  button.dataset.dialogClose = "";
  button.title = "Close";
  button.setAttribute("aria-label", "Close dialog");
  button.textContent = "✕";
  return button;
}

function makeDialog() {
  const made = document.createElement("dialog");
  made.className = "dialog";
  made.setAttribute("aria-labelledby", "dialog-heading");
  made.addEventListener("cancel", (event) => {
    if (asksBeforeLeaving(made) || asksBeforeDiscarding(made)) event.preventDefault();
  });
  made.addEventListener("close", () => {
    if (made.open) return; // The dialog was opened again before this event.
    const reveal = made.querySelector("[data-reveal]");
    const onward = made.querySelector("[data-done]")?.href;
    if (reveal) forget(reveal);
    made.remove();
    dialog = null;
    if (onward) go(onward);
  });
  document.body.append(made);
  return made;
}

/** The first thing that needs the user's attention after an error: a message, or a field with an error. */
const WRONG = ":is([data-focus], [aria-invalid], fieldset:has(> .field-error) input)";

function focusFirst(content) {
  const wanted = [WRONG, "[autofocus]:not([hidden])", "h1, h2"];
  wanted.map((selector) => content.querySelector(selector)).find(Boolean)?.focus();
}

// ---- Forms

async function send(form, button) {
  const typed = new URLSearchParams(new FormData(form, button));
  setBusy(form, true);
  try {
    const answer = await fetch(form.action, { method: "POST", body: typed, headers: { Accept: "text/html" }, cache: "no-store" });
    const page = parse(await answer.text());
    const content = page.querySelector("[data-dialog-content]");
    if (answer.redirected || !content) arrive(page, answer.redirected ? answer.url : location.href);
    else show(content);
  } catch {
    complain(form, "The server didn't respond. Your input is still here. Check the list before you try again.");
  } finally {
    setBusy(form, false);
  }
}

const isChanged = (field) => {
  if (!field.matches("input:not([type=hidden]), textarea, select")) return false;
  if (field.options) return [...field.options].some((option) => option.selected !== option.defaultSelected) && field.selectedIndex > 0;
  return field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
};

/** Asks once before Escape discards what the user typed. */
function asksBeforeDiscarding(root) {
  const form = root.querySelector("form");
  if (!form || form.querySelector("[data-complaint]") || ![...form.elements].some(isChanged)) return false;
  complain(form, "Discard your changes? Press Escape again to close, or continue editing.");
  return true;
}

/** Removes the error of a field that the user corrects. */
function clearError(field) {
  const group = field.closest("fieldset:has(> .field-error)") ?? field;
  field.removeAttribute("aria-invalid");
  const ids = (group.getAttribute("aria-describedby") ?? "").split(" ");
  for (const id of ids.filter((id) => id.endsWith("-error"))) document.getElementById(id)?.remove();
  const others = ids.filter((id) => id && !id.endsWith("-error")).join(" ");
  if (others) group.setAttribute("aria-describedby", others);
  else group.removeAttribute("aria-describedby");
}

function setBusy(form, busy) {
  form.toggleAttribute("data-busy", busy);
  for (const button of form.querySelectorAll("[type=submit]")) {
    if (busy) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

function complain(form, text) {
  form.querySelector("[data-complaint]")?.remove();
  const complaint = document.createElement("div");
  complaint.className = "callout callout-danger";
  complaint.dataset.complaint = "";
  complaint.setAttribute("role", "alert");
  const words = document.createElement("p");
  words.textContent = text;
  complaint.append(words);
  form.querySelector(".buttons:last-child").before(complaint);
  complaint.scrollIntoView({ block: "nearest" });
}

/** Replaces the document with the page that a redirect led to. A second request for the page would lose its one-time message. */
function arrive(page, url) {
  dialog?.remove();
  dialog = null;
  document.title = page.title;
  document.body.removeAttribute("aria-busy");
  document.body.className = page.body.className;
  document.body.replaceChildren(...page.body.childNodes);
  if (url !== location.href) {
    history.replaceState({ keyrack: true }, "");
    history.pushState({ keyrack: true }, "", url);
  }
  scrollTo(0, 0);
  enhance(document.body);
  document.dispatchEvent(new CustomEvent("keyrack:page", { detail: document.body }));
  document.querySelector("main").focus();
  highlightRow();
}

// ---- Toasts: a message goes away after five seconds, unless it is a warning or the user is at it.

const TOAST = 5000;

function showToast(toast) {
  const region = toast.parentElement;
  // A screen reader announces what is added to a region, not what a page arrives with.
  toast.remove();
  setTimeout(() => region.append(toast), 50);
  toast.querySelector("[data-dismiss]").hidden = false;
  if (!toast.matches(".notice-warning")) setTimeout(dismiss, TOAST, toast);
}

function dismiss(toast) {
  if (toast.matches(":hover, :focus-within")) setTimeout(dismiss, 1000, toast);
  else toast.remove();
}

// ---- The secret: shown once, copied, and then removed from the page.

const uncopied = (root) => root.querySelector("[data-reveal]:not([data-copied])");

function asksBeforeLeaving(root) {
  const reveal = uncopied(root);
  const question = reveal?.querySelector("[data-leave]");
  if (!question?.hidden) return false;
  question.hidden = false;
  question.querySelector("[data-copy]").focus();
  question.scrollIntoView({ block: "nearest" });
  return true;
}

function forget(reveal) {
  const secret = reveal.querySelector("[data-secret]");
  if (secret) secret.value = secret.textContent = "";
  reveal.removeAttribute("data-reveal");
  const words = document.createElement("p");
  words.textContent = "The secret key is no longer on this page.";
  const done = reveal.querySelector("[data-done]");
  reveal.replaceChildren(words, ...(done ? [done] : []));
}

function leave(link) {
  const reveal = document.querySelector("[data-reveal]");
  reveal?.setAttribute("data-copied", "");
  if (dialog) dialog.close();
  else go(link.href);
}

/** Loads a page. The browser doesn't load the current page again for a URL that differs in the fragment only. */
async function go(url) {
  if (url.split("#")[0] !== location.href.split("#")[0]) return location.assign(url);
  document.body.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-store" });
    arrive(parse(await response.text()), url);
  } catch {
    location.reload();
  }
}

/** Marks the row that the URL names, such as a new key. */
function highlightRow() {
  const row = document.getElementById(location.hash.slice(1))?.closest("tr");
  row?.setAttribute("data-highlight", "");
  row?.querySelector(".name").focus();
}

// ---- Copying: with the clipboard API if the browser offers it, and otherwise with the selection (browsers offer no API over plain http://).

async function copy(button) {
  if (button.dataset.copyText) return copyText(button);
  const source = button.dataset.copy ? document.getElementById(button.dataset.copy) : button.parentElement.querySelector("code");
  const copied = (await toClipboard(source)) || copySelection(source, button);
  const label = button.querySelector("[data-copy-label]") ?? button;
  label.dataset.before ??= label.textContent;
  label.textContent = copied ? "Copied" : "Press Ctrl+C";
  announce(button, copied ? "Copied" : "This browser can't copy here. The text is selected: press Ctrl+C.");
  if (copied) markCopied(button);
  setTimeout(() => (label.textContent = label.dataset.before), 4000);
}

/** Copies a text that the page doesn't show, such as the ID of a key in a list. */
async function copyText(button) {
  const field = document.createElement("textarea");
  field.className = "sr-only";
  field.value = button.dataset.copyText;
  button.before(field);
  const copied = (await toClipboard(field)) || copySelection(field, button);
  field.remove();
  const label = button.querySelector("[data-copy-label]");
  label.dataset.before ??= label.textContent;
  label.textContent = copied ? "Copied" : button.dataset.copyText;
  setTimeout(() => (label.textContent = label.dataset.before), 4000);
}

async function toClipboard(source) {
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    return true;
  } catch {
    return false;
  }
}

function copySelection(source, button) {
  if (source.select) {
    source.focus();
    source.select();
  } else {
    getSelection().selectAllChildren(source);
  }
  const copied = document.execCommand("copy");
  if (copied) button.focus();
  return copied;
}

function markCopied(element) {
  const reveal = element.closest("[data-reveal]");
  if (!reveal) return;
  reveal.setAttribute("data-copied", "");
  reveal.querySelector("[data-leave]")?.setAttribute("hidden", "");
  reveal.querySelector("[data-done]").classList.add("button-primary");
  if (!element.offsetParent) reveal.querySelector("[data-done]").focus();
}

function announce(near, text) {
  const region = (near.closest("[data-dialog-content]") ?? document).querySelector("[data-announcer]");
  region.textContent = "";
  setTimeout(() => (region.textContent = text), 50);
}

// ---- Tabs that follow the ARIA pattern: arrow keys select a tab, and one panel is visible.

function makeTabs(group) {
  const panels = [...group.querySelectorAll("[data-tab]")];
  const list = document.createElement("div");
  list.className = "tablist";
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", group.dataset.tabs);
  const tabs = panels.map(makeTab);
  const select = (chosen) => tabs.forEach((tab, index) => {
    tab.setAttribute("aria-selected", String(tab === chosen));
    tab.tabIndex = tab === chosen ? 0 : -1;
    panels[index].hidden = tab !== chosen;
  });
  list.addEventListener("click", (event) => tabs.includes(event.target) && select(event.target));
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(tabs[to % tabs.length]);
    tabs[to % tabs.length].focus();
  });
  list.append(...tabs);
  group.prepend(list);
  select(tabs[0]);
}

let tabsMade = 0;

function makeTab(panel) {
  const number = ++tabsMade;
  const tab = document.createElement("button");
  tab.type = "button";
  tab.id = `tab-${number}`;
  tab.textContent = panel.dataset.tab;
  tab.setAttribute("role", "tab");
  panel.id = `panel-${number}`;
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", tab.id);
  panel.querySelector("h2, h3")?.remove();
  tab.setAttribute("aria-controls", panel.id);
  return tab;
}

// ---- The summaries of the groups of a key's form, in the words of the server.

const GROUPS = {
  access: (form) => joined([sayReach(form, "project"), sayReach(form, "model")], ""),
  network: (form) => joined([sayReach(form, "network"), sayReach(form, "origin")], ""),
  limits: (form) => {
    const limits = [...form.querySelectorAll(".fold [data-limit]")].filter((field) => field.value.trim()).length;
    return limits ? `${limits} limit${limits === 1 ? "" : "s"}` : "none";
  },
  administration: (form) => joined([form.elements.keys?.checked && "manages keys", form.elements.node?.checked && "verifies keys"], "none"),
};

const joined = (parts, none) => parts.filter(Boolean).join(" · ") || none;

function sayGroups(form) {
  for (const facts of form.querySelectorAll("[data-facts]")) facts.textContent = GROUPS[facts.dataset.facts](form);
}

/** A summary of one restriction, such as "2 projects only". Empty or "all projects" without a restriction. */
function sayReach(form, what) {
  const own = form.querySelector(`[data-reach=${what}]`);
  if (!own) return "";
  const only = own.value === undefined ? own.querySelector("[value=these]:checked") : own.value.trim();
  if (!only) return { project: "all projects", network: "any IP address" }[what];
  const named = own.value === undefined ? own.querySelectorAll("[type=checkbox]:checked").length : own.value.split("\n").filter((line) => line.trim()).length;
  if (named === 0 || own.value?.trim().toLowerCase() === "none") return `no ${what}s`;
  return `${named} ${what}${named === 1 ? "" : "s"} only`;
}

// ---- The effect of a change on past requests, updated while the user edits the form.

let asking = 0;

function askWhatIf(form) {
  const region = form.querySelector("[data-what-if]");
  if (!region) return;
  const asked = ++asking;
  setTimeout(async () => {
    if (asked !== asking || !region.isConnected || form.hasAttribute("data-busy")) return;
    const typed = new URLSearchParams(new FormData(form));
    typed.set("check", "on");
    try {
      const answer = await fetch(form.action, { method: "POST", body: typed, headers: { Accept: "text/html" }, cache: "no-store" });
      const said = parse(await answer.text()).querySelector("[data-what-if]");
      if (asked === asking && region.isConnected) region.replaceChildren(...(said?.childNodes ?? []));
    } catch {
      region.replaceChildren(); // Saving reports the error.
    }
  }, 300);
}

// ---- The line that waits for the first request with a new secret. Polls until the request has arrived.

const LOOK = 1000;

async function awaitCall(line) {
  if (!line.isConnected || line.dataset.stand === "came" || line.dataset.stand === "not-awaited") return;
  let signedOut = false;
  if (!document.hidden) {
    try {
      const answer = await fetch(line.dataset.firstCall, { headers: { Accept: "text/html" }, cache: "no-store" });
      signedOut = answer.redirected;
      const fresh = parse(await answer.text()).querySelector("[data-first-call]");
      if (fresh && fresh.textContent !== line.textContent) {
        // The element stays in the document, so that screen readers announce the change.
        line.className = fresh.className;
        line.dataset.stand = fresh.dataset.stand;
        line.replaceChildren(...fresh.childNodes);
      }
    } catch {
      // The server did not answer. The next poll may succeed.
    }
  }
  if (!signedOut) setTimeout(awaitCall, LOOK, line);
}

// ---- Lists: the filter applies while the user types, and replaces the parts of the page that depend on it.

let search = 0;

async function refresh(form, delay) {
  const own = ++search;
  await new Promise((done) => setTimeout(done, delay));
  if (own !== search) return;
  hideSecret(form.elements.q);
  const url = new URL(form.action);
  for (const [name, value] of new FormData(form)) if (value) url.searchParams.set(name, value);
  try {
    const response = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-store" });
    const page = parse(await response.text());
    if (own !== search) return;
    if (response.redirected || !response.ok) return location.assign(url);
    for (const part of document.querySelectorAll("[data-part]")) {
      const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
      part.replaceChildren(...(fresh?.childNodes ?? []));
      enhance(part);
    }
    history.replaceState(history.state, "", url);
  } catch {
    location.assign(url);
  }
}

/** Leaves only the last four characters of a whole key that was pasted into a search, so that no address contains the key. */
function hideSecret(field) {
  if (field) field.value = field.value.replace(/\w+_[sp]k_[0-9A-Za-z]{34}([0-9A-Za-z]{4})/g, "$1");
}

// ---- Charts: a pointer or the arrow keys show the values at one time. Without this script, they are in tooltips and in the table.

function makeChart(chart) {
  const area = chart.querySelector(".chart-area");
  const columns = [...area.querySelectorAll(".chart-column")];
  const texts = columns.map((column) => takeTitle(column).split("\n"));
  const value = document.createElement("div");
  value.className = "chart-value";
  value.hidden = true;
  area.append(value);
  const attributes = { role: "slider", tabindex: 0, "aria-label": "Requests over time", "aria-readonly": true, "aria-valuemin": 1, "aria-valuemax": columns.length };
  for (const [name, text] of Object.entries(attributes)) chart.setAttribute(name, text);
  chart.removeAttribute("aria-hidden");
  let at = columns.length - 1;
  const select = (place) => {
    columns[at].removeAttribute("data-active");
    at = Math.min(Math.max(place, 0), columns.length - 1);
    chart.setAttribute("aria-valuenow", at + 1);
    chart.setAttribute("aria-valuetext", texts[at].join(", "));
  };
  const reveal = (place) => {
    select(place);
    columns[at].setAttribute("data-active", "");
    showValue(value, texts[at], (at + 0.5) / columns.length);
  };
  const hide = () => {
    columns[at].removeAttribute("data-active");
    value.hidden = true;
  };
  select(at);
  chart.addEventListener("focus", () => reveal(at));
  chart.addEventListener("blur", hide);
  for (const kind of ["pointerdown", "pointermove"]) chart.addEventListener(kind, (event) => {
    const box = area.getBoundingClientRect();
    reveal(Math.floor((event.clientX - box.left) / box.width * columns.length));
  });
  chart.addEventListener("pointerleave", () => chart.matches(":focus") || hide());
  chart.addEventListener("keydown", (event) => {
    const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, Home: 0, End: columns.length - 1 }[event.key];
    if (event.key === "Escape") hide();
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    reveal(to);
  });
}

/** Takes the tooltip out of an element, because the page shows its text in another way. */
function takeTitle(element) {
  const title = element.querySelector("title");
  title.remove();
  return title.textContent;
}

/** Shows the lines above the chart at this part of its width, within the chart. */
function showValue(value, lines, part) {
  value.replaceChildren(...lines.map((line) => Object.assign(document.createElement("span"), { textContent: line })));
  value.hidden = false;
  const [room, own] = [value.parentElement.clientWidth, value.offsetWidth];
  value.style.left = `${Math.max(0, Math.min(part * room - own / 2, room - own))}px`;
}

// ---- Selecting: a form with data-select names the field of its checkboxes. They can be anywhere on the page.

const boxes = (form) => [...form.elements].filter((box) => box.name === form.dataset.select && box.type === "checkbox");

function select(input) {
  const form = input.form;
  if (input.closest("[data-select-all]")) for (const box of boxes(form)) box.checked = input.checked;
  else if (input.name !== form.dataset.select) return;
  countSelected(form);
}

function countSelected(form) {
  const all = boxes(form);
  const chosen = all.filter((box) => box.checked).length;
  form.querySelector("[data-selected]").textContent = `${chosen} ${form.dataset.noun}${chosen === 1 ? "" : "s"} selected`;
  const every = form.querySelector("[data-select-all] input");
  every.checked = chosen === all.length;
  every.indeterminate = chosen > 0 && chosen < all.length;
}

// ---- Keyboard shortcuts: an element with data-shortcut names its key. A user can turn them off, because speech input can trigger them.

const shortcutsAreOff = () => localStorage.getItem("shortcuts") === "off";

function pressShortcut(event) {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (typing || dialog || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "?") return event.preventDefault(), showShortcuts();
  const target = !shortcutsAreOff() && document.querySelector(`[data-shortcut="${CSS.escape(event.key)}"]`);
  if (!target) return;
  event.preventDefault();
  if (target.matches("input")) target.select();
  else target.click();
}

function showShortcuts() {
  const help = document.querySelector("template[data-shortcuts]");
  if (!help) return;
  const content = help.content.firstElementChild.cloneNode(true);
  show(content);
  const toggle = content.querySelector("input");
  toggle.checked = !shortcutsAreOff();
  toggle.addEventListener("change", () => localStorage.setItem("shortcuts", toggle.checked ? "on" : "off"));
}

// ---- The contents of the docs mark the section that the reader sees.

function followSections(contents) {
  const links = [...contents.querySelectorAll("li li a")];
  const heading = (link) => document.getElementById(link.hash.slice(1));
  const mark = () => {
    const current = links.findLast((link) => heading(link)?.getBoundingClientRect().top < 120);
    for (const link of links) link === current ? link.setAttribute("aria-current", "location") : link.removeAttribute("aria-current");
  };
  if (links.length) addEventListener("scroll", mark, { passive: true }), mark();
}

// ---- Setup

/** A time in the time zone of the user. Without the script, the page shows times in UTC. */
const LOCAL_TIME = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });

function enhance(root) {
  for (const button of root.querySelectorAll("[data-copy], [data-copy-text]")) button.hidden = false;
  for (const group of root.querySelectorAll("[data-tabs]")) makeTabs(group);
  for (const chart of root.querySelectorAll("[data-chart]")) makeChart(chart);
  for (const time of root.querySelectorAll("time[title]")) time.title = LOCAL_TIME.format(new Date(time.dateTime));
  for (const form of root.querySelectorAll("form")) sayGroups(form);
  for (const button of root.querySelectorAll("[data-check-first]")) button.hidden = true;
  for (const line of root.querySelectorAll("[data-first-call]")) setTimeout(awaitCall, LOOK, line);
  for (const toast of root.querySelectorAll("[data-toasts] > [data-notice]")) showToast(toast);
  const contents = root.querySelector(".toc-fold");
  if (contents) contents.open = matchMedia("(min-width: 62.01rem)").matches, contents.dataset.ready = "", followSections(contents);
  for (const all of root.querySelectorAll("[data-select-all]")) all.hidden = false, countSelected(all.closest("form"));
  if (root.querySelector("[data-copy]")) {
    const region = document.createElement("p");
    region.className = "sr-only";
    region.dataset.announcer = "";
    region.setAttribute("role", "status");
    (root.querySelector("main [data-dialog-content]") ?? root.querySelector("main") ?? root).append(region);
  }
}

const isPlainClick = (event) => event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);

document.addEventListener("click", (event) => {
  const target = event.target.closest?.("a, button");
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  if (!target || event.defaultPrevented || !isPlainClick(event)) return;
  const inDialog = dialog?.contains(target);
  const pageIsForm = document.querySelector("main [data-dialog-content]") && !inDialog;
  if (target.matches("[data-copy], [data-copy-text]")) copy(target);
  else if (target.matches("[data-dismiss]")) target.closest("[data-notice]").remove(), document.querySelector("main").focus();
  else if (target.matches("[data-leave-anyway]")) leave(target.closest("[data-reveal]").querySelector("[data-done]"));
  else if (target.matches("[data-dialog]") && !pageIsForm) event.preventDefault(), openFromLink(target);
  else if (target.matches("[data-dialog-close]") && inDialog) event.preventDefault(), dialog.close();
  else if (target.matches("[data-done]") && asksBeforeLeaving(target.closest("[data-dialog-content]").parentElement)) event.preventDefault();
  else if (target.matches("[data-done]") && inDialog) event.preventDefault(), leave(target);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.hasAttribute("data-busy")) return event.preventDefault();
  if (form.matches("[data-filters=live]")) return event.preventDefault(), refresh(form, 0);
  if ((event.submitter?.formMethod || form.method) !== "post") return;
  if (!dialog?.contains(form) && !form.matches("[data-opens-dialog]")) return setBusy(form, true);
  event.preventDefault();
  send(form, event.submitter);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-filters=live] select")) refresh(event.target.form, 0);
  else if (event.target.matches("[data-filters] select")) event.target.form.requestSubmit();
  else if (event.target.form?.matches("[data-select]")) select(event.target);
});

// On "input" and not only on "change": a click on the save button leaves the field and would come too late for the update.
document.addEventListener("input", (event) => {
  if (event.target.matches("[data-filters=live] [type=search]")) refresh(event.target.form, 150);
  if (event.target.form) clearError(event.target), sayGroups(event.target.form), askWhatIf(event.target.form);
});

document.addEventListener("copy", (event) => markCopied(event.target.nodeType === 1 ? event.target : event.target.parentElement ?? document.body));

document.addEventListener("keydown", (event) => {
  pressShortcut(event);
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (menu) leaveMenu(menu);
});

addEventListener("beforeunload", (event) => {
  if (uncopied(document)) event.preventDefault();
});
addEventListener("pagehide", () => document.querySelectorAll("[data-reveal]").forEach(forget));
addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-busy]").forEach((form) => setBusy(form, false));
  // The browser can have restored the checkboxes.
  document.querySelectorAll("[data-select]:has([data-select-all])").forEach(countSelected);
});
addEventListener("popstate", (event) => event.state?.keyrack && location.reload());

document.addEventListener("keyrack:replaced", (event) => enhance(event.detail));
enhance(document.body);
document.querySelector(`main ${WRONG}`)?.focus();
highlightRow();
