// What is looked at: no part of the result, so the kernel does not hear of it.

const LEAST = 0.04; // of the frame: the smallest side of a box

class View {
  constructor(model) {
    Object.assign(this, { model, key: 0, frame: 0, subject: 0, word: 0, step: 0, all: false });
    this.watchers = [];
  }

  watch(draw) {
    this.watchers.push(draw);
    draw();
  }

  change(values) {
    Object.assign(this, values);
    this.watchers.forEach((draw) => draw());
  }

  get keys() {
    return this.model.get("boxes")[0]?.length ?? 0;
  }

  get frames() {
    const videos = this.model.get("videos");
    return videos.plain?.shape[0] ?? this.model.get("preview").shape?.[0] ?? this.keys;
  }

  // A key frame and the frame of the video at the same time.
  look(key) {
    const last = Math.max(this.keys - 1, 1);
    this.change({ key, frame: Math.round((key * (this.frames - 1)) / last) });
  }

  lookAt(frame) {
    const last = Math.max(this.frames - 1, 1);
    this.change({ frame, key: Math.round((frame * (this.keys - 1)) / last) });
  }

  // New boxes, told to the kernel when `done`.
  setBoxes(boxes, done = true) {
    this.model.set("boxes", boxes);
    if (done) this.model.save_changes();
  }
}

const copied = (boxes) => boxes.map((row) => row.map((box) => box && [...box]));
const within = (value, low, high) => Math.min(Math.max(value, low), high);

// A box after its edges were dragged by dx and dy; `edges` says which of them move.
function dragged([x0, y0, x1, y1], edges, dx, dy) {
  if (edges === "all") {
    const x = within(dx, -x0, 1 - x1);
    const y = within(dy, -y0, 1 - y1);
    return [x0 + x, y0 + y, x1 + x, y1 + y];
  }
  const left = edges.includes("w") ? within(x0 + dx, 0, x1 - LEAST) : x0;
  const right = edges.includes("e") ? within(x1 + dx, x0 + LEAST, 1) : x1;
  const top = edges.includes("n") ? within(y0 + dy, 0, y1 - LEAST) : y0;
  const bottom = edges.includes("s") ? within(y1 + dy, y0 + LEAST, 1) : y1;
  return [left, top, right, bottom];
}

// The row of one subject after a drag at `key`, there or in all key frames.
function draggedRow(row, key, all, edges, dx, dy) {
  return row.map((box, k) => (box && (all || k === key) ? dragged(box, edges, dx, dy) : box));
}

// A row whose key frames between the first and the last box lie on a straight line.
function straightened(row) {
  const seen = row.map((box, k) => (box ? k : -1)).filter((k) => k >= 0);
  const [first, last] = [seen[0], seen[seen.length - 1]];
  return row.map((box, k) =>
    k <= first || k >= last
      ? box
      : row[first].map((v, c) => v + ((row[last][c] - v) * (k - first)) / (last - first)),
  );
}
