// From an image over its template image to real ones. Every step is drawn here; Python hears of it once the slider
// rests. The time line and what stands beside it come before this text in the same module.
const steppers = new WeakMap();
const PAUSE = 400; // ms of rest after which Python is told
const WHOLE = 6000; // ms that Play takes for the generated part
const REST = 1200; // ms that it stays on the template image and on real ones
const LARGE = 384; // px across the two large pictures
const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

class Stepper {
  constructor(parent) {
    this.root = parent.querySelector('.stepper');
    const find = (name) => this.root.querySelector(name);
    [this.slider, this.play, this.called, this.said] = ['input', '.play', '.called', '.said'].map(find);
    [this.from, this.now] = ['.from', '.now'].map(find);
    this.time = new Time(this.root);
    this.sides = new Sides(this.root);
    this.slider.addEventListener('input', (event) => { this.stop(); this.choose(Number(this.slider.value), event); });
    this.play.addEventListener('click', () => this.toggle());
    this.root.addEventListener('keydown', (event) => this.key(event));
    this.film = find('.film');
    ['pointerdown', 'pointermove'].forEach((name) => this.film.addEventListener(name, (event) => this.point(event)));
    this.film.addEventListener('mousedown', (event) => event.preventDefault()); // the focus goes to the slider
    this.size = new ResizeObserver(() => this.strip());
    this.size.observe(this.film);
    this.say();
  }

  // --- what Python says ----------------------------------------------------------------------------------------------
  update(data, send) {
    this.send = send;
    const { data: last } = this, { chosen, ...rest } = data, text = JSON.stringify(rest);
    const same = text === this.text;
    this.text = text;
    this.data = data;
    if (!last || last.of !== data.of) { this.stop(); clearTimeout(this.telling); this.adopt(chosen); }
    // What the page has said of its own accord; what comes back late of what was told here is none of that.
    else if (chosen !== this.told && chosen !== last.chosen) this.adopt(chosen);
    this.at = clamp(this.at, 0, data.stops.length - 1);
    if (!same) {
      this.slider.max = data.stops.length - 1;
      this.time.prepare(data);
      this.sides.prepare(data);
      this.load();
    }
    this.show();
  }

  adopt(stop) { this.at = stop; this.told = stop; }

  async load() {
    const { data } = this, open = async (url) => {
      const image = new Image();
      image.src = url;
      try { await image.decode(); return image; } catch (error) { return null; }
    };
    const shown = new Set(data.stops.map((stop) => stop.real).filter((number) => number >= 0));
    if (data.original >= 0) shown.add(data.original);
    const sheet = open(data.frames.url), real = await Promise.all(data.real.map(({ url }, i) => (shown.has(i) ? open(url) : null)));
    const frames = await sheet;
    if (this.closed || this.data.frames.url !== data.frames.url) return;
    Object.assign(this, { frames, real, loaded: true });
    if (!frames) this.said.textContent = 'The pictures could not be shown.';
    this.strip();
    this.show();
    this.root.dataset.ready = data.of; // for tests
  }

  // --- pictures ------------------------------------------------------------------------------------------------------
  // A picture over a box of a canvas, its middle where the box has other sides.
  put(context, { kind, frame, real }, left, top, width, height) {
    const { cell, columns } = this.data.frames, { aspect, original } = this.data;
    const number = kind === 'original' ? original : real, image = frame >= 0 ? this.frames : this.real && this.real[number];
    if (!image) return;
    let [x, y, w, h] = frame >= 0 ? [(frame % columns) * cell, Math.floor(frame / columns) * cell, cell, cell]
      : [0, 0, image.naturalWidth, image.naturalHeight];
    const across = frame >= 0 ? aspect : w / h, box = width / height; // a frame is a square that was squeezed
    if (across > box) { const less = w * box / across; x += (w - less) / 2; w = less; } else { const less = h * across / box; y += (h - less) / 2; h = less; }
    context.drawImage(image, x, y, w, h, left, top, width, height);
  }

  large(figure, stop, title, under) {
    const canvas = figure.querySelector('canvas'), width = LARGE, height = Math.round(LARGE / this.data.aspect);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    this.put(context, stop, 0, 0, width, height);
    canvas.setAttribute('aria-label', [title, under].filter(Boolean).join(', '));
    figure.querySelector('b').textContent = title;
    figure.querySelector('span').textContent = under;
  }

