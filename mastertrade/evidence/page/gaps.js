// The views of waivers and of what no control says anything about.

function waiversView({ model }) {
  const waivers = waiversOf(model.verdicts);
  const own = model.verdicts.filter((each) => each.resource.type === "policies/waivers.yaml");
  const parts = [
    element(
      "p",
      {},
      "Findings that somebody has accepted, for a reason and until a date. Days are counted from ",
      moment(new Date().toLocaleDateString("sv")),
      ", when this page was opened; a waiver holds on its last day.",
    ),
  ];
  if (waivers.length) {
    parts.push(
      element(
        "div",
        { class: "wide" },
        table(
          "Waivers in force",
          [
            { text: "Days left", class: "state" },
            { text: "Accepted by", class: "short" },
            { text: "Control and resources", class: "subject" },
            { text: "Reason", class: "said" },
            { text: "Ticket", class: "short" },
            { text: "From, until", class: "short" },
          ],
          waivers.map(({ control, waiver, verdicts }) => [
            daysLeftMark(waiver.expires),
            told(waiver.owner),
            [
              controlLink(control),
              " ",
              told(control.title),
              element(
                "ul",
                {},
                verdicts.map((each) => element("li", {}, resourceLink(each.resource), " ", typeOf(each.resource))),
              ),
            ],
            told(waiver.reason, 2000),
            told(waiver.ticket),
            `${visible(waiver.accepted, 10)} – ${visible(waiver.expires, 10)}`,
          ]),
          { hideCaption: true, name: "verdicts" },
        ),
      ),
    );
  } else parts.push(element("p", {}, mark("pass", "No finding is accepted"), ": there is no exception in this stack."));
  if (own.length) parts.push(section("What controls say of waivers", verdictTable(own, { caption: "Verdicts about waivers" })));
  return { title: "Waivers", parts };
}

function gapsView({ model }) {
  const resources = model.unjudged.reduce((sum, [, count]) => sum + count, 0);
  const idle = model.controls.filter((each) => !each.verdicts.length);
  const disabled = idle.filter((each) => each.enforcement === "disabled");
  const unknown = model.verdicts.filter((each) => each.state === "unknown").length;
  return {
    title: "Coverage gaps",
    parts: [
      element(
        "ul",
        { class: "tasks" },
        element(
          "li",
          {},
          `${several(resources, "resource")} of ${several(model.unjudged.length, "type")} about which no control says anything`,
        ),
        element(
          "li",
          {},
          unknown ? link(address(["verdicts"], { state: "unknown" }), several(unknown, "unknown verdict")) : "no unknown verdict",
        ),
        element(
          "li",
          {},
          disabled.length
            ? link(address(["controls"], { enforcement: "disabled" }), several(disabled.length, "disabled control"))
            : "no disabled control",
        ),
        element(
          "li",
          {},
          link(address(["controls"], { state: "nothing to judge" }), several(idle.length, "control")),
          " with nothing to judge here",
        ),
      ),
      model.frameworks.length
        ? section(
            "Requirements without a verdict",
            table(
              "Requirements that no control serves, or whose controls have nothing to judge here",
              [
                "Framework",
                { text: "Not covered", class: "figure" },
                { text: "Nothing to judge", class: "figure" },
                { text: "Of", class: "figure" },
              ],
              model.frameworks.map((each) => {
                const counts = statusCounts(each);
                return [
                  link(address(["framework", each.id], { state: "not covered,nothing to judge" }), told(each.title)),
                  number(counts.get("not covered")),
                  number(counts.get("nothing to judge")),
                  number(each.requirements.length),
                ];
              }),
              { hideCaption: true, name: "counts narrow" },
            ),
          )
        : null,
      model.unjudged.length
        ? section(
            "Types without a control",
            element("p", { class: "quiet" }, "docs/controls.md says of each type why."),
            table(
              "Declared types about which no control says anything",
              ["Type", { text: "Resources", class: "figure" }],
              model.unjudged.map(([type, count]) => [code(type), number(count)]),
              { hideCaption: true, name: "counts narrow" },
            ),
          )
        : null,
    ],
  };
}
