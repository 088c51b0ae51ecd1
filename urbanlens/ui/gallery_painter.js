// How the plane of pictures is painted: framed tiles from one atlas, dots beneath, a ring around what is meant.
const MUTED = [138, 143, 148];
const FADED = 0.16; // of what is not selected, while something is
const FRAME = 5 / 64; // of a tile, on each side
const SIZES = 3; // of tiles: as they came, half and a quarter

const bytesOf = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
const floatsOf = (text) => new Float32Array(bytesOf(text).buffer);
const rowsOf = (text) => new Int32Array(bytesOf(text).buffer);
const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
const css = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;

const sheet = (width, height) => {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, width);
  canvas.height = Math.max(1, height);
  return canvas;
};

// [left, line] of entries of these widths, one after another in lines of `room`.
const inLines = (widths, room) => {
  let left = 0, line = 0;
  return widths.map((width) => {
    if (left && left + width > room) { left = 0; line += 1; }
    left += width;
    return [left - width, line];
  });
};

class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d');
    this.plain = []; // the atlas at full size, half, quarter …
    this.framed = []; // the same with coloured frames, made when first needed
    this.colours = [MUTED];
    this.look = { ring: '#c4552d', paper: '#fff' };
  }

  resize(width, height, ratio = Math.min(2, window.devicePixelRatio || 1)) {
    this.ratio = ratio;
    this.width = width;
    this.height = height;
    this.canvas.width = Math.round(width * this.ratio);
    this.canvas.height = Math.round(height * this.ratio);
    this.pixels = null;
  }

  setAtlas(image, { cell, columns, count }) {
    Object.assign(this, { cell, columns, count, plain: [image], framed: [] });
  }

  // colours: [r, g, b] of each class; classes and faded: of each tile
  setTiles(colours, classes, faded) {
    Object.assign(this, { colours, classes, faded, framed: [] });
  }

  colour(kind) { return this.colours[kind] || MUTED; }

  shrunk(level) {
    if (!this.plain[level]) {
      const above = this.shrunk(level - 1), size = Math.max(4, this.cell >> level);
      const small = sheet(this.columns * size, Math.ceil(this.count / this.columns) * size);
      const context = small.getContext('2d');
      context.imageSmoothingQuality = 'high';
      context.drawImage(above, 0, 0, small.width, small.height);
      this.plain[level] = small;
    }
    return this.plain[level];
  }

  tiles(level) {
    if (!this.framed[level]) {
      const image = this.plain[0] ? this.shrunk(level) : null, size = Math.max(4, this.cell >> level);
      const edge = Math.max(2, Math.round(size * FRAME)), whole = size + 2 * edge;
      const canvas = sheet(this.columns * whole, Math.ceil(this.count / this.columns) * whole);
      const context = canvas.getContext('2d');
      for (let i = 0; i < this.count; i += 1) {
        const column = i % this.columns, row = Math.floor(i / this.columns);
        context.globalAlpha = this.faded[i] ? FADED : 1;
        context.fillStyle = css(this.colour(this.classes[i]));
        context.fillRect(column * whole, row * whole, whole, whole);
        if (image) {
          if (this.faded[i]) context.clearRect(column * whole + edge, row * whole + edge, size, size);
          context.drawImage(image, column * size, row * size, size, size,
            column * whole + edge, row * whole + edge, size, size);
        }
      }
      this.framed[level] = { canvas, whole };
    }
    return this.framed[level];
  }

  // The sheet whose tiles are the nearest in size and not much smaller than what is drawn.
  sheetFor(side) {
    let level = 0;
    while (level < SIZES - 1 && (this.cell >> (level + 1)) * (1 + 2 * FRAME) >= side * this.ratio * 0.8) level += 1;
    return this.tiles(level);
  }

  clear() {
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
  }

  // Dots go into the pixels directly: tens of thousands in a few milliseconds. They replace what the canvas held.
  dots({ rows, x, y, view, classes, selected, opacity }, radius) {
    const { width, height } = this.canvas;
    if (!this.pixels) {
      this.pixels = this.context.createImageData(width, height);
      this.words = new Uint32Array(this.pixels.data.buffer);
    }
    const words = this.words, ratio = this.ratio, reach = Math.ceil(radius * ratio) + 1;
    const stamp = [];
    for (let dy = -reach; dy <= reach; dy += 1) {
      for (let dx = -reach; dx <= reach; dx += 1) {
        const cover = Math.min(1, Math.max(0, radius * ratio + 0.5 - Math.hypot(dx, dy)));
        if (cover > 0) stamp.push([dy * width + dx, cover]);
      }
    }
    const steps = Int32Array.from(stamp, ([step]) => step), cover = Float32Array.from(stamp, ([, share]) => share);
    const inks = new Uint32Array(256);
    for (let kind = 0; kind < 256; kind += 1) {
      const [red, green, blue] = this.colour(kind);
      inks[kind] = (blue << 16) | (green << 8) | red;
    }
    words.fill(0);
    for (let j = 0; j < rows.length; j += 1) {
      const i = rows[j];
      const cx = Math.round((x[i] * view.k + view.x) * ratio), cy = Math.round((view.y - y[i] * view.k) * ratio);
      if (!(cx >= reach && cy >= reach && cx < width - reach && cy < height - reach)) continue;
      const quiet = selected && !selected[i] ? FADED * 1.5 : classes[i] === 255 ? 0.6 : 0.9;
      const ink = inks[classes[i]], alpha = 255 * opacity * quiet, at = cy * width + cx;
      for (let s = 0; s < steps.length; s += 1) {
        const place = at + steps[s], shade = (alpha * cover[s]) | 0;
        if (words[place] >>> 24 <= shade) words[place] = ((shade << 24) | ink) >>> 0;
      }
    }
    this.context.putImageData(this.pixels, 0, 0);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  // Tiles of side px, those faded first, so that they cover none of the others.
  pictures({ pictured, x, y, view }, side) {
    const { canvas, whole } = this.sheetFor(side), half = side / 2, { context, width, height, columns, faded } = this;
    const some = faded.includes(1);
    for (const turn of some ? [1, 0] : [0]) {
      for (let i = 0; i < pictured.length; i += 1) {
        if (faded[i] !== turn) continue;
        const row = pictured[i], left = x[row] * view.k + view.x - half, top = view.y - y[row] * view.k - half;
        if (!(left > -side && top > -side && left < width && top < height)) continue;
        const from = (i % columns) * whole, below = Math.floor(i / columns) * whole;
        // A hair inside the tile: smoothing would mix its neighbour on the sheet into its edge.
        context.drawImage(canvas, from + 0.5, below + 0.5, whole - 1, whole - 1, left, top, side, side);
      }
    }
  }

  // One tile in full colour with a ring, above the others; i is -1 for a dot.
  raised(i, left, top, side, { broken = false } = {}) {
    const { context } = this;
    if (i >= 0) this.tile(context, i, left - side / 2, top - side / 2, side);
    const reach = side / 2 + 2;
    context.setLineDash(broken ? [5, 4] : []);
    for (const [width, colour] of [[5, this.look.paper], [2.5, this.look.ring]]) {
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.strokeRect(left - reach, top - reach, 2 * reach, 2 * reach);
    }
    context.setLineDash([]);
  }

  tile(context, i, left, top, side, frame = FRAME) {
    const edge = side * frame / (1 + 2 * frame);
    context.fillStyle = css(this.colour(this.classes[i]));
    context.fillRect(left, top, side, side);
    if (!this.plain[0]) return;
    const from = [(i % this.columns) * this.cell, Math.floor(i / this.columns) * this.cell, this.cell, this.cell];
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.plain[0], ...from, left + edge, top + edge, side - 2 * edge, side - 2 * edge);
    context.imageSmoothingQuality = 'low';
  }

  lasso(path) {
    if (path.length < 2) return;
    const { context } = this;
    context.beginPath();
    path.forEach(([left, top], i) => (i ? context.lineTo(left, top) : context.moveTo(left, top)));
    context.closePath();
    context.globalAlpha = 0.12;
    context.fillStyle = this.look.ring;
    context.fill();
    context.globalAlpha = 1;
    context.setLineDash([6, 4]);
    context.lineWidth = 2;
    context.strokeStyle = this.look.ring;
    context.stroke();
    context.setLineDash([]);
  }
}
