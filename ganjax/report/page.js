// Parts of a page that answer; without scripts the first choice of each is shown.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.querySelectorAll("th").forEach((head, column) => {
    head.querySelector("button")?.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = row => row.cells[column].dataset.key ?? row.cells[column].textContent;
      [...body.rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)], [p, q] = [parseFloat(x), parseFloat(y)];
        if (x === "" || y === "") return (x === "") - (y === "");
        const order = isNaN(p) || isNaN(q) ? x.localeCompare(y) : p - q;
        return up ? order : -order;
      }).forEach(row => body.append(row));
    });
  });
}
for (const group of document.querySelectorAll("[data-choices]")) {
  const inputs = [...group.querySelectorAll("input, select")];
  const show = () => {
    const chosen = inputs.filter(i => i.tagName === "SELECT" || i.checked).map(i => i.value);
    for (const part of group.querySelectorAll("[data-choice]"))
      part.hidden = part.dataset.choice !== chosen.join("|");
  };
  inputs.forEach(input => input.addEventListener("change", show));
  show();
}
for (const group of document.querySelectorAll("[data-lines]")) {
  const buttons = [...group.querySelectorAll("[data-line]")];
  const on = button => button.ariaPressed === "true";
  const show = () => {
    group.classList.toggle("crowded", buttons.filter(on).length > group.dataset.lines);
    for (const button of buttons)
      for (const kind of ["line", "band"])
        for (const part of group.querySelectorAll(`[id$="-${kind}${button.dataset.line}"]`))
          part.toggleAttribute("hidden", !on(button));
  };
  const press = (button, state) => button.setAttribute("aria-pressed", state);
  buttons.forEach(button => button.addEventListener("click", () => {
    press(button, !on(button));
    show();
  }));
  for (const all of group.querySelectorAll("[data-all]"))
    all.addEventListener("click", () => {
      buttons.forEach(button => press(button, all.dataset.all));
      show();
    });
}
for (const group of document.querySelectorAll("[data-slider]")) {
  const slider = group.querySelector("input"), label = group.querySelector("output");
  const show = () => {
    label.textContent = slider.dataset.labels.split(",")[slider.value];
    slider.setAttribute("aria-valuetext", label.textContent);
    for (const part of group.querySelectorAll("[data-at]"))
      part.hidden = part.dataset.at !== slider.value;
  };
  slider.addEventListener("input", show);
  show();
}
