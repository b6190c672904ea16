// What an auditor asks next about some verdicts: how many have each state, of which commit, since when, and who accepts what.

/** States with their numbers, as a picture and in words. */
function tally(counts, queryOf) {
  return element(
    "div",
    { class: "tally" },
    picture(counts),
    element(
      "ul",
      { class: "marks" },
      [...counts].map(([state, count]) => {
        const shown = mark(state, element("span", {}, element("b", {}, number(count)), ` ${state}`));
        return element(
          "li",
          { class: count ? null : "zero" },
          count && queryOf ? link(address(["verdicts"], queryOf(state)), shown) : shown,
        );
      }),
    ),
  );
}

/** Of which commit verdicts are, since when they are so, and who accepts what: what an auditor asks next. */
function answerOf(verdicts, model, history) {
  const waivers = waiversOf(verdicts);
  return [
    facts(
      ["As of", ...commitLine(model.commit)],
      ["Unchanged since", ...sinceWhen(verdicts, history)],
      ["Accepted", waivers.length ? element("ul", {}, waivers.map(acceptedItem)) : "no exception"],
    ),
  ];
}

function acceptedItem({ control, waiver, verdicts }) {
  return element(
    "li",
    {},
    controlLink(control),
    " of ",
    verdicts.length === 1 ? resourceLink(verdicts[0].resource) : several(verdicts.length, "resource"),
    " ",
    acceptance(waiver),
  );
}

function sinceWhen(verdicts, history) {
  if (!history.length) return [link(address(["changes"]), "compare with an earlier evidence.json"), " to tell"];
  const sinces = new Map();
  for (const verdict of verdicts) {
    const since = unchangedSince(verdict, history);
    sinces.set(since, (sinces.get(since) ?? 0) + 1);
  }
  const lines = history
    .filter((each) => sinces.has(each))
    .map((each) =>
      element(
        "li",
        {},
        sinces.get(each) === verdicts.length ? "all" : number(sinces.get(each)),
        " since ",
        ...commitLine(each.commit),
        ", or longer",
      ),
    );
  if (sinces.has(null)) {
    const count = sinces.get(null) === verdicts.length ? "all" : number(sinces.get(null));
    lines.push(element("li", {}, link(address(["changes"]), `${count} changed or new`), " after ", ...commitLine(history[0].commit)));
  }
  return [element("ul", {}, lines)];
}
