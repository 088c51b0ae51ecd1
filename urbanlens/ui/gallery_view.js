// The plane of pictures on the page: what Python says about it, how it is drawn, and what is shown of a picture.
const STILL = window.matchMedia('(prefers-reduced-motion: reduce)');

class View {
  constructor(parent) {
    this.root = parent.querySelector('.gallery');
    this.find = (name) => this.root.querySelector(name);
    this.stage = this.find('.stage');
    this.canvas = this.find('.stage > canvas');
    this.card = this.find('.card');
    this.painter = new Painter(this.canvas);
    this.plane = new Plane();
    this.raw = {}; // what Python said last, as it came
    Object.assign(this, { hover: null, focus: -1, chosen: null, selected: null, path: [], fingers: new Map() });
    Object.assign(this, { waiting: 0, frames: 0, closed: false, lassoing: false, ready: false });
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.stage);
  }

  // --- what Python says ----------------------------------------------------------------------------------------
  update(data, send) {
    this.data = data;
    this.send = send;
    this.root.style.setProperty('--height', `${data.height}px`);
    const style = getComputedStyle(this.root), pick = (name, other) => style.getPropertyValue(name).trim() || other;
    this.painter.look = { ring: pick('--st-primary-color', '#c4552d'), paper: pick('--st-background-color', '#fff') };
    this.canvas.setAttribute('aria-label', `${data.label}: ${data.ids.length} pictures`);
    this.load(data.atlas);
    const changed = (...names) => names.some((name) => this.raw[name] !== data[name]);
    if (changed('points', 'pictured', 'spread')) {
      const rows = rowsOf(data.pictured), places = data.spread === null ? null : floatsOf(data.spread);
      const glide = this.ready && !STILL.matches;
      const other = this.plane.arrange(floatsOf(data.points), rows, places, data.room, glide);
      if (other) Object.assign(this, { focus: -1, hover: null });
      this.resize();
      if (other || this.plane.fitted) this.plane.fit(other || !glide ? 0 : GLIDE);
      else this.plane.home = this.plane.whole().k;
    }
    this.classes = bytesOf(data.colours);
    this.chosen = data.chosen;
    const bits = data.selected === null ? null : bytesOf(data.selected);
    this.selected = bits && Uint8Array.from({ length: this.plane.n }, (_, i) => (bits[i >> 3] >> (i & 7)) & 1);
    this.raw = { points: data.points, pictured: data.pictured, spread: data.spread };
    this.legend();
    this.dress();
  }

  load(atlas) {
    const address = atlas ? atlas.url : '';
    if (address === this.address) return;
    this.address = address;
    this.arrived = false;
    if (!atlas) {
      const count = this.data.ids.length;
      this.painter.setAtlas(null, { cell: 32, columns: Math.max(1, Math.ceil(Math.sqrt(count))), count });
      this.arrived = true;
      return;
    }
    const image = new Image();
    image.src = address;
    image.decode().then(() => image, () => null).then((found) => {
      if (this.closed || this.address !== address) return;
      this.painter.setAtlas(found, atlas);
      this.arrived = true;
      if (!found) this.say('The pictures could not be loaded; reload the page to try again.');
      this.dress();
    });
  }

  // Colours and the selection, after which everything is drawn anew; nothing is loaded.
  dress() {
    const rows = this.plane.pictured, { selected } = this;
    const faded = Uint8Array.from(rows, (row) => (selected && !selected[row] ? 1 : 0));
    const colours = this.data.palette.map(([, colour]) => channels(colour));
    this.painter.setTiles(colours, rows.map((row) => this.classes[row]), faded);
    this.find('[data-do=clear]').disabled = !selected;
    this.root.dataset.selected = selected ? selected.reduce((sum, one) => sum + one, 0) : '';
    this.show();
    this.ask();
    this.prepare(0);
  }

  // The tiles of every size, made one after the other while nothing else is to be done, so that no zoom waits for them.
  prepare(level) {
    const idle = window.requestIdleCallback || ((what) => setTimeout(what, 100));
    const { faded } = this.painter;
    if (level < SIZES) idle(() => {
      if (this.closed || !this.arrived || this.painter.faded !== faded) return;
      this.painter.tiles(level);
      this.prepare(level + 1);
    });
  }

  // What the colours mean, and how many images have each.
  legendEntries() {
    if (!this.data.palette.length) return [];
    const counts = new Map();
    for (const kind of this.classes) counts.set(kind, (counts.get(kind) || 0) + 1);
    const entry = (name, colour, kind) => {
      const count = counts.get(kind).toLocaleString('en');
      return { name, colour, count, text: `${name} ${count}` };
    };
    const entries = this.data.palette.map(([name, colour], kind) => [name, colour, kind])
      .filter(([, , kind]) => counts.has(kind)).map((one) => entry(...one));
    return counts.has(255) ? [...entries, entry(this.data.muted, css(MUTED), 255)] : entries;
  }

  legend() {
    this.find('.legend').replaceChildren(...this.legendEntries().map(({ name, colour, count }) => {
      const [item, swatch, text, number] = ['li', 'i', 'span', 'b'].map((kind) => document.createElement(kind));
      swatch.style.background = colour;
      text.textContent = `${name} `;
      number.textContent = count;
      item.append(swatch, text, number);
      return item;
    }));
  }

  // --- drawing -------------------------------------------------------------------------------------------------
  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || (width === this.plane.width && height === this.plane.height)) return;
    this.painter.resize(width, height);
    this.plane.resize(width, height);
    this.draw(performance.now()); // in the same frame, else the canvas is blank until the next
  }

  ask() {
    if (this.plane.moves) this.root.dataset.moving = '1';
    if (!this.waiting && !this.closed) this.waiting = requestAnimationFrame((now) => this.draw(now));
  }

  draw(now) {
    cancelAnimationFrame(this.waiting);
    this.waiting = 0;
    const { plane, painter } = this;
    if (!plane.x || !plane.width || !this.arrived || !painter.faded) return;
    const started = performance.now(), moving = plane.step(now);
    const { classes, selected } = this;
    const scene = { ...plane, classes, selected, rows: plane.others, opacity: 1 - plane.apart };
    if (plane.others.length && plane.apart < 1) painter.dots(scene, plane.radius());
    else painter.clear();
    const side = plane.side();
    painter.pictures(scene, side);
    const raise = (i, row, options) => {
      const [left, top] = plane.at(row);
      if (i < 0 && plane.spread) return;
      const size = i < 0 ? 2 * plane.radius() + 4 : Math.max(side * 1.25, Math.min(40, side * 2));
      painter.raised(i, left, top, size, options);
    };
    if (this.chosen !== null && this.chosen < plane.n) raise(plane.pictured.indexOf(this.chosen), this.chosen);
    if (this.hover) raise(...this.hover);
    if (this.focus >= 0 && this.root.matches('.keyed')) raise(this.focus, plane.pictured[this.focus], { broken: true });
    painter.lasso(this.path);
    this.place();
    this.frames += 1;
    this.ready = true;
    const { view } = plane;
    Object.assign(this.root.dataset, {
      ready: '1', frames: this.frames, frameMs: (performance.now() - started).toFixed(2), moving: moving ? '1' : '0',
      view: `${view.k},${view.x},${view.y}`, side: side.toFixed(2), focus: this.focus, apart: plane.apart.toFixed(2),
    });
    if (moving) this.ask();
  }

  // --- what is under the hand ----------------------------------------------------------------------------------
  about(i, row) {
    const [kind] = this.data.palette[this.classes[row]] || [this.data.palette.length ? this.data.muted : ''];
    return i < 0 ? ['A dot without a picture', '', kind] : [this.data.captions[i], this.data.ids[i], kind];
  }

  // The card of what is pointed at, else of what the keys are on.
  show() {
    const keyed = this.focus >= 0 && this.root.matches('.keyed');
    const meant = this.hover || (keyed ? [this.focus, this.plane.pictured[this.focus]] : null);
    this.card.hidden = !meant;
    this.shown = meant;
    if (!meant) return;
    const [i, row] = meant, [caption, name, kind] = this.about(i, row), picture = this.find('.card canvas');
    this.find('.card b').textContent = caption;
    this.find('.card span').textContent = name;
    this.find('.card em').textContent = kind;
    picture.hidden = i < 0;
    if (i >= 0 && this.arrived) {
      picture.width = 320;
      picture.height = 320;
      this.painter.tile(picture.getContext('2d'), i, 0, 0, 320, 0.025);
    }
    this.place();
  }

  place() {
    if (!this.shown) return;
    const [left, top] = this.plane.at(this.shown[1]), gap = this.plane.side() * 0.65 + 10, { card, plane } = this;
    const wide = card.offsetWidth, high = card.offsetHeight;
    const x = left + gap + wide <= plane.width - 6 ? left + gap : left - gap - wide;
    card.style.transform = `translate(${clamp(x, 6, Math.max(6, plane.width - wide - 6))}px,${
      clamp(top - high / 2, 6, Math.max(6, plane.height - high - 6))}px)`;
  }

  point(event) {
    const found = event.pointerType === 'touch' ? null : this.plane.hit(event.offsetX, event.offsetY);
    if ((found && found[1]) === (this.hover && this.hover[1])) return;
    this.hover = found;
    this.canvas.style.cursor = this.lassoing ? 'crosshair' : found ? 'pointer' : '';
    this.show();
    this.ask();
  }

  say(text) { this.find('.live').textContent = text; }

  sayFocus() {
    const row = this.plane.pictured[this.focus], parts = this.about(this.focus, row).filter(Boolean);
    const mark = this.selected && this.selected[row] ? ', selected' : '';
    this.say(`${parts.join(', ')}${mark}. Picture ${this.focus + 1} of ${this.plane.pictured.length}.`);
  }
}
