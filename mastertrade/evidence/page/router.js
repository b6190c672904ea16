// Which view the address asks for, and how to get from one to another.

const VIEWS = {
  "": overview,
  verdicts: verdictsView,
  frameworks: frameworksView,
  framework: frameworkView,
  controls: controlsView,
  control: controlView,
  resource: resourceView,
  waivers: waiversView,
  gaps: gapsView,
  changes: changesView,
};
const MENU = [
  ["", "Overview", [""]],
  ["verdicts", "Verdicts", ["verdicts", "resource"]],
  ["frameworks", "Frameworks", ["frameworks", "framework"]],
  ["controls", "Controls", ["controls", "control"]],
  ["waivers", "Waivers", ["waivers"]],
  ["gaps", "Coverage gaps", ["gaps"]],
  ["changes", "What changed since", ["changes"]],
];

function missing(what, id) {
  return {
    title: "Nothing of that name",
    parts: [element("p", {}, `This evidence has no ${what} `, code(id), ". ", link(address([""]), "Overview"), " shows what it has.")],
  };
}

const started = performance.now();
const model = unpacked(embedded("evidence"));
let earlier = inOrder(embedded("earlier").map(snapshotOf));
let current = null;

const main = document.getElementById("main");
const searchText = document.getElementById("search-text");
const menu = document.getElementById("views");

/** Shows what the address says. A new view is drawn and focused; of the same one only what its filters select. */
function show({ focus = false, anew = false } = {}) {
  const { path, query } = parsedAddress(location.hash);
  const key = JSON.stringify(path);
  const begun = performance.now();
  const searched = path[0] === "verdicts" ? (query.get("q") ?? "") : "";
  if (searchText.value.trim() !== searched) searchText.value = searched; // a space just typed stays
  if (!anew && current?.key === key && current.update) current.update(query);
  else {
    const view = (Object.hasOwn(VIEWS, path[0]) ? VIEWS[path[0]] : () => missing("page", path[0]))({
      model,
      history: earlier,
      path,
      query,
      go,
      compare,
    });
    current = { key, update: view.update };
    const heading = element("h1", { tabindex: "-1" }, told(view.title, 300));
    main.replaceChildren(...[view.crumbs?.length ? crumbs(view.crumbs) : null, heading, ...view.parts].filter(Boolean));
    document.title = `${visible(view.title, 80)} – ${visible(`${model.project} ${model.stack}`, 80)} evidence`;
    for (const each of menu.children) each.firstChild.toggleAttribute("aria-current", each.views.includes(path[0]));
    for (const each of menu.querySelectorAll("[aria-current]")) each.setAttribute("aria-current", "page");
    if (focus) {
      heading.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }
  main.dataset.milliseconds = (performance.now() - begun).toFixed(1);
}

function crumbs(steps) {
  return element(
    "nav",
    { "aria-label": "Way here", class: "crumbs" },
    element(
      "ol",
      {},
      steps.map(([href, text]) => element("li", {}, link(href, told(text)))),
    ),
  );
}

/** To an address. Typing does not make an entry of history with each letter. */
function go(href, typing = false) {
  if (href === location.hash) return;
  history[typing ? "replaceState" : "pushState"](null, "", href);
  show();
}

/** Adds files to what is compared with. Gives what is wrong with those that are no evidence, a text each. */
async function compare(files) {
  const problems = [];
  const found = [];
  for (const file of files) {
    try {
      found.push(snapshotOfFile(await file.text(), model));
    } catch (error) {
      problems.push(`${file.name} ${error.message}`);
    }
  }
  if (!found.length) return problems;
  const fresh = new Set(found.map((each) => each.label));
  earlier = inOrder([...earlier.filter((each) => !fresh.has(each.label)), ...found]);
  show({ anew: true });
  document.getElementById("earlier-file")?.focus();
  if (problems.length) main.querySelector("[role=alert] ul")?.replaceChildren(...problemItems(problems));
  return problems;
}

function about() {
  const modes = { simulated: "evaluated offline, as after a deployment", first: "evaluated offline, as before the first deployment" };
  const parts = [
    link("#/", mark(model.compliant ? "pass" : "fail", model.compliant ? "Compliant" : "Not compliant")),
    element(
      "span",
      {},
      ...commitLine(model.commit),
      model.commit && !model.commit.clean ? [", ", mark("unknown", "with changes beside it")] : "",
    ),
    element("span", {}, visible(modes[model.mode] ?? model.mode, 80)),
  ];
  document.getElementById("about").replaceChildren(...parts);
  document
    .getElementById("whole-commit")
    .replaceChildren(...(model.commit ? ["commit ", code(model.commit.id)] : ["a folder outside of git"]));
  document.getElementById("stack").replaceChildren(told(model.project), " ", element("strong", {}, told(model.stack)));
}

for (const [path, text, views] of MENU) {
  const item = element("li", {}, link(address([path]), text));
  item.views = views;
  menu.append(item);
}
about();

document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const { path, query } = parsedAddress(location.hash);
  const asked = path[0] === "verdicts" ? query : new URLSearchParams();
  asked.set("q", searchText.value.trim());
  const href = address(["verdicts"], asked);
  if (path[0] === "verdicts") go(href);
  else location.hash = href;
});
searchText.addEventListener("input", () => {
  const { path, query } = parsedAddress(location.hash);
  if (path[0] !== "verdicts") return;
  query.set("q", searchText.value.trim());
  go(address(["verdicts"], query), true);
});
searchText.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !searchText.value) return;
  event.preventDefault();
  searchText.value = "";
  searchText.dispatchEvent(new Event("input"));
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
document.getElementById("theme").addEventListener("change", (event) => (document.documentElement.dataset.theme = event.target.value));
addEventListener("hashchange", () => show({ focus: true }));
addEventListener("beforeprint", () => {
  for (const each of main.querySelectorAll(".wide")) each.drawAll?.();
  for (const each of main.querySelectorAll("details")) each.open = true;
});

show();
main.dataset.opened = (performance.now() - started).toFixed(1);
