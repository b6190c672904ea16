// The view of what changed since earlier evidence.

function changesView({ model, history, query, go, compare }) {
  const problems = element("ul");
  const alert = element("div", { role: "alert", class: "problems" }, problems);
  const input = element("input", {
    type: "file",
    id: "earlier-file",
    accept: ".json,application/json",
    multiple: true,
    onchange: async () => problems.replaceChildren(...problemItems(await compare([...input.files]))),
  });
  const chooser = element(
    "p",
    { class: "chooser" },
    element("label", { for: "earlier-file" }, "Compare with an earlier evidence.json"),
    " ",
    input,
    element(
      "span",
      { class: "quiet" },
      " Read by this browser, sent nowhere. Several tell since when each verdict has been as it is; `mastertrade audit --since FILE` writes a page that has read them.",
    ),
  );
  if (!history.length) return { title: "What changed since", parts: [chooser, alert] };

  const filters = filterForm({
    states: KINDS,
    legend: "Change",
    fields: [
      {
        key: "since",
        label: "Since",
        options: history.map((each, index) => [
          String(index),
          each.commit ? `${each.commit.id.slice(0, 10)} of ${each.commit.date.slice(0, 10)}` : "no commit",
        ]),
      },
    ],
    onChange: (next) => go(address(["changes"], next)),
    clear: address(["changes"]),
  });
  filters.form.querySelector("select option").remove(); // one of them is always compared with
  const status = element("p", { role: "status", class: "status" });
  const results = element("div");

  function update(asked) {
    const snapshot = history[Number(asked.get("since"))] ?? history[0];
    const changes = changesSince(snapshot, model);
    const kinds = chosenStates(asked);
    const found = changes.filter((each) => !kinds.size || kinds.has(each.kind));
    const shown = new URLSearchParams(asked);
    shown.set("since", String(history.indexOf(snapshot)));
    filters.show(shown, new Map(KINDS.map((kind) => [kind, changes.filter((each) => each.kind === kind).length])));
    status.replaceChildren(
      `${several(found.length, "change")} between `,
      ...commitLine(snapshot.commit),
      " and ",
      ...commitLine(model.commit),
    );
    const controls = controlChangesSince(snapshot, model);
    results.replaceChildren(
      found.length ? changesTable(found) : "",
      changes.length ? "" : element("p", {}, mark("pass", "Nothing changed"), ": every verdict is as it was."),
      controls.length ? section("Controls that came, went or are enforced otherwise", controlChangesTable(controls)) : "",
    );
  }
  update(query);
  return { title: "What changed since", parts: [chooser, alert, filters.form, status, results], update };
}

const problemItems = (problems) => problems.map((each) => element("li", {}, mark("fail", "Not read"), " ", told(each, 400)));

function changesTable(changes) {
  const ordered = KINDS.flatMap((kind) => changes.filter((each) => each.kind === kind));
  const foot = element("p", { class: "more" });
  const holder = element("div", { class: "wide" });
  const stateOf = (state) => (state ? mark(state) : element("span", { class: "quiet" }, "none"));

  function draw(upTo) {
    const drawn = table(
      "Changes",
      [
        { text: "Change", class: "state" },
        { text: "Before", class: "state" },
        { text: "Now", class: "state" },
        { text: "Resource", class: "subject" },
        { text: "Control", class: "subject" },
        { text: "What was found", class: "said" },
      ],
      ordered
        .slice(0, upTo)
        .map(({ kind, before, after, control, resource, verdict }) => [
          mark(kind),
          stateOf(before),
          stateOf(after),
          [verdict ? resourceLink(resource) : told(resource.name), " ", typeOf(resource)],
          [verdict ? controlLink(control) : code(control.id), " ", told(control.title)],
          verdict ? said(verdict) : "",
        ]),
      { hideCaption: true, name: "verdicts" },
    );
    foot.replaceChildren(
      ...(upTo < ordered.length
        ? [
            `${number(upTo)} of ${number(ordered.length)} shown. `,
            element("button", { type: "button", onclick: () => draw(ordered.length) }, `Show all ${number(ordered.length)}`),
          ]
        : []),
    );
    holder.replaceChildren(drawn, foot);
  }
  draw(FIRST_ROWS);
  holder.drawAll = () => draw(ordered.length);
  return holder;
}

function controlChangesTable(changes) {
  const said = (enforcement) => (enforcement === null ? element("span", { class: "quiet" }, "none") : visible(enforcement, 20));
  return table(
    "Controls that came, went or are enforced otherwise",
    [
      { text: "Control", class: "subject" },
      { text: "Before", class: "short" },
      { text: "Now", class: "short" },
    ],
    changes.map(({ control, before, after }) => [
      [after === null ? code(control.id) : controlLink(control), " ", told(control.title)],
      said(before),
      said(after),
    ]),
    { hideCaption: true, name: "counts narrow" },
  );
}
