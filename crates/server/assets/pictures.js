// Enhancements of the pages with images and models: dropping files, an outcome for each file, and live progress.
// Every page works without this script. It runs together with app.js, and notifies it of new content through events.

const parse = (html) => new DOMParser().parseFromString(html, "text/html");
const enhanced = (root) => document.dispatchEvent(new CustomEvent("keyrack:replaced", { detail: root }));
const isArchive = (file) => /\.zip$/i.test(file.name) || /zip/.test(file.type);
const images = (count) => (count === 1 ? "1 image" : `${count} images`);

// ---- Uploads: each image in its own request, so that a denied image does not stop the others.

const AT_ONCE = 3;

async function upload(section, files) {
  const form = section.querySelector("[data-upload]");
  if (!files.length || form.hasAttribute("data-busy")) return;
  form.setAttribute("data-busy", "");
  section.querySelector("[data-uploads]").hidden = false;
  section.querySelector("[data-outcomes]").replaceChildren();
  section.querySelector("[data-uploads-done]").hidden = true;
  // An archive leads to a page of its own, so it cannot be uploaded together with other files.
  if (!files.some(isArchive)) await uploadPictures(section, form, files);
  else if (files.length === 1) await uploadArchive(section, form, files[0]);
  else say(section, "Upload one .zip at a time, without other files.");
  form.removeAttribute("data-busy");
  form.reset();
}

async function uploadPictures(section, form, files) {
  const bar = section.querySelector("[data-uploads-bar]");
  const waiting = [...files];
  let done = 0, added = 0;
  bar.max = files.length;
  const tell = () => {
    bar.value = done;
    say(section, done < files.length ? `Uploading: ${done} of ${images(files.length)}` : `${added} of ${images(files.length)} added.`);
  };
  const worker = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const refused = await uploadOne(form, file);
      if (refused) section.querySelector("[data-outcomes]").append(refused);
      else added += 1;
      done += 1;
      tell();
    }
  };
  tell();
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (added === files.length) location.assign(form.dataset.done ?? section.querySelector("[data-uploads-done] a").href);
  else section.querySelector("[data-uploads-done]").hidden = added === 0;
}

/** Sends one image. Resolves to a list item if the image was denied, and to null otherwise. */
async function uploadOne(form, file) {
  const body = new FormData();
  body.append("batch", form.elements.batch.value);
  body.append("each", "1");
  body.append("files", file);
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
    const page = parse(await answer.text());
    const outcome = page.querySelector("[data-outcomes] li");
    if (outcome) return outcome.matches(".outcome-refused") ? outcome : null;
    const why = page.querySelector("[data-broken], main .lead, main p");
    return refusal(file.name, why?.textContent ?? "Couldn't upload. Try again.");
  } catch {
    return refusal(file.name, "Couldn't upload. To upload a folder, zip it first.");
  }
}

function refusal(name, why) {
  const item = document.createElement("li");
  item.className = "outcome outcome-refused";
  const strong = document.createElement("strong");
  strong.textContent = name;
  const words = document.createElement("span");
  words.append(strong, ` ${why}`);
  item.append(words);
  return item;
}

/** Sends an archive with XMLHttpRequest, because fetch reports no progress of an upload. */
function uploadArchive(section, form, file) {
  const bar = section.querySelector("[data-uploads-bar]");
  const body = new FormData();
  body.append("batch", form.elements.batch.value);
  body.append("files", file);
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "text/html");
    bar.max = file.size || 1;
    say(section, `Uploading ${file.name}`);
    request.upload.onprogress = (event) => (bar.value = event.loaded);
    request.onload = () => {
      if (request.responseURL !== form.action) return location.assign(request.responseURL);
      const outcome = parse(request.responseText).querySelector("[data-outcomes] li, [data-broken]");
      fail(outcome?.matches("li") ? outcome : refusal(file.name, outcome?.textContent ?? "Couldn't upload. Try again."));
    };
    const fail = (outcome) => {
      section.querySelector("[data-outcomes]").append(outcome);
      say(section, `${file.name} couldn't be imported.`);
      resolve();
    };
    request.onerror = () => fail(refusal(file.name, "Couldn't upload: the connection was lost."));
    request.send(body);
  });
}

function say(section, text) {
  section.querySelector("[data-uploads-says]").textContent = text;
}

// ---- Predictions: the result replaces a part of the page.

