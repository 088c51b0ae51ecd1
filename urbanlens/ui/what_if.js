// What hands and keys do to "what if". The sums, the squares, the waterfall and the view come before this text in the
// same module.
const kept = new WeakMap();
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

class WhatIf extends View {
  constructor(parent) {
    super(parent);
    this.listen();
  }

  listen() {
    const [map, template] = this.panels.canvases, on = (one, name, what) => one.addEventListener(name, what.bind(this));
    on(this.root, 'click', this.click);
    on(this.root, 'input', this.input);
    on(this.root, 'change', (event) => { if (event.target.matches('[data-is=on], [data-is=scale]')) this.done(); });
    on(this.fall.list, 'keydown', this.walk);
    this.drags(map, ([row, column], event, start) => {
      this.move(start.rows + row - start.cell[0], start.columns + column - start.cell[1], event);
    });
    this.drags(template, (cell, event, start) => {
      this.paint(this.panels.between(start.last, cell), event);
      start.last = cell;
    });
    on(map, 'keydown', (event) => {
      const arrow = this.arrow(event);
      if (arrow) this.move(this.change.rows + arrow[0], this.change.columns + arrow[1], event);
    });
    on(template, 'keydown', this.draft);
    [map, template].forEach((canvas) => {
      on(canvas, 'keyup', (event) => { if (event.key === ' ' || ARROWS[event.key]) this.done(); });
      on(canvas, 'blur', this.done); // the key may come up elsewhere
    });
    on(template, 'focus', () => this.cursor(template.matches(':focus-visible')));
    on(template, 'blur', () => this.cursor(false));
  }

  // While a pointer is down, `what` gets the cell it is in, each time that is another.
  drags(canvas, what) {
    let start = null;
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button > 0 || !event.isPrimary) return;
      capture(canvas, event.pointerId);
      const cell = this.panels.at(canvas, event);
      start = { cell, last: cell, rows: this.change.rows, columns: this.change.columns };
      this.begin();
      this.cursor(false);
      what(cell, event, start);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!start || !event.isPrimary) return;
      const cell = this.panels.at(canvas, event);
      if (String(cell) !== String(start.seen || start.cell)) what(cell, event, start);
      start.seen = cell;
    });
    ['pointerup', 'pointercancel'].forEach((name) => canvas.addEventListener(name, () => {
      if (start) this.done();
      start = null;
    }));
  }

  click(event) {
    const button = event.target.closest('button');
    if (!button) return;
    const { attribute, move, do: what } = button.dataset;
    if (attribute !== undefined) this.select(Number(attribute));
    if (move) {
      const [rows, columns] = move.split(',').map(Number);
      this.move(this.change.rows + rows, this.change.columns + columns, event);
      this.done();
    }
    if (what === 'all') this.unfold();
    if (what === 'reset') this.reset(true);
    if (what === 'reset-one') this.reset(false);
    if (what === 'save') this.save();
  }

  unfold() {
    this.fall.fold(!this.fall.all);
    this.fall.draw();
    this.select(this.fall.rest.includes(this.chosen) ? this.fall.order[0] : this.chosen);
  }

  input(event) {
    const { target } = event, is = target.dataset.is;
    if (is === 'brush') this.slide('brush', target.value);
    if (is === 'scale') { this.begin(); this.edit({ scale: target.value / 100 }, event); }
    if (is !== 'on') return;
    if (!target.checked) this.change.before = this.change.scale; // to come back to
    this.edit({ scale: target.checked ? this.change.before || 1 : 0 }, event);
  }

  walk(event) {
    const { order, shown } = this.fall, at = shown.indexOf(Number(event.target.dataset.attribute));
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: shown.length - 1 }[event.key];
    if (at < 0 || to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    taken(event);
    order.forEach((i) => { this.fall.rows.get(i).body.tabIndex = -1; });
    const { body } = this.fall.rows.get(shown[clamp(to, 0, shown.length - 1)]);
    body.tabIndex = 0;
    body.focus();
  }

  arrow(event) {
    const arrow = event.altKey || event.ctrlKey || event.metaKey ? undefined : ARROWS[event.key];
    if (arrow) { this.begin(); taken(event); }
    return arrow;
  }

  // The template by keys: arrows go from cell to cell, Space paints one.
  draft(event) {
    const { side } = this.sums, arrow = this.arrow(event), { cursor } = this.panels;
    if (arrow) {
      const inside = (at) => clamp(at, 0, side - 1);
      this.panels.cursor = inside(Math.floor(cursor / side) + arrow[0]) * side + inside(cursor % side + arrow[1]);
      this.cursor(true);
    } else if (event.key === ' ') {
      this.begin();
      taken(event);
      this.paint([cursor], event);
    } else return;
    const at = this.panels.cursor, value = this.sums.template(this.chosen, this.change)[at];
    this.say(`Row ${Math.floor(at / side) + 1}, column ${at % side + 1}: ${value > 0 ? '+' : ''}${rough(value)}`);
  }

  cursor(on) {
    this.panels.keyed = on;
    this.panels.draw(this.chosen, this.change);
  }

  save() {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([new Sheet(this.fall).drawn()], { type: 'image/svg+xml' }));
    link.download = 'what-if.svg';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    this.say('Picture saved.');
  }
}

// Keys that mean something here scroll nothing and are none of Streamlit's.
const taken = (event) => {
  event.preventDefault();
  event.stopPropagation();
};

// A pointer that has already gone cannot be captured; nothing is lost by that.
const capture = (canvas, pointer) => {
  try { canvas.setPointerCapture(pointer); } catch (error) { if (error.name !== 'NotFoundError') throw error; }
};

export default function whatIf({ data, parentElement, setStateValue }) {
  let one = kept.get(parentElement);
  if (!one || !one.root.isConnected) {
    if (one) one.close();
    one = new WhatIf(parentElement);
    kept.set(parentElement, one);
  }
  one.update(data, setStateValue);
  return () => {
    one.close();
    if (kept.get(parentElement) === one) kept.delete(parentElement);
  };
}