  strip() { if (this.loaded) this.time.draw((...where) => this.put(...where)); }

  under({ kind, real }) {
    const { data } = this, number = kind === 'original' ? data.original : real;
    if (number < 0) return kind === 'template' ? `what makes it ${data.target}` : '';
    return [data.real[number].group, data.real[number].name].filter(Boolean).join(' · ');
  }

  show() {
    const { stops, networks } = this.data, stop = stops[this.at], [first] = stops;
    this.slider.value = this.at;
    const sure = stop.certainty ? networks.map(({ name }, i) => `${name} ${percent(stop.certainty[i])}`).join(', ') : '';
    this.slider.setAttribute('aria-valuetext', [stop.title, sure].filter(Boolean).join(': '));
    this.called.textContent = stop.title;
    if (this.said.textContent !== stop.told) this.said.textContent = stop.told;
    this.large(this.from, first, first.kind === 'original' ? 'Original' : 'Beginning', this.under(first));
    this.large(this.now, stop, stop.title, this.under(stop));
    this.time.show(this.at);
    this.sides.show(this.at);
    this.root.dataset.shown = this.at; // for tests
  }

  // --- what hands and keys do ----------------------------------------------------------------------------------------
  // event: what caused it; its age when everything stands on the page is kept, in ms.
  choose(at, event) {
    this.at = clamp(at, 0, this.data.stops.length - 1);
    this.show();
    if (event) this.root.dataset.ms = (performance.now() - event.timeStamp).toFixed(2);
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      if (this.timer || this.at === this.told) return;
      this.told = this.at;
      this.send(this.at);
    }, PAUSE);
  }

  // The slider knows its own keys; anywhere else in here they mean the same.
  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { target, key } = event, last = this.data.stops.length - 1;
    if (key === ' ' && target === this.slider) this.toggle();
    else if (target === this.slider) return;
    else {
      const to = { ArrowLeft: this.at - 1, ArrowDown: this.at - 1, ArrowRight: this.at + 1, ArrowUp: this.at + 1, Home: 0, End: last }[key];
      if (to === undefined) return;
      this.stop();
      this.choose(to, event);
    }
    event.preventDefault();
    event.stopPropagation();
  }

  point(event) {
    if (event.type === 'pointermove' ? !event.buttons : event.button > 0) return;
    const { left, width } = this.film.getBoundingClientRect();
    const at = clamp(Math.floor((event.clientX - left) / width * this.data.stops.length), 0, this.data.stops.length - 1);
    this.stop();
    if (at !== this.at) this.choose(at, event);
    this.slider.focus({ preventScroll: true });
  }

  // --- playing -------------------------------------------------------------------------------------------------------
  toggle() {
    const last = this.data.stops.length - 1, round = this.at === last ? 0 : this.at + 1;
    if (still()) { this.choose(round); return; } // one step a press: nothing moves by itself
    if (this.timer) { this.stop(); this.choose(this.at); return; }
    if (this.at >= this.data.stops.findIndex((stop) => stop.kind === 'template')) this.choose(0);
    this.next();
    this.say();
  }

  next() {
    const { stops } = this.data, { kind } = stops[this.at], steps = stops.filter((stop) => stop.kind === 'step').length;
    const pause = kind === 'step' ? clamp(WHOLE / Math.max(steps, 1), 90, 700) : REST;
    this.timer = setTimeout(() => {
      const end = this.at + 1 >= stops.length - 1;
      if (end) this.stop();
      this.choose(this.at + 1);
      if (!end) this.next();
    }, pause);
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
    this.say();
  }

  say() {
    this.said.setAttribute('aria-live', this.timer ? 'off' : 'polite');
    this.play.textContent = still() ? 'Next' : this.timer ? 'Pause' : 'Play';
    this.play.setAttribute('aria-label', still() ? 'Next step' : this.timer ? 'Pause' : 'Play the steps');
  }

  close() {
    this.closed = true;
    this.stop();
    this.size.disconnect();
    clearTimeout(this.telling);
  }
}

export default function stepper({ parentElement, data, setTriggerValue }) {
  let one = steppers.get(parentElement);
  if (!one || !one.root.isConnected) {
    if (one) one.close();
    one = new Stepper(parentElement);
    steppers.set(parentElement, one);
  }
  one.update(data, (stop) => setTriggerValue('stop', stop));
  return () => {
    one.close();
    if (steppers.get(parentElement) === one) steppers.delete(parentElement);
  };
}