async function ask(form) {
  if (form.hasAttribute("data-busy")) return;
  const answer = form.parentElement.querySelector("[data-answer]");
  form.setAttribute("data-busy", "");
  answer.setAttribute("aria-busy", "true");
  answer.textContent = "Running…";
  try {
    const reply = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "text/html" } });
    const page = parse(await reply.text());
    const found = page.querySelector("[data-answer]");
    if (found) answer.replaceChildren(...found.childNodes);
    else answer.textContent = page.querySelector("main p")?.textContent ?? "Something went wrong. Try again.";
  } catch {
    answer.textContent = "The server didn't respond. Try again.";
  }
  answer.removeAttribute("aria-busy");
  form.removeAttribute("data-busy");
}

// ---- Dropping files: anywhere on a page with an upload form.

const takesFiles = (event) => document.querySelector("[data-drop]") && !document.querySelector("dialog[open]") && event.dataTransfer?.types.includes("Files");
const highlight = (on) => document.querySelector("[data-drop]")?.classList.toggle("is-dropping", on);
let leaving;

document.addEventListener("dragover", (event) => {
  if (!takesFiles(event)) return;
  event.preventDefault();
  clearTimeout(leaving);
  highlight(true);
});
document.addEventListener("dragleave", () => {
  clearTimeout(leaving);
  leaving = setTimeout(() => highlight(false), 120);
});
document.addEventListener("drop", (event) => {
  if (!takesFiles(event)) return;
  event.preventDefault();
  highlight(false);
  const section = document.querySelector("[data-drop]");
  const trial = section.querySelector("[data-try]");
  if (!trial) return upload(section, [...event.dataTransfer.files]);
  const one = new DataTransfer();
  if (event.dataTransfer.files[0]) one.items.add(event.dataTransfer.files[0]);
  trial.elements.image.files = one.files;
  ask(trial);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-upload], [data-try]")) return;
  // Runs before the handler of app.js, which would mark the form as busy until another page loads.
  event.preventDefault();
  event.stopImmediatePropagation();
  if (form.matches("[data-try]")) ask(form);
  else upload(form.closest("[data-drop]"), [...form.elements.files.files]);
}, true);

document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.matches("[data-upload] [type=file]")) upload(input.closest("[data-drop]"), [...input.files]);
  else if (input.matches("[data-try] [type=file]") && input.files.length) ask(input.form);
});

// ---- Progress: polls the page, and replaces the part that changes.

const LOOK = 1000;
const within = (part) => [...part.querySelectorAll("a, button, input, summary")];

async function look() {
  const part = document.querySelector("[data-live]");
  if (part && !document.hidden && !document.querySelector("dialog[open]")) {
    try {
      const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" }, cache: "no-store" });
      const fresh = !answer.redirected && parse(await answer.text()).querySelector("[data-live-part]");
      // An unchanged part stays in the document, because the user may be about to press a button in it.
      if (fresh && part.isConnected && !part.isEqualNode(fresh)) replace(part, fresh);
    } catch {
      // The server did not answer. The next poll may succeed.
    }
  }
  setTimeout(look, LOOK);
}

/** Replaces the part, and keeps the focus and the open details elements unless the state has changed. */
function replace(part, fresh) {
  const focused = within(part).indexOf(document.activeElement);
  const open = [...part.querySelectorAll("details")].map((fold) => fold.open);
  const news = fresh.dataset.liveState !== part.dataset.liveState && fresh.dataset.liveState;
  part.replaceWith(fresh);
  enhance(fresh);
  enhanced(fresh);
  if (!news) {
    [...fresh.querySelectorAll("details")].forEach((fold, index) => (fold.open = open[index] ?? fold.open));
    within(fresh)[focused]?.focus({ preventScroll: true });
  } else {
    // The message is about the previous state.
    document.querySelector("[data-notice]")?.remove();
    tell(news);
  }
}

function tell(news) {
  let region = document.querySelector("[data-news]");
  if (!region) {
    region = document.createElement("p");
    region.className = "sr-only";
    region.dataset.news = "";
    region.setAttribute("role", "status");
    document.querySelector("main").append(region);
  }
  setTimeout(() => (region.textContent = news), 50);
}

// ---- Setup

function enhance(root) {
  for (const hidden of root.querySelectorAll("[data-can-drop]")) hidden.hidden = false;
  for (const hidden of root.querySelectorAll("[data-upload-send], [data-look-again]")) hidden.hidden = true;
}

document.addEventListener("keyrack:page", (event) => enhance(event.detail));
addEventListener("pageshow", () => enhance(document.body));
enhance(document.body);
look();
