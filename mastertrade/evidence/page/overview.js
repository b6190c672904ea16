// The first view. As every view it takes {model, history, path, query, go, compare} and gives {title, parts, update}: what it is called,
// what it shows, and, where the address holds filters, what has to change with them.

function overview({ model, history }) {
  const failures = failuresOf(model);
  const packOf = countedBy(
    model.verdicts,
    model.packs.map((each) => each.name),
    (each) => each.control.pack,
  );
  const regionOf = countedBy(model.verdicts, model.regions, (each) => each.resource.region);
  const waivers = waiversOf(model.verdicts);
  const unjudged = model.unjudged.reduce((sum, [, count]) => sum + count, 0);
  const parts = [
    element(
      "p",
      { class: "verdict" },
      mark(model.compliant ? "pass" : "fail", model.compliant ? "Compliant" : "Not compliant"),
      model.compliant
        ? ": under mandatory controls nothing fails, and nothing is unknown."
        : `: ${number(failures.length)} failed or unknown under mandatory controls.`,
    ),
    tally(counted(model.verdicts), (state) => ({ state })),
    element(
      "ul",
      { class: "tasks" },
      element(
        "li",
        {},
        link(address(["waivers"]), several(waivers.length, "waiver")),
        waivers.length ? [", the next ends in ", daysLeftMark(waivers[0].waiver.expires)] : "",
      ),
      element(
        "li",
        {},
        link(address(["gaps"]), several(unjudged, "resource")),
        ` of ${several(model.unjudged.length, "type")} without a control`,
      ),
      element(
        "li",
        {},
        history.length ? changesLine(history[0], model) : [link(address(["changes"]), "What changed since"), " an earlier evidence.json?"],
      ),
    ),
  ];
  const packs = section(
    "By pack",
    table(
      "Verdicts by pack",
      ["Pack", ...FIGURE_COLUMNS],
      model.packs.map((pack) => [
        [link(address(["verdicts"], { pack: pack.name }), told(pack.name))],
        ...figures(packOf.get(pack.name), { pack: pack.name }),
      ]),
      { hideCaption: true, name: "counts" },
    ),
  );
  const regions = section(
    "By region",
    table(
      "Verdicts by region",
      ["Region", ...FIGURE_COLUMNS],
      model.regions.map((region) => [
        link(address(["verdicts"], { region: region || NO_REGION }), regionName(region)),
        ...figures(regionOf.get(region), { region: region || NO_REGION }),
      ]),
      { hideCaption: true, name: "counts" },
    ),
  );
  parts.push(element("div", { class: "beside" }, packs, regions));
  if (model.frameworks.length) {
    const frameworks = table(
      "Verdicts by framework",
      ["Framework", ...FIGURE_COLUMNS, { text: "requirements covered", class: "figure" }],
      model.frameworks.map((each) => [
        [link(address(["framework", each.id]), told(each.title)), " ", element("span", { class: "quiet" }, told(each.version))],
        ...figures(counted(verdictsServing(each.requirements)), { framework: each.id }),
        `${number(each.requirements.filter((one) => one.controls.length).length)} of ${number(each.requirements.length)}`,
      ]),
      { hideCaption: true, name: "counts" },
    );
    parts.push(section("By framework", frameworks));
  }
  const urgent = model.verdicts.filter((each) => each.state === "fail" || each.state === "unknown");
  if (urgent.length) {
    parts.push(
      section(
        "Failed or unknown",
        verdictTable(inUrgency(urgent, false).slice(0, 10), { caption: "The first verdicts that failed or are unknown", history }),
        urgent.length > 10 && element("p", {}, link(address(["verdicts"], { state: "fail,unknown" }), `All ${number(urgent.length)}`)),
      ),
    );
  }
  return { title: "Overview", parts };
}

function changesLine(snapshot, model) {
  const changes = changesSince(snapshot, model);
  const worse = changes.filter((each) => each.kind === "worse").length;
  return [
    link(address(["changes"]), several(changes.length, "change")),
    " since ",
    shortCommit(snapshot.commit),
    worse ? [", ", mark("worse", `${number(worse)} for the worse`)] : "",
  ];
}
