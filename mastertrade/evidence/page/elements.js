// How things are drawn. Data enters the page as text, never as markup.

/** An element. Properties that are functions listen, others are attributes; null and false ones are left out, and so are such children. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== false));
  return made;
}

const LONGEST = 160; // letters of a text in a table

// Controls, and what turns the direction of text or has no width: shown as what they are, instead of being obeyed
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function visible(text, longest = Infinity) {
  const short = text.length > longest ? `${[...text.slice(0, longest + 1)].slice(0, -1).join("")}…` : text;
  return short.replace(UNSEEN, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A text of the evidence, which cannot change the direction of what stands around it. */
function told(text, longest = LONGEST) {
  return element("bdi", {}, visible(text, longest));
}

/** The type of a resource, which may be broken where its parts end. */
function typeOf(resource) {
  const parts = visible(resource.type, LONGEST).split(/(?<=[/:])/);
  return element(
    "bdi",
    { class: "type" },
    parts.flatMap((part) => [part, element("wbr")]),
  );
}

function code(text, longest = LONGEST) {
  return element("code", {}, told(text, longest));
}

const NUMBERS = new Intl.NumberFormat("en");
const number = (value) => NUMBERS.format(value);
const several = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

const ICONS = {
  pass: "pass",
  fail: "fail",
  unknown: "unknown",
  waived: "waived",
  "not applicable": "none",
  "nothing to judge": "idle",
  "not covered": "gap",
  soon: "soon",
  worse: "worse",
  better: "better",
  other: "other",
  new: "new",
  gone: "none",
};
const classOf = (state) => `is-${state.replaceAll(" ", "-")}`;

function icon(state) {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawn.setAttribute("class", "icon");
  drawn.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${ICONS[state]}`);
  drawn.append(use);
  return drawn;
}

/** A state, by sign, word and colour. */
function mark(state, word = state) {
  return element("span", { class: `mark ${classOf(state)}` }, icon(state), word);
}

/** Counts as a bar. Figures stand beside it, so that it is a picture only. */
function picture(counts) {
  const parts = [...counts].filter(([, count]) => count);
  const bar = element("span", { class: "picture", "aria-hidden": "true" });
  for (const [state, count] of parts) {
    const part = element("span", { class: `part ${classOf(state)}` });
    part.style.flexGrow = count;
    bar.append(part);
  }
  return bar;
}

const link = (href, ...children) => element("a", { href }, ...children);

/** An address of the evidence; a link only if a browser would fetch it. */
function outward(url) {
  return /^https?:\/\//.test(url) ? element("a", { href: url, rel: "noreferrer noopener", target: "_blank" }, told(url)) : told(url);
}

/** ISO date and time, to the minute. */
function moment(date) {
  const said = date.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:[\d.]+)?/, "$1 $2 ").replace(/(\+00:00|Z)$/, "UTC");
  return element("time", { datetime: date }, visible(said, LONGEST));
}

function shortCommit(commit) {
  return commit ? code(commit.id.slice(0, 10)) : "outside of git";
}

function commitLine(commit) {
  return commit ? ["commit ", shortCommit(commit), " of ", moment(commit.date)] : ["outside of git"];
}

function controlLink(control) {
  return link(address(["control", control.id]), code(control.id));
}

function resourceLink(resource) {
  return link(address(["resource", resource.urn]), told(resource.urn ? resource.name : "the stack as a whole"));
}

function regionName(region) {
  return region ? told(region) : element("span", { class: "quiet" }, "no region");
}

/** What a waiver says, in one line. */
function acceptance(waiver) {
  return element(
    "span",
    {},
    "accepted by ",
    element("strong", {}, told(waiver.owner)),
    ` on ${visible(waiver.accepted, 10)} until ${visible(waiver.expires, 10)} (`,
    daysLeftMark(waiver.expires),
    ", ",
    told(waiver.ticket),
    "): ",
    told(waiver.reason, 1000),
  );
}

const SOON_DAYS = 14; // in which a waiver is to be seen to

function daysLeftMark(expires) {
  const days = daysLeft(expires);
  if (Number.isNaN(days)) return mark("unknown", "no date");
  if (days < 0) return mark("fail", `ended ${several(-days, "day")} ago`);
  return days <= SOON_DAYS ? mark("soon", `${several(days, "day")} left`) : element("span", {}, `${several(days, "day")} left`);
}

/** Terms and what is said of them. */
function facts(...pairs) {
  return element(
    "dl",
    { class: "facts" },
    pairs.filter(Boolean).flatMap(([term, ...said]) => [element("dt", {}, term), element("dd", {}, ...said)]),
  );
}

function section(title, ...children) {
  return element("section", {}, element("h2", {}, title), ...children);
}
