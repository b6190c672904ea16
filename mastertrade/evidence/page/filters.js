// The form whose fields are the filters of the address.

/** A form whose fields are the address's filters. `fields` are {key, label, options: [value, text][]}; states are checkboxes. */
function filterForm({ states = [], legend = "State", fields = [], text = null, onChange, clear }) {
  const boxes = states.map((state) => {
    const box = element("input", { type: "checkbox", value: state });
    const count = element("span", { class: "count" });
    return { state, box, count, label: element("label", { class: "chip" }, box, mark(state), count) };
  });
  const selects = fields.map(({ key, label, options }) => {
    const select = element(
      "select",
      {},
      element("option", { value: "" }, "all"),
      options.map(([value, said]) => element("option", { value }, visible(said, 80))),
    );
    return { key, select, label: element("label", { class: "field" }, label, select) };
  });
  const input = text && element("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  let query = new URLSearchParams();

  function changed(typing) {
    const next = new URLSearchParams(query);
    const chosen = boxes.filter(({ box }) => box.checked).map(({ state }) => state);
    next.set("state", chosen.join(","));
    for (const { key, select } of selects) next.set(key, select.value);
    if (input) next.set("q", input.value.trim());
    if (next.get("framework") !== query.get("framework")) next.delete("requirement");
    onChange(next, typing);
  }

  const form = element(
    "form",
    {
      class: "filters",
      "aria-label": "Filters",
      onsubmit: (event) => event.preventDefault(),
      onchange: (event) => event.target !== input && changed(false),
    },
    boxes.length
      ? element(
          "fieldset",
          {},
          element("legend", {}, legend),
          boxes.map((each) => each.label),
        )
      : null,
    input && element("label", { class: "field" }, text, input),
    selects.map((each) => each.label),
    link(clear, "Clear filters"),
  );
  input?.addEventListener("input", () => changed(true));
  input?.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && input.value) {
      event.preventDefault();
      input.value = "";
      changed(true);
    }
  });
  return {
    form,
    /** Shows what the address says; `counts` are what each state would give. */
    show(shown, counts) {
      query = shown;
      const chosen = chosenStates(shown);
      for (const { state, box, count } of boxes) {
        box.checked = chosen.has(state);
        count.textContent = counts ? number(counts.get(state) ?? 0) : "";
      }
      for (const { key, select } of selects) select.value = shown.get(key) ?? "";
      if (input && input.value.trim() !== (shown.get("q") ?? "")) input.value = shown.get("q") ?? "";
    },
  };
}

const namesOf = (values) => values.map((each) => [each, each]);
