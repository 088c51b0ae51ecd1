// Maps over one picture, small side by side and a large one that a slider chooses. Every step is drawn here; Python
// hears of it once the slider rests.
const strips = new WeakMap();
const PAUSE = 400; // ms of rest after which Python is told
const STEP = 900; // ms that Play shows a map
const THUMB = 150; // px of a small map's longer side
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const floatsOf = (text) => new Float32Array(Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer);
const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

// Which two cells a pixel lies between, and how far: as urbanlens.explain.masks.upsampler.
const between = (cells, pixels) => Array.from({ length: pixels }, (_, i) => {
  const place = clamp(((i + 0.5) * cells) / pixels - 0.5, 0, cells - 1);
  const before = Math.min(Math.floor(place), Math.max(cells - 2, 0));
  return [before, Math.min(before + 1, cells - 1), place - before];
});

// A map enlarged and brought to 0 … 1; null for one that points nowhere.
const maskOf = (cells, rows, columns, height, width) => {
  const down = between(rows, height), across = between(columns, width), mask = new Float32Array(height * width);
  const line = new Float32Array(columns);
  let low = Infinity, high = -Infinity, at = 0;
  for (const [up, under, y] of down) {
    for (let i = 0; i < columns; i += 1) line[i] = cells[up * columns + i] * (1 - y) + cells[under * columns + i] * y;
    for (const [left, right, x] of across) {
      const value = line[left] * (1 - x) + line[right] * x;
      mask[at] = value;
      at += 1;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (high - low <= 1e-6 * Math.abs(high)) return null;
  for (at = 0; at < mask.length; at += 1) mask[at] = (mask[at] - low) / (high - low);
  return mask;
};

// 256 colours between the anchors.
const scale = (anchors) => Array.from({ length: 256 }, (_, i) => {
  const place = (i / 255) * (anchors.length - 1), before = Math.min(Math.floor(place), anchors.length - 2);
  return anchors[before].map((value, channel) => value + (anchors[before + 1][channel] - value) * (place - before));
});

class Strip {
  constructor(parent) {
    this.root = parent.querySelector('.strip');
    const find = (name) => this.root.querySelector(name);
    this.large = find('.stage canvas');
    [this.thumbs, this.slider, this.play] = ['.thumbs', 'input', '.play'].map(find);
    [this.called, this.said, this.ends] = ['.called', '.said', '.ends'].map(find);
    this.slider.addEventListener('input', () => { this.stop(); this.choose(Number(this.slider.value)); });
    this.play.addEventListener('click', () => this.toggle());
    this.thumbs.addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (button) { this.stop(); this.choose(Number(button.dataset.mark)); }
    });
    this.say();
  }

  update(data, send) {
    this.send = send;
    const { data: last } = this, text = JSON.stringify(data);
    if (text === this.text) return;
    this.text = text;
    this.data = data;
    const same = last && ['picture', 'maps', 'of', 'opacity'].every((name) => last[name] === data[name]);
    if (!last || last.of !== data.of) { this.stop(); clearTimeout(this.telling); this.adopt(data.chosen); }
    // What the page has said of its own accord; what comes back late of what was told here is none of that.
    else if (data.chosen !== this.told) this.adopt(data.chosen);
    this.label();
    if (!same) this.load();
    this.show();
  }

  adopt(mark) { this.mark = mark; this.told = mark; }

  // Thumbnails' buttons are for the pointer; keys have the slider.
  label() {
    const { count, shares, pale } = this.data;
    this.slider.max = count;
    if (this.thumbs.children.length !== count) {
      this.thumbs.replaceChildren(...shares.map((_, i) => {
        const item = document.createElement('li'), button = document.createElement('button');
        button.type = 'button';
        button.tabIndex = -1;
        button.dataset.mark = i + 1;
        button.append(...['canvas', 'b', 'small'].map((tag) => document.createElement(tag)));
        item.append(button);
        return item;
      }));
      this.ends.replaceChildren(...shares.map((_, i) => Object.assign(document.createElement('span'), { textContent: i + 1 })));
    }
    this.buttons().forEach((button, i) => {
      button.className = pale[i] ? 'pale' : '';
      button.setAttribute('aria-label', `Mark ${i + 1}: ${shares[i]}`);
      button.querySelector('b').textContent = i + 1;
      button.querySelector('small').textContent = shares[i];
    });
  }

  buttons() { return [...this.thumbs.querySelectorAll('button')]; }

  async load() {
    const image = new Image(), { picture } = this.data;
    this.drawn = [];
    this.base = null;
    image.src = picture;
    try { await image.decode(); } catch (error) { this.said.textContent = 'The picture could not be shown.'; return; }
    if (this.closed || this.data.picture !== picture) return;
    const { naturalWidth: width, naturalHeight: height } = image, less = Math.min(1, THUMB / Math.max(width, height));
    this.base = this.pixels(image, width, height);
    const small = this.pixels(image, Math.max(1, Math.round(width * less)), Math.max(1, Math.round(height * less)));
    this.table = scale(this.data.colours);
    this.buttons().forEach((button, i) => this.put(button.querySelector('canvas'), this.over(small, i)));
    this.show();
    this.ahead(0);
  }

  // The other maps are drawn while nobody waits, one at a time.
  ahead(i) {
    const { base } = this;
    if (i >= this.data.count) return;
    setTimeout(() => {
      if (this.closed || this.base !== base) return;
      this.drawn[i] = this.drawn[i] || this.over(base, i);
      this.ahead(i + 1);
    }, 30);
  }

  pixels(image, width, height) {
    const canvas = Object.assign(document.createElement('canvas'), { width, height }), context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  }

  // The map in colour over the picture, as urbanlens.ui.drawing.overlay.
  over(base, i) {
    const { rows, columns, opacity } = this.data, { width, height } = base;
    const cells = floatsOf(this.data.maps).subarray(i * rows * columns, (i + 1) * rows * columns);
    const mask = maskOf(cells, rows, columns, height, width), drawn = new ImageData(width, height);
    drawn.data.set(base.data);
    if (!mask) return drawn;
    const from = base.data, to = drawn.data;
    for (let at = 0, pixel = 0; at < mask.length; at += 1, pixel += 4) {
      const weight = opacity * Math.min(1, 1.25 * mask[at]), colour = this.table[Math.trunc(mask[at] * 255)];
      to[pixel] = from[pixel] * (1 - weight) + colour[0] * weight;
      to[pixel + 1] = from[pixel + 1] * (1 - weight) + colour[1] * weight;
      to[pixel + 2] = from[pixel + 2] * (1 - weight) + colour[2] * weight;
    }
    return drawn;
  }

  put(canvas, pixels) {
    Object.assign(canvas, { width: pixels.width, height: pixels.height });
    canvas.getContext('2d').putImageData(pixels, 0, 0);
  }

  show() {
    const { data, mark } = this, i = mark - 1;
    this.slider.value = mark;
    this.slider.setAttribute('aria-valuetext', `Mark ${mark}, ${data.shares[i]}`);
    this.called.replaceChildren(`Mark ${mark}`, Object.assign(document.createElement('span'), { textContent: data.shares[i] }));
    this.said.textContent = data.said[i];
    this.large.setAttribute('aria-label', `Map of mark ${mark}. ${data.said[i]}`);
    this.buttons().forEach((button) => button.setAttribute('aria-current', String(Number(button.dataset.mark) === mark)));
    if (!this.base) return;
    this.drawn[i] = this.drawn[i] || this.over(this.base, i);
    this.put(this.large, this.drawn[i]);
    this.root.dataset.shown = mark; // for tests
  }

  choose(mark) {
    this.mark = mark;
    this.show();
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      if (this.timer || this.mark === this.told) return;
      this.told = this.mark;
      this.send(this.mark);
    }, PAUSE);
  }

  // --- playing -----------------------------------------------------------------------------------------------------
  toggle() {
    if (still()) { this.choose((this.mark % this.data.count) + 1); return; } // one step a press: nothing moves by itself
    if (this.timer) { this.stop(); this.choose(this.mark); return; }
    if (this.mark === this.data.count) this.choose(1);
    this.timer = setInterval(() => {
      const next = Math.min(this.mark + 1, this.data.count);
      if (next === this.data.count) this.stop();
      this.choose(next);
    }, STEP);
    this.say();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.say();
  }

  say() {
    this.said.setAttribute('aria-live', this.timer ? 'off' : 'polite');
    this.play.textContent = still() ? 'Next' : this.timer ? 'Pause' : 'Play';
    this.play.setAttribute('aria-label', still() ? 'Next mark' : this.timer ? 'Pause' : 'Play the maps from mark to mark');
  }

  close() {
    this.closed = true;
    this.stop();
    clearTimeout(this.telling);
  }
}

export default function markStrip({ parentElement, data, setTriggerValue }) {
  let strip = strips.get(parentElement);
  if (!strip || !strip.root.isConnected) {
    if (strip) strip.close();
    strip = new Strip(parentElement);
    strips.set(parentElement, strip);
  }
  strip.update(data, (mark) => setTriggerValue('mark', mark));
  return () => {
    strip.close();
    if (strips.get(parentElement) === strip) strips.delete(parentElement);
  };
}
