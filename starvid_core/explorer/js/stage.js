// The boxes of one key frame: drag one to move it, a corner to resize it, or use the arrow keys.

const ACROSS = 1000; // units of the drawing; a box is drawn in these
const CORNERS = { nw: [0, 1], ne: [2, 1], sw: [0, 3], se: [2, 3] };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function stage(model, view) {
  const tall = ACROSS * model.get("aspect");
  const drawing = shape("svg", { viewBox: `0 0 ${ACROSS} ${tall}`, class: "boxes" });
  const behind = el("canvas", { className: "behind" });
  let grip = null;

  const draw = () => {
    const focused = drawing.querySelector("rect:focus")?.dataset.subject;
    drawing.replaceChildren(
      ...model.get("boxes").flatMap((row, n) => (row[view.key] ? drawn(n, row[view.key]) : [])),
    );
    if (focused !== undefined) drawing.querySelector(`rect[data-subject="${focused}"]`)?.focus();
    const videos = model.get("videos");
    behind.hidden = !videos.guided;
    if (videos.guided) paint(behind, videos.guided, Math.min(view.frame, view.frames - 1));
  };

  const drawn = (n, [x0, y0, x1, y1]) => {
    const { noun, verb, color } = model.get("subjects")[n] ?? { noun: "", verb: "", color: "#000" };
    const at = { x: x0 * ACROSS, y: y0 * tall };
    const size = { width: (x1 - x0) * ACROSS, height: (y1 - y0) * tall };
    const chosen = n === view.subject ? " chosen" : "";
    const label = shape("text", { x: at.x + 10, y: at.y + 32, fill: color });
    label.textContent = `${noun}, ${verb}`;
    const box = shape("rect", {
      ...at, ...size, fill: color, stroke: color, class: `box${chosen}`, tabindex: 0,
      "data-subject": n, "data-edges": "all", role: "button", "aria-label": `box of ${noun}`,
    });
    const corners = Object.entries(CORNERS).map(([edges, [x, y]]) =>
      shape("circle", {
        cx: [x0, 0, x1][x] * ACROSS, cy: [0, y0, 0, y1][y] * tall, r: 13, stroke: color,
        class: `corner ${edges}`, "data-subject": n, "data-edges": edges,
      }),
    );
    return [box, label, ...corners];
  };

  const shares = (event) => {
    const { left, top, width, height } = drawing.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  };

  const moved = (event) => {
    const [x, y] = shares(event);
    const boxes = copied(grip.boxes);
    const row = boxes[grip.subject];
    boxes[grip.subject] = draggedRow(
      row, view.key, view.all, grip.edges, x - grip.x, y - grip.y,
    );
    return boxes;
  };

  drawing.addEventListener("pointerdown", (event) => {
    const { subject, edges } = event.target.dataset;
    if (subject === undefined) return;
    const [x, y] = shares(event);
    grip = { subject: Number(subject), edges, x, y, boxes: copied(model.get("boxes")) };
    drawing.setPointerCapture(event.pointerId);
    view.change({ subject: grip.subject });
  });
  drawing.addEventListener("pointermove", (event) => grip && view.setBoxes(moved(event), false));
  drawing.addEventListener("pointerup", (event) => {
    if (grip) view.setBoxes(moved(event));
    grip = null;
  });
  drawing.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    const subject = event.target.dataset.subject;
    if (!arrow || subject === undefined) return;
    event.preventDefault();
    const boxes = copied(model.get("boxes"));
    const [dx, dy] = arrow.map((v) => v / 100);
    const edges = event.shiftKey ? "se" : "all";
    boxes[subject] = draggedRow(boxes[subject], view.key, view.all, edges, dx, dy);
    view.setBoxes(boxes);
  });

  model.on("change:boxes", draw);
  model.on("change:videos", draw);
  view.watch(draw);
  return el("div", { className: "frame stage", style: `aspect-ratio: ${1 / model.get("aspect")}` },
    behind, drawing);
}
