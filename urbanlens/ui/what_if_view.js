// "What if" on the page: what Python says, what is drawn of it, what is changed, and what Python is told.
const PAUSE = 300; // ms after a gesture before Python and the screen reader are told
const SAME = ['maps', 'templates', 'bias', 'scoreName', 'crowd', 'decimals'];

class View {
  constructor(parent) {
    this.root = parent.querySelector('.what-if');
    this.find = (name) => this.root.querySelector(name);
    this.fall = new Fall(this.root);
    this.panels = new Panels(this.root);
    this.raw = {};
    this.chosen = null;
  }

  // --- what Python says --------------------------------------------------------------------------------------------
  // A run of the script brings back what this browser has said before; only a new serial means that the page differs.
  update(data, send) {
    this.send = send;
    const { raw } = this, list = (one) => JSON.stringify([one.names, one.limits, one.colours]);
    const other = SAME.some((name) => raw[name] !== data[name]) || list(raw) !== list(data);
    const resized = raw.count !== data.count || raw.side !== data.side, told = raw.serial !== data.serial || resized;
    this.raw = data;
    this.root.style.setProperty('--adds', data.colours[0]);
    this.root.style.setProperty('--takes', data.colours[1]);
    if (other || resized) {
      this.sums = new Sums(data);
      this.fall.prepare(data, this.sums);
      this.panels.prepare(this.sums, data.colours);
    }
    if (told) this.adopt(data.changes);
    if (resized || this.chosen === null) [this.chosen] = this.fall.order;
    if (raw.picture !== data.picture) this.load(data.picture);
    if (other || told) this.redraw();
  }

  adopt(text) {
    clearTimeout(this.timer);
    this.changes = unpackChanges(text, this.sums.count);
    this.sent = text;
  }

  load(address) {
    this.panels.setPicture(null);
    if (address === null) return;
    const image = new Image();
    image.src = address;
    image.decode().then(() => image, () => null).then((found) => {
      if (this.closed || this.raw.picture !== address) return;
      this.panels.setPicture(found);
      if (!found) this.say('The picture could not be shown.');
      this.drawOne();
    });
  }

  // --- what is drawn ------------------------------------------------------------------------------------------------
  get change() { return this.changes[this.chosen]; }

  redraw() {
    this.changes.forEach((change, i) => this.sums.set(i, change));
    this.fall.draw();
    this.select(this.chosen);
  }

  select(i) {
    this.chosen = i;
    if (this.fall.rest.includes(i)) { this.fall.fold(true); this.fall.draw(); }
    this.fall.select(i);
    this.find('#what-if-name').textContent = this.raw.names[i];
    this.drawOne();
    this.mark();
  }

  // The selected attribute: its squares, its controls, and what it adds in words.
  drawOne() {
    const { change, chosen, fall, raw } = this, units = fall.now.each[chosen], before = fall.was.each[chosen];
    const value = signed(units, raw.decimals), name = raw.names[chosen], moved = [];
    this.panels.draw(chosen, change);
    const was = this.sums.now[chosen] === this.sums.first[chosen] ? '' : `, was ${signed(before, raw.decimals)}`;
    this.find('.adds').textContent = `${value}${was}`;
    this.find('.product .range').textContent = `Adds up to ${value}`;
    this.find('[data-is=on]').checked = change.scale > 0;
    this.slide('scale', Math.round(100 * change.scale));
    if (change.rows) moved.push(`${Math.abs(change.rows)} ${change.rows < 0 ? 'up' : 'down'}`);
    if (change.columns) moved.push(`${Math.abs(change.columns)} ${change.columns < 0 ? 'left' : 'right'}`);
    this.find('.moved').textContent = moved.join(', ');
    this.allow('reset-one', isChanged(change));
    this.allow('reset', this.changes.some(isChanged));
    const told = [`Where ${name} is`, `How ${name} counts`, `What ${name} does here: ${value}`];
    this.panels.canvases.forEach((canvas, i) => canvas.setAttribute('aria-label', told[i]));
  }

  // Not disabled: the button that was just pressed would lose the focus.
  allow(what, may) { this.find(`[data-do=${what}]`).setAttribute('aria-disabled', String(!may)); }

  slide(name, value) {
    const slider = this.find(`[data-is=${name}]`);
    slider.value = value;
    slider.parentElement.querySelector('output').textContent = `${value} %`;
    slider.setAttribute('aria-valuetext', `${value} per cent`);
  }

  // For tests: the exact score.
  mark() { this.root.dataset.score = this.sums.score(this.sums.now); }

  // --- what is changed ---------------------------------------------------------------------------------------------
  // event: what caused it; its age when the number stands on the page is kept, in ms.
  edit(change, event) {
    Object.assign(this.change, change);
    this.sums.set(this.chosen, this.change);
    this.fall.draw();
    this.drawOne();
    this.mark();
    if (event) this.root.dataset.ms = (performance.now() - event.timeStamp).toFixed(2);
  }

  move(rows, columns, event) {
    const most = this.sums.side - 1;
    this.edit({ rows: clamp(rows, -most, most), columns: clamp(columns, -most, most) }, event);
  }

  paint(cells, event) {
    const mode = this.find('[name=brush]:checked').value, { edits } = this.change;
    const value = four(mode * this.find('[data-is=brush]').value / 100 * this.sums.unit(this.chosen));
    cells.forEach((cell) => (mode === 'restore' ? edits.delete(cell) : edits.set(cell, value)));
    this.edit({}, event);
  }

  reset(all) {
    if (all) this.changes = this.changes.map(unchanged);
    else this.changes[this.chosen] = unchanged();
    this.redraw();
    this.done();
  }

  // A gesture has begun, and nobody is told anything before it ends.
  begin() { clearTimeout(this.timer); }

  done() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const text = packChanges(this.changes, this.sums.side), { decimals, scoreName } = this.raw;
      if (text === this.sent) return;
      this.sent = text;
      const now = `${capital(scoreName)} ${plain(this.fall.now.score, decimals)}`;
      this.say(text ? `${now}, was ${plain(this.fall.was.score, decimals)}.` : `${now}, as it was.`);
      this.send('changes', `${this.raw.serial}:${text}`);
    }, PAUSE);
  }

  say(text) { this.find('.live').textContent = text; }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }
}
