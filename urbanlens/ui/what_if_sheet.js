// The waterfall as a picture of its own, an SVG: names are text nodes, and every colour is written out.
const SVG = 'http://www.w3.org/2000/svg';
const SHEET = { width: 820, left: 210, right: 90, top: 48, line: 26 }; // px

class Sheet {
  constructor(fall) {
    const { data, now, was, changed, root } = fall, printed = (one) => plain(one, data.decimals);
    const style = getComputedStyle(root), paper = style.getPropertyValue('--st-background-color').trim() || '#fff';
    Object.assign(this, { fall, ink: style.color, paper });
    this.name = capital(data.scoreName);
    this.title = `${this.name} ${printed(now.score)}${changed ? `, was ${printed(was.score)}` : ''}`;
    this.steps = fall.steps(fall.sums.now);
    this.old = fall.steps(fall.sums.first);
    this.height = SHEET.top + (this.steps.length + 2) * SHEET.line + 34;
    this.svg = document.createElementNS(SVG, 'svg');
  }

  mark(one, marks) {
    const round = (value) => (typeof value === 'number' ? Number(value.toFixed(2)) : value);
    Object.entries(marks).forEach(([name, value]) => one.setAttribute(name, round(value)));
  }

  put(kind, marks, text) {
    const one = document.createElementNS(SVG, kind);
    this.mark(one, marks);
    if (text !== undefined) one.textContent = text;
    this.svg.append(one);
  }

  x(level) { return SHEET.left + this.fall.share(level) * (SHEET.width - SHEET.left - SHEET.right); }

  box(from, to, top) {
    const [left, right] = [this.x(Math.min(from, to)), this.x(Math.max(from, to))];
    return { x: left, y: top + 5, width: Math.max(1, right - left), height: SHEET.line - 10 };
  }

  words(top, name, value) {
    const marks = { y: top + 17, fill: this.ink, 'text-anchor': 'end' };
    this.put('text', { x: SHEET.left - 12, ...marks }, name.length > 30 ? `${name.slice(0, 29)}…` : name);
    this.put('text', { x: SHEET.width - 16, ...marks }, value);
  }

  end(top, name, level, units) {
    this.words(top, name, plain(units, this.fall.data.decimals));
    this.put('rect', { x: this.x(level) - 1.5, y: top + 4, width: 3, height: SHEET.line - 8, fill: this.ink });
  }

  bar(top, [what, from, to], [, oldFrom, oldTo]) {
    const { fall, ink } = this, { colours: [adds, takes], decimals } = fall.data, x = this.x(from);
    this.words(top, fall.rows.get(what).name.textContent, signed(fall.units(fall.now, what), decimals));
    this.put('line', { x1: x, x2: x, y1: top - 5, y2: top + 5, stroke: ink, 'stroke-opacity': 0.4 });
    this.put('rect', { ...this.box(from, to, top), fill: to < from ? takes : adds });
    const outline = { fill: 'none', stroke: ink, 'stroke-opacity': 0.55, 'stroke-dasharray': '3 2' };
    if (fall.changed) this.put('rect', { ...this.box(oldFrom, oldTo, top), ...outline });
  }

  // The text of the file.
  drawn() {
    const { fall, ink, height, title } = this, { width, top, line } = SHEET;
    this.mark(this.svg, { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img' });
    this.mark(this.svg, { 'font-family': 'sans-serif', 'font-size': 13 });
    this.put('title', {}, title);
    this.put('rect', { width, height, fill: this.paper });
    this.put('text', { x: 16, y: 28, fill: ink, 'font-size': 17, 'font-weight': 600 }, title);
    this.end(top, 'Start', fall.sums.bias, fall.now.bias);
    this.steps.forEach((step, i) => this.bar(top + (i + 1) * line, step, this.old[i]));
    this.end(top + (this.steps.length + 1) * line, this.name, fall.sums.score(fall.sums.now), fall.now.score);
    const small = { y: height - 12, fill: ink, 'fill-opacity': 0.7, 'text-anchor': 'middle', 'font-size': 11 };
    ticksOf(...fall.ends, 5).forEach(([level, text]) => this.put('text', { x: this.x(level), ...small }, text));
    return new XMLSerializer().serializeToString(this.svg);
  }
}
