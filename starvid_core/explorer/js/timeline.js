// The key frames as small drawings, and what can be done to the chosen subject.

function timeline(model, view) {
  const strip = el("div", { className: "keys", role: "group", ariaLabel: "key frames" });
  const who = el("select", {
    title: "the subject that the buttons change",
    onchange: () => view.change({ subject: Number(who.value) }),
  });
  const how = el("select", {
    className: "how",
    title: "what a drag changes",
    onchange: () => view.change({ all: how.value === "all" }),
  }, el("option", { value: "one" }, "this key frame"), el("option", { value: "all" }, "all key frames"));

  const thumbnail = (key) => {
    const tall = 100 * model.get("aspect");
    const boxes = model.get("boxes").flatMap((row, n) => {
      if (!row[key]) return [];
      const [x0, y0, x1, y1] = row[key];
      const color = model.get("subjects")[n]?.color ?? "#000";
      return [shape("rect", {
        x: x0 * 100, y: y0 * tall, width: (x1 - x0) * 100, height: (y1 - y0) * tall,
        fill: color, "fill-opacity": 0.25, stroke: color, "stroke-width": 2.5,
      })];
    });
    return el("button", {
      className: key === view.key ? "key now" : "key",
      ariaLabel: `key frame ${key + 1}`,
      onclick: () => view.look(key),
    }, shape("svg", { viewBox: `0 0 100 ${tall}` }, ...boxes), el("span", {}, `${key + 1}`));
  };

  const draw = () => {
    strip.replaceChildren(...Array.from({ length: view.keys }, (_, key) => thumbnail(key)));
    who.replaceChildren(...model.get("subjects").map((one, n) =>
      el("option", { value: n, selected: n === view.subject }, `${one.noun}, ${one.verb}`)));
  };

  const edit = (change) => () => {
    const boxes = copied(model.get("boxes"));
    boxes[view.subject] = change(boxes[view.subject]);
    view.setBoxes(boxes);
  };
  const nearest = (row) => row.slice(0, view.key).reverse().find(Boolean) ?? row.find(Boolean);
  const hide = (row) => {
    const others = row.some((box, k) => box && k !== view.key);
    const box = row[view.key] ? null : [...(nearest(row) ?? [0.4, 0.4, 0.6, 0.8])];
    return others || box ? row.with(view.key, box) : row;
  };

  model.on("change:boxes", draw);
  model.on("change:subjects", draw);
  view.watch(draw);
  return el("div", { className: "timeline" }, strip,
    el("div", { className: "line" },
      el("label", {}, "Drag moves ", how), who,
      el("button", { onclick: edit(straightened), title: "from its first to its last box" },
        "Straight path"),
      el("button", { onclick: edit(hide), title: "whether it is in sight in this key frame" },
        "Hide / show")));
}
