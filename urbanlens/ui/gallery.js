// What hands and keys do to the plane of pictures, and what Python is told. The painter, the plane and the view come
// before this text in the same module.
const galleries = new WeakMap();
const PRINT = 2400; // px that a saved picture is wide
const MOST_PIXELS = 8e6; // of it; browsers on phones make none beyond twice as many
const TAP = 5; // px a finger may move and still tap
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class Gallery extends View {
  constructor(parent) {
    super(parent);
    this.listen();
  }

  // --- what Python is told -------------------------------------------------------------------------------------
  click(row) {
    this.chosen = row;
    this.root.dataset.clicked = row;
    this.ask();
    this.send('clicked', row);
  }

  // rows: what is selected from now on; none lifts the selection.
  select(rows) {
    const mask = new Uint8Array(this.plane.n), bits = new Uint8Array((this.plane.n + 7) >> 3);
    rows.forEach((row) => { mask[row] = 1; bits[row >> 3] |= 1 << (row & 7); });
    this.selected = rows.length ? mask : null;
    this.dress();
    this.send('lassoed', btoa(Array.from(bits, (byte) => String.fromCharCode(byte)).join('')));
    this.say(rows.length ? `${rows.length} selected.` : 'Nothing selected.');
  }

  endLasso() {
    const rows = this.path.length > 2 ? this.plane.within(this.path) : [];
    this.path = [];
    if (rows.length) this.select(rows);
    else this.say('No image lies within that line.');
    this.ask();
  }

  // --- hands ---------------------------------------------------------------------------------------------------
  listen() {
    const { canvas } = this, on = (name, what, options) => canvas.addEventListener(name, what.bind(this), options);
    on('pointerdown', this.down);
    on('pointermove', this.move);
    on('pointerup', this.up);
    on('pointercancel', this.up);
    on('pointerleave', () => { if (this.hover) { this.hover = null; this.show(); this.ask(); } });
    on('wheel', this.wheel, { passive: false });
    on('keydown', this.key);
    on('focus', () => this.keyed(canvas.matches(':focus-visible')));
    on('blur', () => this.keyed(false));
    this.find('.tools').addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (button) this.press(button.dataset.do);
    });
  }

  down(event) {
    if (event.button > 0) return;
    canvasCapture(this.canvas, event.pointerId);
    this.keyed(false);
    this.fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    this.tapped = this.fingers.size === 1 ? [event.offsetX, event.offsetY] : null;
    this.path = this.fingers.size === 1 && (this.lassoing || event.shiftKey) ? [[event.offsetX, event.offsetY]] : [];
    this.plane.settle();
  }

  move(event) {
    const before = this.fingers.get(event.pointerId), now = [event.offsetX, event.offsetY];
    if (!before) { this.point(event); return; }
    if (this.tapped && Math.hypot(now[0] - this.tapped[0], now[1] - this.tapped[1]) > TAP) {
      this.tapped = null;
      if (this.hover) { this.hover = null; this.show(); }
    }
    if (this.path.length) {
      const last = this.path[this.path.length - 1];
      if (Math.hypot(now[0] - last[0], now[1] - last[1]) >= 3) this.path.push(now);
    } else if (!this.tapped && this.fingers.size === 1) {
      this.plane.pan(now[0] - before[0], now[1] - before[1]);
    } else if (this.fingers.size === 2) {
      const [[, other]] = [...this.fingers].filter(([id]) => id !== event.pointerId);
      const apart = (at) => Math.max(20, Math.hypot(at[0] - other[0], at[1] - other[1]));
      this.plane.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
      this.plane.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    }
    if (this.tapped && !this.path.length) return; // a tap so far: a drag would start from where it began
    this.fingers.set(event.pointerId, now);
    this.ask();
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId)) return;
    const lost = event.type === 'pointercancel';
    if (this.path.length > 1 && !this.tapped && !lost) this.endLasso();
    else if (this.tapped && !lost) {
      const found = this.plane.hit(event.offsetX, event.offsetY);
      if (found && event.shiftKey) this.toggle(found[1]);
      else if (found) { this.focus = found[0]; this.click(found[1]); }
    }
    this.path = [];
    this.tapped = null;
    this.ask();
  }

  wheel(event) {
    event.preventDefault();
    const turn = event.deltaY * (event.deltaMode === 1 ? 16 : 1) * (event.ctrlKey ? 0.01 : 0.0015);
    this.plane.zoom(Math.exp(-clamp(turn, -1, 1)), event.offsetX, event.offsetY);
    this.point(event);
    this.ask();
  }

  // --- keys and buttons ----------------------------------------------------------------------------------------
  time(ms) { return STILL.matches ? 0 : ms; }

  keyed(on) {
    if (on === this.root.classList.contains('keyed')) return;
    this.root.classList.toggle('keyed', on);
    this.show();
    this.ask();
  }

  toggle(row) {
    const rows = this.selected ? Array.from(this.selected.keys()).filter((i) => this.selected[i]) : [];
    this.select(rows.includes(row) ? rows.filter((i) => i !== row) : [...rows, row]);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const arrow = ARROWS[event.key], row = this.focus >= 0 ? this.plane.pictured[this.focus] : null;
    const names = { '+': 'in', '=': 'in', '-': 'out', _: 'out', 0: 'fit', l: 'lasso', Escape: 'clear' };
    if (arrow && event.shiftKey) this.plane.pan(-60 * arrow[0], -60 * arrow[1]);
    else if (arrow) this.walk(arrow);
    else if (event.key === 'Enter' && row !== null) this.click(row);
    else if (event.key === ' ' && row !== null) this.toggle(row);
    else if (names[event.key]) this.press(names[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation(); // r, c and the like are Streamlit's; the ones taken here are not
    this.keyed(true);
    this.ask();
  }

  walk(arrow) {
    this.plane.settle();
    this.focus = this.plane.next(this.focus, arrow);
    if (this.focus < 0) return;
    this.hover = null;
    this.plane.reveal(this.plane.pictured[this.focus], this.time(160));
    this.keyed(true);
    this.show();
    this.sayFocus();
  }

  press(what) {
    const keyed = this.focus >= 0 && this.root.matches('.keyed');
    const [left, top] = keyed ? this.plane.at(this.plane.pictured[this.focus]) : [undefined, undefined]; // the middle
    if (what === 'in') this.plane.zoom(1.5, left, top, this.time(180));
    if (what === 'out') this.plane.zoom(1 / 1.5, left, top, this.time(180));
    if (what === 'fit') this.plane.fit(this.time(250));
    if (what === 'lasso') this.lasso(!this.lassoing);
    if (what === 'save') this.save();
    if (what === 'clear') {
      this.path = [];
      this.lasso(false);
      if (this.selected) this.select([]);
    }
    this.ask();
  }

  lasso(on) {
    this.lassoing = on;
    this.find('[data-do=lasso]').setAttribute('aria-pressed', String(on));
    this.root.classList.toggle('lassoing', on);
  }

  // What is in view, for print: finer than the screen, with what it shows above and its legend below.
  save() {
    if (!this.arrived) { this.say('The pictures are still being loaded.'); return; }
    const { painter, plane } = this, style = getComputedStyle(this.root);
    const ratio = Math.min(PRINT / plane.width, Math.sqrt(MOST_PIXELS / (plane.width * plane.height)));
    painter.resize(plane.width, plane.height, Math.max(painter.ratio, ratio));
    this.draw(performance.now());
    const { width, height } = this.canvas, line = 22 * painter.ratio, size = 13 * painter.ratio;
    const measure = painter.context, entries = this.legendEntries(), font = `${size}px ${style.fontFamily}`;
    measure.save();
    measure.font = font;
    const placed = inLines(entries.map(({ text }) => measure.measureText(text).width + 2 * line), width - line);
    measure.restore();
    const lines = placed.length ? placed[placed.length - 1][1] + 1 : 0, top = 1.5 * line;
    const copy = sheet(width, top + height + (lines + (lines ? 1 : 0)) * line), context = copy.getContext('2d');
    context.fillStyle = getComputedStyle(this.stage).backgroundColor;
    context.fillRect(0, 0, copy.width, copy.height);
    context.drawImage(this.canvas, 0, top);
    painter.resize(plane.width, plane.height);
    this.draw(performance.now());
    Object.assign(context, { font, textBaseline: 'middle', fillStyle: style.color });
    context.fillText(this.data.label, line / 2, top / 2, width - line);
    entries.forEach(({ text, colour }, i) => {
      const left = placed[i][0] + line / 2, middle = top + height + (placed[i][1] + 1) * line;
      context.fillStyle = colour;
      context.fillRect(left, middle - 0.4 * size, 0.8 * size, 0.8 * size);
      context.fillStyle = style.color;
      context.fillText(text, left + 1.2 * size, middle, width - left - 1.5 * size);
    });
    copy.toBlob((blob) => {
      if (!blob) { this.say('This browser cannot make the picture: it has too little memory.'); return; }
      const link = document.createElement('a');
      link.href = URL.createObjectURL(blob);
      link.download = `${this.data.file}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      this.say('Picture saved.');
    });
  }

  close() {
    this.closed = true;
    this.watch.disconnect();
    cancelAnimationFrame(this.waiting);
  }
}

// A pointer that has already gone cannot be captured; nothing is lost by that.
const canvasCapture = (canvas, pointer) => {
  try { canvas.setPointerCapture(pointer); } catch (error) { if (error.name !== 'NotFoundError') throw error; }
};

export default function gallery({ data, parentElement, setTriggerValue }) {
  let kept = galleries.get(parentElement);
  if (!kept || !kept.root.isConnected) {
    if (kept) kept.close();
    kept = new Gallery(parentElement);
    galleries.set(parentElement, kept);
  }
  kept.update(data, setTriggerValue);
  return () => {
    kept.close();
    if (galleries.get(parentElement) === kept) galleries.delete(parentElement);
  };
}
