// Elements, and pixels on them.

const SVG = "http://www.w3.org/2000/svg";

function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function shape(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function bytes(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

// One frame of a video: red, green and blue bytes of `shape` [frame, height, width].
function paint(canvas, video, frame) {
  const [, height, width] = video.shape;
  const pixels = bytes(video.pixels);
  const start = frame * height * width * 3;
  draw(canvas, height, width, (k) => pixels.subarray(start + 3 * k, start + 3 * k + 3));
}

// One map in the colors of a palette of 256 x 3 bytes.
function heat(canvas, values, height, width, palette) {
  draw(canvas, height, width, (k) => palette.subarray(3 * values[k], 3 * values[k] + 3));
}

function draw(canvas, height, width, color) {
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(width, height);
  for (let k = 0; k < height * width; k++) {
    image.data.set(color(k), 4 * k);
    image.data[4 * k + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
}
