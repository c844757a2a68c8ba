// The plain clip and the guided one, or what is there of them, frame by frame.

function outlines(model, boxes, frame) {
  const tall = 100 * model.get("aspect");
  return (boxes ?? []).flatMap((row, n) => {
    if (!row[frame]) return [];
    const [x0, y0, x1, y1] = row[frame];
    const color = model.get("subjects")[n]?.color ?? "#000";
    const place = { x: x0 * 100, y: y0 * tall, width: (x1 - x0) * 100, height: (y1 - y0) * tall };
    return [
      shape("rect", { ...place, fill: "none", stroke: "#fff", "stroke-width": 1.6 }),
      shape("rect", { ...place, fill: "none", stroke: color, "stroke-width": 0.8 }),
    ];
  });
}

// A picture under outlines: the parts of a panel that are drawn anew.
function panel(model, name) {
  const tall = 100 * model.get("aspect");
  const canvas = el("canvas", { className: name });
  const over = shape("svg", { viewBox: `0 0 100 ${tall}` });
  const title = el("figcaption");
  const ratio = `aspect-ratio: ${1 / model.get("aspect")}`;
  const node = el("figure", { className: `panel ${name}` }, title,
    el("div", { className: "frame", style: ratio }, canvas, over));
  return { node, canvas, over, title };
}

function clips(model, view) {
  const panels = { plain: panel(model, "plain"), guided: panel(model, "guided") };
  const slider = el("input", {
    type: "range", min: 0, className: "time", ariaLabel: "frame of the video",
    oninput: () => view.lookAt(Number(slider.value)),
  });
  const said = el("span", { className: "number" });
  const shown = el("input", { type: "checkbox", checked: true, onchange: () => draw() });
  let timer = null;

  const draw = () => {
    const [videos, preview] = [model.get("videos"), model.get("preview")];
    const frame = Math.min(view.frame, view.frames - 1);
    for (const [name, { canvas, over, title }] of Object.entries(panels)) {
      const now = preview.clip === name ? preview : videos[name];
      const method = name === "plain" ? "plain" : (videos.method ?? model.get("method"));
      title.textContent = preview.clip === name ? `${name}: latents so far` : method;
      if (now) paint(canvas, now, Math.min(frame, now.shape[0] - 1));
      const boxes = name === "guided" && shown.checked && now === videos.guided ? videos.boxes : [];
      over.replaceChildren(...outlines(model, boxes, frame));
    }
    slider.max = Math.max(view.frames - 1, 0);
    slider.value = frame;
    said.textContent = `frame ${frame + 1} of ${view.frames}`;
  };

  const play = el("button", {
    className: "play",
    onclick: () => {
      clearInterval(timer);
      timer = timer === null ? setInterval(forward, 1000 / (model.get("videos").rate ?? 8)) : null;
      play.textContent = timer === null ? "Play" : "Pause";
    },
  }, "Play");
  const forward = () => view.lookAt((view.frame + 1) % Math.max(view.frames, 1));

  for (const name of ["videos", "preview", "method"]) model.on(`change:${name}`, draw);
  view.watch(draw);
  const node = el("div", { className: "clips" },
    el("div", { className: "row" }, panels.plain.node, panels.guided.node),
    el("div", { className: "line" }, play, slider, said, el("label", {}, shown, " boxes")));
  return { node, end: () => clearInterval(timer) };
}
