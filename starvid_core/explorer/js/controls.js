// What is asked for, what the buttons do, and what the kernel says.

const does = (model, what) => () => model.send({ do: what });

// An input that shows a trait and changes it.
function bound(model, name, node, read = (value) => value) {
  const show = () => {
    if (document.activeElement !== node) node.value = model.get(name);
  };
  node.addEventListener("change", () => {
    const value = read(node.value);
    if (Number.isNaN(value)) return show();
    model.set(name, value);
    model.save_changes();
  });
  model.on(`change:${name}`, show);
  show();
  return node;
}

function choice(model, name, listed) {
  return bound(model, name, el("select", { className: name },
    ...listed.map((one) => el("option", { value: one }, one))));
}

// The numbers of the chosen method; what differs from the published value is kept.
function numbers(model) {
  const grid = el("div", { className: "numbers" });
  const field = (method, name, published) => {
    const given = model.get("numbers")[method]?.[name] ?? published;
    const input = el("input", {
      type: "number", step: "any", min: 0, value: given, className: `number-${name}`,
      onchange: () => {
        const own = { ...model.get("numbers")[method] };
        const value = Number.parseFloat(input.value);
        if (Number.isNaN(value) || value === published) delete own[name];
        else own[name] = value;
        if (Number.isNaN(value)) input.value = published;
        model.set("numbers", { ...model.get("numbers"), [method]: own });
        model.save_changes();
      },
    });
    return el("label", { title: `published: ${published}` }, name.replaceAll("_", " "), input);
  };
  const draw = () => {
    const method = model.get("method");
    const published = Object.entries(model.get("published")[method] ?? {});
    grid.replaceChildren(...published.map(([name, value]) => field(method, name, value)));
    if (!published.length) grid.append("this method has no numbers");
  };
  model.on("change:method", draw);
  draw();
  return el("details", { className: "weights" }, el("summary", {}, "Weights and numbers"), grid);
}

function asking(model) {
  const whole = (value) => Number.parseInt(value, 10);
  const prompt = bound(model, "prompt", el("input", { type: "text", className: "prompt" }));
  const amount = (name, least) => bound(model, name,
    el("input", { type: "number", min: least, step: 1, className: name }), whole);
  return el("div", {},
    el("div", { className: "line" },
      el("label", { className: "wide" }, "Prompt ", prompt),
      el("label", {}, "Planner ", choice(model, "planner", model.get("planners"))),
      el("button", { className: "plan", onclick: does(model, "plan") }, "Plan")),
    el("div", { className: "line" },
      el("label", {}, "Method ", choice(model, "method", Object.keys(model.get("published")))),
      el("label", {}, "Seed ", amount("seed", 0)),
      el("label", {}, "Steps ", amount("steps", 1)),
      el("button", { className: "generate main", onclick: does(model, "generate") }, "Generate"),
      el("button", { className: "stop", onclick: does(model, "stop") }, "Stop")),
    numbers(model));
}

function status(model, node) {
  const bar = el("progress", { max: 1, value: 0 });
  const said = el("span", { className: "number" });
  const message = el("div", { className: "message", role: "status" });
  const notes = el("ul", { className: "notes" });
  const draw = () => {
    const [state, progress] = [model.get("state"), model.get("progress")];
    const busy = state === "running" || state === "stopping";
    node.querySelector(".generate").disabled = busy;
    node.querySelector(".stop").disabled = state !== "running";
    const first = progress.clip === "guided" ? 1 : 0;
    bar.value = state === "done" ? 1 : (first + (progress.step ?? 0) / (progress.steps ?? 1)) / 2;
    bar.hidden = said.hidden = !busy;
    const losses = Object.entries(progress.losses ?? {}).map(([name, v]) => `${name} loss ${v}`);
    const where = `${progress.clip} clip, step ${progress.step} of ${progress.steps}`;
    said.textContent = progress.clip ? [where, ...losses].join(", ") : "starting";
    message.textContent = model.get("message");
    message.classList.toggle("wrong", state === "failed");
    notes.replaceChildren(...model.get("notes").map((note) => el("li", {}, note)));
  };
  for (const name of ["state", "progress", "message", "notes"]) model.on(`change:${name}`, draw);
  draw();
  return el("div", { className: "status" },
    el("div", { className: "line" }, bar, said), message, notes);
}

function files(model) {
  const path = (name) => bound(model, name, el("input", { type: "text", className: name }));
  return el("div", { className: "line files" },
    el("label", { className: "wide" }, "Plan file ", path("plan_file")),
    el("button", { className: "save", onclick: does(model, "save") }, "Save"),
    el("button", { className: "load", onclick: does(model, "load") }, "Load"),
    el("label", { className: "wide" }, "Figure ", path("figure_file")),
    el("button", { className: "export", onclick: does(model, "export") }, "Export"));
}
