// The sums behind "what if": what is changed, what each attribute then adds, and numbers as they are printed. The same
// sums are in urbanlens/plots/what_if.py.
const MOST_VALUE = 1e6; // of a painted cell
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const floatsOf = (text) => new Float32Array(Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer);
const total = (values) => values.reduce((sum, value) => sum + value, 0);
// Four digits, so that what travels through an address is exactly what is computed with; never -0.
const four = (value) => Number(clamp(value, -MOST_VALUE, MOST_VALUE).toPrecision(4)) || 0;

// --- changes -----------------------------------------------------------------------------------------------------
const unchanged = () => ({ scale: 1, rows: 0, columns: 0, edits: new Map() });
const isChanged = ({ scale, rows, columns, edits }) => scale !== 1 || rows !== 0 || columns !== 0 || edits.size > 0;

const runsOf = (cells) => {
  const runs = [];
  cells.forEach((cell) => {
    const last = runs[runs.length - 1];
    if (last && last[1] === cell - 1) last[1] = cell;
    else runs.push([cell, cell]);
  });
  return runs.map(([first, end]) => (first === end ? `${first}` : `${first}-${end}`)).join('.');
};

const packOne = ({ scale, rows, columns, edits }, i) => {
  const values = new Map();
  [...edits.keys()].sort((a, b) => a - b).forEach((cell) => {
    const value = edits.get(cell);
    values.set(value, [...(values.get(value) || []), cell]);
  });
  const paint = [...values].map(([value, cells]) => `t${value}c${runsOf(cells)}`).join('');
  const strength = scale === 1 ? '' : `s${Math.round(100 * scale)}`;
  const shift = rows || columns ? `m${rows}.${columns}` : '';
  return `${i}${strength}${shift}${paint}`;
};

const packChanges = (changes, side) => {
  const parts = changes.map((change, i) => (isChanged(change) ? packOne(change, i) : '')).filter(Boolean);
  return parts.length ? [`1_${changes.length}x${side}`, ...parts].join('_') : '';
};

// A text that Python has read and written anew; it is in order.
const unpackChanges = (text, count) => {
  const changes = Array.from({ length: count }, unchanged);
  text.split('_').slice(2).forEach((part) => {
    const found = part.match(/^(\d+)(?:s(\d+))?(?:m(-?\d+)\.(-?\d+))?(.*)$/), edits = new Map();
    const [, i, scale = 100, rows = 0, columns = 0, paint] = found;
    paint.split('t').slice(1).forEach((one) => {
      const [value, cells] = one.split('c');
      cells.split('.').forEach((run) => {
        const [first, last = first] = run.split('-').map(Number);
        for (let cell = first; cell <= last; cell += 1) edits.set(cell, Number(value));
      });
    });
    changes[i] = { scale: scale / 100, rows: Number(rows), columns: Number(columns), edits };
  });
  return changes;
};

// --- sums --------------------------------------------------------------------------------------------------------
class Sums {
  constructor(data) {
    const cells = data.side * data.side, cut = (all, i) => all.subarray(i * cells, (i + 1) * cells);
    const maps = floatsOf(data.maps), templates = floatsOf(data.templates);
    Object.assign(this, { count: data.count, side: data.side, bias: data.bias });
    this.maps = Array.from({ length: data.count }, (_, i) => cut(maps, i));
    this.templates = Array.from({ length: data.count }, (_, i) => cut(templates, i));
    this.first = this.maps.map((_, i) => this.contribution(i, unchanged()));
    this.now = [...this.first];
    this.strongest = Math.max(...this.templates.map((one) => this.peak(one))) || 1;
  }

  peak(values) { return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0); }

  // A full brush: the strongest cell of a template, or of all where this one counts almost nowhere.
  unit(i) {
    const own = this.peak(this.templates[i]);
    return own > 0.01 * this.strongest ? own : this.strongest;
  }

  map(i, { scale, rows, columns }) {
    const { side } = this, from = this.maps[i], to = new Float64Array(side * side);
    for (let row = Math.max(0, rows); row < side + Math.min(0, rows); row += 1) {
      for (let column = Math.max(0, columns); column < side + Math.min(0, columns); column += 1) {
        to[row * side + column] = scale * from[(row - rows) * side + column - columns];
      }
    }
    return to;
  }

  template(i, { edits }) {
    const values = Float64Array.from(this.templates[i]);
    edits.forEach((value, cell) => { values[cell] = value; });
    return values;
  }

  product(i, change) {
    const map = this.map(i, change);
    return this.template(i, change).map((value, cell) => value * map[cell]);
  }

  contribution(i, change) { return total(this.product(i, change)); }

  set(i, change) { this.now[i] = this.contribution(i, change); }

  score(each) { return this.bias + total(each); }

  // The bias, what each attribute adds, and the score, in units of the last printed digit: they add up as printed, each
  // its number rounded up or down. was: what was printed before, from which unchanged numbers part as little as may be.
  printed(each, decimals, was = null) {
    const parts = [this.bias, ...each].map((value) => value * 10 ** decimals), before = was && [was.bias, ...was.each];
    const other = parts.map((_, i) => !was || (i > 0 && each[i - 1] !== this.first[i - 1]));
    const units = parts.map((part, i) => (other[i] ? Math.round(part) : before[i]));
    const whole = Math.round(total(parts)), lacking = whole - total(units), way = Math.sign(lacking);
    // Numbers that were rounded the other way give in: changed ones first, then those that were rounded furthest.
    const order = parts.map((part, i) => [way * (part - units[i]), i]).filter(([rounded]) => rounded > 1e-9);
    order.sort(([a, i], [b, j]) => other[j] - other[i] || b - a);
    order.slice(0, Math.abs(lacking)).forEach(([, i]) => { units[i] += way; });
    return { bias: units[0], each: units.slice(1), score: whole };
  }
}

// --- numbers as text ---------------------------------------------------------------------------------------------
const plain = (units, decimals) => (units / 10 ** decimals).toFixed(decimals).replace('-', '−');
const signed = (units, decimals) => (units > 0 ? '+' : '') + plain(units, decimals);
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const rough = (value) => `${Number(value.toPrecision(2))}`.replace('-', '−');
const verb = (units) => (units < 0 ? 'takes away' : 'adds');

// About `wanted` round numbers between two ends.
const ticksOf = (low, high, wanted) => {
  const raw = (high - low) / wanted, ten = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((one) => one * ten).find((one) => one >= raw * 0.999);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i += 1) found.push(i * step);
  return found.map((level) => [level, level.toFixed(digits).replace('-', '−')]);
};
