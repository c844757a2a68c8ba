// The whole widget.

function render({ model, el: root }) {
  const view = new View(model);
  const ask = asking(model);
  const shown = clips(model, view);
  // JupyterLab's shortcuts would move its cells while arrow keys move a box.
  const node = el("div", { className: "starvid-explorer", "data-lm-suppress-shortcuts": "true" },
    ask,
    status(model, ask),
    el("div", { className: "main-row" },
      el("div", { className: "part" }, el("figcaption", {}, "the plan"), stage(model, view),
        timeline(model, view)),
      el("div", { className: "part" }, shown.node, attention(model, view))),
    files(model));
  root.append(node);
  return shown.end;
}

export default { render };
