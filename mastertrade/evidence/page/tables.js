// Tables: counts by group, and verdicts.

/** A table. Columns are texts, or {text, class}; `rows` are arrays of cells, the first of which heads its row; one that is a `td` is taken as it is. */
function table(caption, columns, rows, { hideCaption = false, name = "" } = {}) {
  const cellClass = columns.map((each) => each.class ?? null);
  return element(
    "table",
    { class: name || null },
    element("caption", { class: hideCaption ? "spoken" : null }, caption),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        columns.map((each) => element("th", { scope: "col", class: each.class ?? null }, each.text ?? each)),
      ),
    ),
    element(
      "tbody",
      {},
      rows.map((cells) =>
        element(
          "tr",
          {},
          cells.map((cell, index) => {
            if (cell instanceof HTMLTableCellElement) return cell;
            if (!index) return element("th", { scope: "row", class: cellClass[0] }, cell);
            return element(
              "td",
              { class: cellClass[index], "data-label": cellClass[index] === "figure" ? columns[index].text : null },
              cell,
            );
          }),
        ),
      ),
    ),
  );
}

const FIGURE_COLUMNS = [{ text: "Picture", class: "drawn" }, ...STATES.map((state) => ({ text: state, class: "figure" }))];

/** One cell in the place of FIGURE_COLUMNS. */
const insteadOfFigures = (...said) => element("td", { colspan: FIGURE_COLUMNS.length, class: "quiet" }, ...said);

/** The cells of FIGURE_COLUMNS; each figure leads to its verdicts. `query` selects the group, null where nothing does. */
function figures(counts, query) {
  return [picture(counts), ...[...counts].map(([state, count]) => figure(count, state, query))];
}

function figure(count, state, query) {
  if (!count) return element("span", { class: "quiet" }, "0");
  const urgent = state === "fail" || state === "unknown" || state === "waived";
  const content = urgent ? mark(state, number(count)) : number(count);
  return query ? link(address(["verdicts"], { ...query, state }), content) : content;
}

/** What was found, why nothing can be told, or who accepts it. */
function said(verdict) {
  const parts = [];
  if (verdict.waiver) parts.push(element("p", {}, acceptance(verdict.waiver)));
  if (verdict.findings.length) {
    parts.push(
      element(
        "ul",
        {},
        verdict.findings.map((each) =>
          element("li", {}, code(each.property), ": found ", told(each.found || "nothing", 400), ", wanted ", told(each.wanted, 400)),
        ),
      ),
    );
  } else if (verdict.message) parts.push(element("p", {}, told(verdict.message, 1000)));
  return parts;
}

function sinceCell(verdict, history) {
  const since = unchangedSince(verdict, history);
  if (since) return [shortCommit(since.commit), ", or longer"];
  const before = history[0].verdicts.get(keyOf(verdict))?.state;
  return [before ? `${before} at ` : "new after ", shortCommit(history[0].commit)];
}

const FIRST_ROWS = 30; // more than a window shows; laying out three times as many takes longer than a letter of the search may
const SCROLLED_ROWS = 100;
const MORE_ROWS = 500;

/**
 * Verdicts as a table, what needs a reader first: under their controls, or with `subject: "control"` a row for each control of a resource.
 * Rows up to the first hundred are drawn as the reader comes near them, those beyond when asked for, and all of them for printing.
 */
function verdictTable(verdicts, { caption, history = [], subject = "resource", grouped = true }) {
  const ordered = inUrgency(verdicts, grouped);
  const columns = [
    { text: "State", class: "state" },
    { text: subject === "control" ? "Control" : "Resource", class: "subject" },
    ...(subject === "control"
      ? [{ text: "Severity", class: "short" }]
      : [
          { text: "Region", class: "short" },
          { text: "Declared at", class: "short" },
        ]),
    ...(history.length ? [{ text: "Unchanged since", class: "short" }] : []),
    { text: "What was found", class: "said" },
  ];
  const head = element(
    "thead",
    {},
    element(
      "tr",
      {},
      columns.map((each) => element("th", { scope: "col", class: each.class }, each.text)),
    ),
  );
  const drawn = element("table", { class: "verdicts" }, element("caption", { class: "spoken" }, caption), head);
  const foot = element("p", { class: "more" });
  let shown = 0;
  let body = null;

  function row(verdict) {
    const { control, resource } = verdict;
    const cells =
      subject === "control"
        ? [
            element("th", { scope: "row", class: "subject" }, controlLink(control), " ", told(control.title)),
            element("td", { class: "short" }, strictness(control)),
          ]
        : [
            element("th", { scope: "row", class: "subject" }, resourceLink(resource), " ", typeOf(resource)),
            element("td", { class: "short" }, regionName(resource.region)),
            element("td", { class: "short" }, code(resource.source)),
          ];
    if (history.length) cells.push(element("td", { class: "short" }, sinceCell(verdict, history)));
    return element(
      "tr",
      {},
      element("td", { class: "state" }, mark(verdict.state)),
      cells,
      element("td", { class: "said" }, said(verdict)),
    );
  }

  function draw(upTo) {
    const added = document.createDocumentFragment();
    for (const verdict of ordered.slice(shown, upTo)) {
      if (!body || (grouped && body.control !== verdict.control)) {
        body = element("tbody", {}, grouped && element("tr", { class: "group" }, groupHead(verdict.control, columns.length)));
        body.control = verdict.control;
        added.append(body);
      }
      body.append(row(verdict));
    }
    drawn.append(added);
    shown = Math.min(upTo, ordered.length);
    const left = ordered.length - shown;
    foot.replaceChildren(
      ...(left
        ? [
            `${number(shown)} of ${number(ordered.length)} shown. `,
            left > MORE_ROWS && element("button", { type: "button", onclick: () => draw(shown + MORE_ROWS) }, `Show ${MORE_ROWS} more`),
            " ",
            element("button", { type: "button", onclick: () => draw(ordered.length) }, `Show all ${number(ordered.length)}`),
          ].filter(Boolean)
        : []),
    );
  }

  draw(FIRST_ROWS);
  if (shown < ordered.length) {
    const nearEnd = new IntersectionObserver(
      ([seen]) => {
        if (!seen.isIntersecting) return;
        nearEnd.disconnect();
        draw(Math.max(shown, SCROLLED_ROWS));
      },
      { rootMargin: "400px" },
    );
    nearEnd.observe(foot);
  }
  const whole = element("div", { class: "wide" }, drawn, foot);
  whole.drawAll = () => draw(ordered.length);
  return whole;
}

function groupHead(control, columns) {
  return element(
    "th",
    { scope: "rowgroup", colspan: columns },
    controlLink(control),
    " ",
    told(control.title),
    " ",
    element("span", { class: "quiet" }, strictness(control)),
  );
}

function strictness(control) {
  return [control.severity, control.enforcement]
    .filter(Boolean)
    .map((each) => visible(each, 20))
    .join(", ");
}

/** The worst first; what is alike stays in its order. In groups a control is as urgent as its worst verdict. Sorts by counting. */
function inUrgency(verdicts, grouped) {
  const groups = new Map();
  for (const verdict of verdicts) {
    const key = grouped ? verdict.control : null;
    if (!groups.has(key)) groups.set(key, new Map(STATES.map((state) => [state, []])));
    groups.get(key).get(verdict.state).push(verdict);
  }
  const ordered = [...groups.values()].map((byState) => [...byState.values()].flat());
  const byWorst = Map.groupBy(ordered, (group) => group[0].state);
  return STATES.flatMap((state) => byWorst.get(state) ?? []).flat();
}
