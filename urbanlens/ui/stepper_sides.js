// What stands beside the stepper's time line: objects that came and went, the nearest real image, and the map.
class Sides {
  constructor(root) {
    const find = (name) => root.querySelector(name);
    [this.came, this.bars, this.note] = ['.came', '.bars', '.came .small'].map(find);
    [this.near, this.one, this.map, this.svg] = ['.near', '.near .one', '.near .map', '.near svg'].map(find);
    this.nearHeading = find('.near .heading');
  }

  prepare(data) {
    this.data = data;
    this.came.hidden = !data.objects.length && data.stops.every((stop) => !stop.changes || !stop.changes.length);
    this.near.hidden = !data.stops.some((stop) => stop.near >= 0);
    this.bars.replaceChildren(...data.objects.map((name) => {
      const row = make('li'), track = make('span', 'track');
      track.append(make('i'));
      row.append(make('span', 'name', name), track, make('span', 'value'));
      return row;
    }));
    this.ground();
  }

  // --- the map -------------------------------------------------------------------------------------------------------
  ground() {
    const { ground } = this.data;
    this.map.hidden = !ground;
    if (!ground) return;
    const { width, height, shapes } = ground;
    this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.way = drawn('polyline', { class: 'way' });
    this.spots = drawn('g', {});
    this.svg.replaceChildren(
      drawn('rect', { width, height, class: 'paper' }), ...shapes.map(([layer, d]) => drawn('path', { d, class: layer })),
      this.way, this.spots,
    );
  }

  spot(number) { return number < 0 ? null : this.data.ground.spots[number]; }

  // The places of the nearest images up to this stop, one after the other.
  places(at) {
    const { stops, original } = this.data, real = stops[at].kind === 'real', found = [];
    if (original >= 0) found.push(original);
    stops.slice(0, at + 1).forEach((stop) => {
      if (stop.near >= 0 && stop.kind !== 'real' && found[found.length - 1] !== stop.near) found.push(stop.near);
    });
    if (real && found[found.length - 1] !== stops[at].near) found.push(stops[at].near);
    return found.map((number) => this.spot(number)).filter(Boolean);
  }

  travel(at) {
    const { ground, stops, original, real } = this.data;
    if (!ground) return;
    const places = this.places(at), from = this.spot(original), now = this.spot(stops[at].near);
    this.way.setAttribute('points', places.map((place) => place.join(',')).join(' '));
    const passed = places.filter((place) => place !== from && place !== now);
    this.spots.replaceChildren(...passed.map(([cx, cy]) => drawn('circle', { cx, cy, r: 2.5, class: 'passed' })));
    if (from) this.spots.append(drawn('circle', { cx: from[0], cy: from[1], r: 5, class: 'from' }));
    if (now) this.spots.append(drawn('circle', { cx: now[0], cy: now[1], r: 6, class: 'now' }));
    const told = stops[at].near >= 0 ? `to ${real[stops[at].near].told || real[stops[at].near].name}` : '';
    this.svg.setAttribute('aria-label', `Map: from ${original >= 0 ? real[original].told || real[original].name : 'nowhere'} ${told}`);
  }

  // --- at each step --------------------------------------------------------------------------------------------------
  show(at) {
    const stop = this.data.stops[at];
    this.changes(stop);
    this.nearest(stop);
    this.travel(at);
  }

  changes({ kind, changes }) {
    const { most } = this.data;
    [...this.bars.children].forEach((row, i) => {
      const value = changes ? changes[i] : 0, bar = row.querySelector('i'), points = 100 * value;
      bar.style.width = `${50 * Math.abs(value) / most}%`;
      bar.className = value < 0 ? 'went' : 'came-in';
      row.querySelector('.value').textContent = !changes ? '–'
        : Math.abs(points) < 0.05 ? '0' : `${value > 0 ? '+' : '−'}${Math.abs(points).toFixed(1)}`;
    });
    const words = {
      original: 'In percentage points of the picture.', step: 'In percentage points of the picture, against step 0, as a segmenter sees it.',
      real: changes ? 'In percentage points of the picture, against the original, by the true labels of both.' : 'Nobody labelled the objects of both images.',
    };
    this.note.textContent = words[kind === 'template' ? 'step' : kind];
  }

  nearest({ near, similarity, kind }) {
    this.one.hidden = near < 0;
    this.nearHeading.textContent = kind === 'real' ? 'This real image' : 'Nearest real image at this step';
    if (near < 0) return;
    const { url, name, group, told, link } = this.data.real[near], anchor = this.one.querySelector('a');
    const image = this.one.querySelector('img');
    if (image.getAttribute('src') !== url) image.src = url;
    image.alt = name;
    anchor.title = name;
    if (link) { anchor.href = link; anchor.target = '_self'; } else anchor.removeAttribute('href');
    this.one.querySelector('b').textContent = group || name;
    this.one.classList.toggle('there', group === this.data.target);
    this.one.querySelector('span').textContent = [told, `similarity ${similarity.toFixed(2)}`].filter(Boolean).join(' · ');
  }
}
