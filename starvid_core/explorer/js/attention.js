// Where a word looked: its maps at one step, of both clips, in the frame that is looked at.

function attention(model, view) {
  const panels = { plain: panel(model, "plain"), guided: panel(model, "guided") };
  const words = el("div", { className: "words", role: "group", ariaLabel: "words" });
  const slider = el("input", {
    type: "range", min: 0, className: "step", ariaLabel: "denoising step",
    oninput: () => view.change({ step: Number(slider.value) }),
  });
  const said = el("span", { className: "number" });

  const draw = () => {
    const maps = model.get("maps");
    node.hidden = !maps.words;
    if (!maps.words) return;
    const [steps, count, frames, h, w] = maps.shape;
    const step = Math.min(view.step, steps - 1);
    const word = Math.min(view.word, count - 1);
    const frame = Math.min(Math.floor((view.frame * frames) / view.frames), frames - 1);
    words.replaceChildren(...maps.words.map((one, n) => el("button", {
      className: n === word ? "word now" : "word",
      style: `border-color: ${one.color}`,
      onclick: () => view.change({ word: n }),
    }, one.text)));
    for (const [name, { canvas, over, title }] of Object.entries(panels)) {
      const start = ((step * count + word) * frames + frame) * h * w;
      heat(canvas, bytes(maps[name]).subarray(start, start + h * w), h, w, bytes(maps.palette));
      const videos = model.get("videos");
      over.replaceChildren(...outlines(model, name === "guided" ? videos.boxes : [], view.frame));
      const owner = name === "plain" ? "plain" : videos.method;
      title.textContent = `“${maps.words[word].text}” in ${owner}`;
    }
    slider.max = steps - 1;
    slider.value = step;
    said.textContent = `step ${maps.steps[step]} of ${maps.of}`;
  };

  const node = el("details", { className: "attention", open: true },
    el("summary", {}, "Attention: light is much, each word to its own maximum"),
    el("div", { className: "line" }, words),
    el("div", { className: "row" }, panels.plain.node, panels.guided.node),
    el("div", { className: "line" }, slider, said));
  model.on("change:maps", draw);
  view.watch(draw);
  return node;
}
