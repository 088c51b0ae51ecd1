// The stepper's time line: how sure each network is, the film, and which real image is nearest when. All of them share
// the places of the slider's stops.
const SVG = 'http://www.w3.org/2000/svg';
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const make = (tag, name, text) => {
  const one = document.createElement(tag);
  if (name) one.className = name;
  if (text) one.textContent = text;
  return one;
};
const drawn = (tag, marks) => {
  const one = document.createElementNS(SVG, tag);
  Object.entries(marks).forEach(([name, value]) => one.setAttribute(name, value));
  return one;
};
// In whole per cent; no network is ever wholly sure.
const percent = (share) => {
  if (share === null || share === undefined) return '–';
  if (share < 0.005) return '< 1 %';
  return share > 0.995 ? '> 99 %' : `${Math.round(100 * share)} %`;
};

class Time {
  constructor(root) {
    const find = (name) => root.querySelector(name);
    [this.chart, this.lines, this.dots, this.cursor] = ['.chart', '.chart svg', '.dots', '.cursor'].map(find);
    [this.legend, this.heading, this.film, this.mark] = ['.legend', '.sure .heading', '.film canvas', '.film .mark'].map(find);
    [this.parts, this.runs, this.root] = ['.parts', '.runs', '.time'].map(find);
    this.runsHeading = find('.runs-heading');
  }

  // --- once for a way ------------------------------------------------------------------------------------------------
  prepare(data) {
    this.data = data;
    this.root.style.setProperty('--stops', data.stops.length);
    this.heading.textContent = `How sure each network is that this is ${data.target}`;
    this.names();
    this.curves();
    this.name();
    this.run();
  }

  // The middle of a stop, in per cent of the width.
  at(stop) { return 100 * (stop + 0.5) / this.data.stops.length; }

  names() {
    const row = (network) => {
      const item = make('li', network.drives ? 'drives' : 'judges'), line = drawn('svg', { viewBox: '0 0 28 6', 'aria-hidden': 'true' });
      line.append(drawn('line', { x1: 1, x2: 27, y1: 3, y2: 3, stroke: network.colour }));
      item.append(line, make('span', 'name', network.name), make('span', 'role', network.drives ? 'pulled the picture' : 'took no part'), make('b'));
      return item;
    };
    this.rows = this.data.networks.map(row);
    this.legend.replaceChildren(...this.order().map((i) => this.rows[i]));
  }

  // Those that judge come first, and are drawn over the others.
  order() {
    const numbers = this.data.networks.map((_, i) => i), drives = (i) => this.data.networks[i].drives;
    return [...numbers.filter((i) => !drives(i)), ...numbers.filter(drives)];
  }

  curves() {
    const { stops, networks } = this.data, said = stops.map((stop, i) => [stop, i]).filter(([stop]) => stop.certainty);
    const lines = this.order().reverse().map((i) => {
      const points = said.filter(([stop]) => stop.certainty[i] !== null).map(([stop, at]) => `${this.at(at)},${100 - 100 * stop.certainty[i]}`);
      return drawn('polyline', { points: points.join(' '), stroke: networks[i].colour, class: networks[i].drives ? 'drives' : 'judges' });
    });
    this.lines.replaceChildren(...lines);
    this.dots.replaceChildren(...networks.map((network) => {
      const dot = make('i', network.drives ? 'drives' : 'judges');
      dot.style.setProperty('--colour', network.colour);
      return dot;
    }));
  }

  // What the film shows, at its two ends.
  name() {
    const { stops } = this.data, steps = stops.filter((stop) => stop.frame >= 0), real = stops.some((stop) => stop.kind === 'real');
    const drawnFrom = `${steps[0].short} to ${steps[steps.length - 1].short}`, [first] = stops;
    const begun = first.kind === 'original' ? `Original, then drawn: step ${drawnFrom}` : `Drawn: step ${drawnFrom}`;
    this.parts.replaceChildren(make('span', '', begun), ...(real ? [make('span', '', 'Real images')] : []));
  }

  place(one, start, end) {
    const { length } = this.data.stops;
    one.style.left = `${100 * start / length}%`;
    one.style.width = `${100 * (end - start + 1) / length}%`;
  }

  // One picture for as long as it stays the nearest.
  run() {
    const { stops, real } = this.data, runs = [];
    stops.forEach((stop, i) => {
      const last = runs[runs.length - 1];
      if (stop.near < 0 || stop.kind === 'real') return;
      if (last && last.near === stop.near && last.end === i - 1) last.end = i; else runs.push({ near: stop.near, start: i, end: i });
    });
    this.runsHeading.hidden = !runs.length;
    this.runs.replaceChildren(...runs.map(({ near, start, end }) => {
      const one = make('span', 'run'), image = make('img'), { group } = real[near];
      image.src = real[near].url;
      image.alt = '';
      one.append(image, make('small', '', group || real[near].name));
      one.dataset.start = start;
      one.dataset.end = end;
      one.classList.toggle('there', group === this.data.target);
      this.place(one, start, end);
      return one;
    }));
  }

  // The film, each stop a slice as high as the strip; `put` draws the picture of a stop.
  draw(put) {
    const ratio = Math.min(2, devicePixelRatio || 1), { stops } = this.data, { clientWidth, clientHeight } = this.film;
    if (!clientWidth) return;
    const width = Math.round(clientWidth * ratio), height = Math.round(clientHeight * ratio);
    Object.assign(this.film, { width, height });
    const context = this.film.getContext('2d'), gap = Math.round(ratio);
    context.imageSmoothingQuality = 'high';
    stops.forEach((stop, i) => {
      const left = Math.round(i * width / stops.length), right = Math.round((i + 1) * width / stops.length);
      put(context, stop, left, 0, Math.max(1, right - left - gap), height);
    });
  }

  // --- at each step --------------------------------------------------------------------------------------------------
  show(at) {
    const { stops } = this.data, { certainty, kind } = stops[at], place = `${this.at(at)}%`;
    this.cursor.style.left = place;
    this.cursor.hidden = !certainty;
    this.mark.style.left = `${100 * at / stops.length}%`;
    this.rows.forEach((row, i) => {
      const value = certainty ? certainty[i] : null;
      row.querySelector('b').textContent = kind === 'real' ? 'not asked' : percent(value);
      row.classList.toggle('sees', value !== null && value >= 0.5);
    });
    [...this.dots.children].forEach((dot, i) => {
      const value = certainty ? certainty[i] : null;
      dot.hidden = value === null;
      if (value !== null) { dot.style.left = place; dot.style.top = `${100 - 100 * value}%`; }
    });
    [...this.runs.children].forEach((one) => one.classList.toggle('on', one.dataset.start <= at && at <= one.dataset.end));
  }
}
